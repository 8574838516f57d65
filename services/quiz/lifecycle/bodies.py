"""The bodies of requests and answers about the life of a quiz."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.quiz.lifecycle.rules import BY_ORGANISER, Cancellation, Words
from shared.contracts.checked import Code, Id, Line, MomentIn, Text, UnlinkedLine
from shared.contracts.events import QUESTIONS_MAX
from shared.web.forms import Form


class EndIn(Form):
    """A later end of a quiz."""

    closes_at: MomentIn = Field(examples=["2026-05-29T20:00:00+08:00"])


class WordsIn(Form):
    """Other words of a question; what is left out stays."""

    explanation: Text | None = Field(None, examples=["光合作用吸收二氧化碳，释放氧气。"])
    source: Text | None = Field(None, examples=["义务教育生物学课程标准"])

    @property
    def as_words(self) -> Words:
        return Words(self.explanation, self.source)


class WordingIn(Form):
    """Other words of a quiz, which nobody answers; what is left out stays."""

    title: Line | None = Field(None, examples=["科技创新和科学技术普及知识竞赛"])
    questions: dict[Id, WordsIn] = Field(default_factory=dict, max_length=QUESTIONS_MAX)


class CancelIn(Form):
    """Why a quiz is cancelled: a code for programs, and words for everybody who took part."""

    code: Code = Field(BY_ORGANISER, examples=["technical_failure"])
    text: UnlinkedLine = Field(
        description="sent to everybody who took part; without web addresses",
        examples=["因试题泄露取消，下周重新举办，敬请谅解"],
    )


class CancellationOut(BaseModel):
    """A cancellation, and how far those who took part were told."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    code: str = Field(examples=["technical_failure"])
    text: str
    cancelled_at: datetime
    told_percent: int = Field(description="how much of the attempts was looked at", examples=[100])
    finished: bool

    @classmethod
    def of(cls, cancellation: Cancellation) -> "CancellationOut":
        portions = max(cancellation.portions, 1)
        return cls(
            quiz_id=cancellation.quiz_id,
            code=cancellation.code,
            text=cancellation.text,
            cancelled_at=cancellation.cancelled_at,
            told_percent=100 * cancellation.portions_told // portions,
            finished=not cancellation.unfinished,
        )

"""The bodies of requests and answers about drafts and trials."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.quiz.attempts.bodies import QuestionOut
from services.quiz.drafts.store import Line
from services.quiz.drafts.trial import Marked, Trial
from services.quiz.quizzes.rules import QUESTIONS_A_PAPER_MAX
from services.quiz.review.api import ReviewedOut, reviewed_out
from services.quiz.scoring.rules import HALF_POINTS_A_QUESTION, PERCENT_SHOWN
from shared.contracts.checked import Id
from shared.contracts.events import ANSWERS_MAX, Letters
from shared.web.forms import Form


class DraftOut(BaseModel):
    """A draft in a list; its definition has the rest."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    version: int = Field(description="counts the changes of the draft", examples=[3])
    title: str = Field(examples=["科技创新和科学技术普及知识竞赛"])
    opens_at: datetime
    closes_at: datetime
    questions: int = Field(description="questions on a paper", examples=[20])

    @classmethod
    def of(cls, draft: Line) -> "DraftOut":
        return cls(
            quiz_id=draft.quiz_id,
            version=draft.version,
            title=draft.title,
            opens_at=draft.opens_at,
            closes_at=draft.closes_at,
            questions=draft.questions_a_paper,
        )


class DraftsOut(BaseModel):
    """A page of drafts."""

    drafts: list[DraftOut]
    after: str | None = Field(description="where the next page begins; null on the last one")


class TrialPaperOut(BaseModel):
    """A paper as a participant would get it, without keys."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    draft: bool = Field(description="true: of the draft; false: of the published quiz")
    title: str
    opens_at: datetime
    closes_at: datetime
    duration_seconds: int = Field(examples=[1200])
    paper: int = Field(examples=[0])
    papers: int = Field(examples=[512])
    questions: list[QuestionOut] = Field(max_length=QUESTIONS_A_PAPER_MAX)

    @classmethod
    def of(cls, trial: Trial) -> "TrialPaperOut":
        fields: dict[str, Any] = {"questions": trial.questions}
        quiz = trial.quiz
        return cls(
            quiz_id=trial.quiz_id,
            draft=trial.status is None,
            title=quiz.title,
            opens_at=quiz.opens_at,
            closes_at=quiz.closes_at,
            duration_seconds=quiz.duration_seconds,
            paper=trial.paper.number,
            papers=quiz.papers,
            **fields,
        )


class TrialAnswersIn(Form):
    """Answers to a paper, as a participant would submit them."""

    model_config = ConfigDict(strict=True)

    paper: int = Field(0, ge=0, le=4_095, examples=[0])
    answers: dict[Id, Letters] = Field(max_length=ANSWERS_MAX, examples=[{"q001": "B", "q017": "ACD"}])


class TrialResultOut(BaseModel):
    """How the answers would be graded, beside the keys."""

    paper: int
    points: float = Field(description="in steps of 0.5", examples=[17])
    points_max: float = Field(examples=[20])
    score_percent: int = Field(description=PERCENT_SHOWN, examples=[85])
    passed: bool
    questions: list[ReviewedOut] = Field(max_length=QUESTIONS_A_PAPER_MAX)

    @classmethod
    def of(cls, trial: Trial, marked: Marked) -> "TrialResultOut":
        return cls(
            paper=trial.paper.number,
            points=marked.half_points / HALF_POINTS_A_QUESTION,
            points_max=marked.half_points_max / HALF_POINTS_A_QUESTION,
            score_percent=marked.score_percent,
            passed=marked.passed,
            questions=[reviewed_out(one) for one in marked.reviewed],
        )

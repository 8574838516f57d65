"""The bodies of requests and answers about flags."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.quiz.fair_play.explained import explained
from services.quiz.fair_play.rules import (
    KINDS,
    NOTE_CHARS_MAX,
    PEOPLE_NAMED_MAX,
    AlikeFigures,
    CrowdFigures,
    JudgedFlag,
    Kind,
    Shares,
    TimeFigures,
    Verdict,
)
from services.quiz.fair_play.store import State
from shared.contracts.checked import Text
from shared.web.forms import Form
from shared.web.wording import Language


class JudgementIn(Form):
    """What an organiser thinks of a flag."""

    verdict: Verdict = Field(description="open: it is to be judged again", examples=["fair"])
    note: Annotated[Text, Field(max_length=NOTE_CHARS_MAX)] = Field(
        "", description="why; write no names here", examples=["一个班在同一机房答题"]
    )


class PersonOut(BaseModel):
    participant_id: str
    attempt_id: str


class AlikeOut(BaseModel):
    """The figures of answers that are alike."""

    identical: int = Field(description="questions with the same wrong answer", examples=[9])
    expected: float = Field(description="so many by chance", examples=[1.3])
    questions: int = Field(description="questions that both have", examples=[20])
    wrong: tuple[int, int] = Field(description="wrong answers of each", examples=[(9, 10)])
    chance: float = Field(description="the probability of so many or more", examples=[3.1e-9])
    chance_max: float = Field(description="flagged up to this probability", examples=[1.2e-8])
    pairs: int = Field(description="pairs that were compared", examples=[800000])
    is_class: bool = Field(description="both are of one group, which is taken into account")
    shares: Shares = Field(description="what else the two attempts share")


class CrowdOut(BaseModel):
    """The figures of many people with one address or device."""

    people: int = Field(examples=[45])
    unexplained: int = Field(description="of them, those who are not there with a class", examples=[38])
    unexplained_min: int = Field(description="so many are flagged", examples=[20])
    first_at: datetime
    last_at: datetime


class TimeOut(BaseModel):
    """The figures of an attempt that was too fast."""

    seconds: int = Field(examples=[12])
    seconds_min: int = Field(description="less is flagged", examples=[60])
    points_percent: int = Field(examples=[100])


class JudgementOut(BaseModel):
    verdict: Verdict
    note: str
    by: str = Field(description="the name of the key", examples=["教育局"])
    at: datetime


class FlagOut(BaseModel):
    """Something that a person should look at. Nothing follows from it."""

    flag_id: str
    kind: Kind
    flagged_at: datetime
    explanation: str = Field(examples=["两人共有的 20 题中，有 9 题的错误答案完全相同……"])
    who: list[PersonOut] = Field(max_length=PEOPLE_NAMED_MAX)
    alike: AlikeOut | None = None
    crowd: CrowdOut | None = None
    time: TimeOut | None = None
    judgement: JudgementOut | None = Field(description="null: nobody has judged it")


class ExaminationOut(BaseModel):
    """How far the quiz is examined."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    due: bool = Field(description="an examination is wanted, and has not begun")
    percent: int | None = Field(description="of the one under way; null if there is none")
    made_at: datetime | None = Field(description="when the last one began; null: there is none")
    final: bool = Field(description="it was made after the close")
    attempts: int
    pairs: int = Field(description="of attempts with the same paper")
    near_pairs: int = Field(description="of attempts at one address or device")
    left_out: dict[str, int] = Field(
        max_length=len(KINDS), description="by kind, weaker flags that were too many to keep"
    )
    not_compared: int = Field(description="attempts that were too many of one paper")


class FlagsOut(BaseModel):
    """A page of flags."""

    examination: ExaminationOut
    flags: list[FlagOut]
    after: str | None = Field(description="where the next page begins; null on the last one")


def flag_out(one: JudgedFlag, language: Language) -> FlagOut:
    """A flag as it is shown."""
    flag, figures, judged = one.flag, one.flag.figures, one.judgement
    return FlagOut(
        flag_id=flag.flag_id,
        kind=flag.kind,
        flagged_at=one.flagged_at,
        explanation=explained(flag, language),
        who=[PersonOut.model_validate(person, from_attributes=True) for person in flag.who],
        alike=AlikeOut.model_validate(figures, from_attributes=True)
        if isinstance(figures, AlikeFigures)
        else None,
        crowd=CrowdOut.model_validate(figures, from_attributes=True)
        if isinstance(figures, CrowdFigures)
        else None,
        time=TimeOut.model_validate(figures, from_attributes=True)
        if isinstance(figures, TimeFigures)
        else None,
        judgement=JudgementOut.model_validate(judged, from_attributes=True) if judged else None,
    )


def examination_out(quiz_id: str, state: State) -> ExaminationOut:
    """The state of a quiz as it is shown."""
    found = state.found
    return ExaminationOut(
        quiz_id=quiz_id,
        due=state.due,
        percent=state.percent,
        made_at=state.made_at,
        final=state.final,
        attempts=found.attempts if found else 0,
        pairs=found.pairs if found else 0,
        near_pairs=found.near_pairs if found else 0,
        left_out=found.left_out if found else {},
        not_compared=found.not_compared if found else 0,
    )

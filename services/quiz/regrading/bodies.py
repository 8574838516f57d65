"""The bodies of corrections."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from services.quiz.quizzes.questions import PointsOfQuestion
from services.quiz.quizzes.record import Correction, QuizRecord
from services.quiz.regrading.question_changes import Change
from services.quiz.regrading.rules import CORRECTIONS_MAX, Figures, Preview, Regrading
from shared.contracts.checked import Id, PersonalLine
from shared.contracts.events import Letters
from shared.web.forms import Form

RegradingStatus = Literal["waiting", "running", "done"]


class CorrectionIn(Form):
    """A new key of a question, its cancellation, other points, or that it is taken out; one of these."""

    question_id: Id = Field(examples=["q001"])
    key: Letters | None = Field(None, description="the letters that are right, in order", examples=["B"])
    cancelled: bool = Field(False, description="true: everybody who has the question gets its points")
    points: PointsOfQuestion | None = Field(
        None, description="what it is worth, in steps of 0.5", examples=[2]
    )
    taken_out: bool = Field(
        False, description="true: nobody gets points for it, and every paper is worth so much less"
    )
    reason: PersonalLine = Field(
        description="why; only organisers see it, and it may name no person", examples=["教材第三版有更正"]
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> "CorrectionIn":
        said = (self.key is not None, self.cancelled, self.points is not None, self.taken_out)
        if sum(said) != 1:
            raise PydanticCustomError(
                "key_or_cancelled", "give one of key, cancelled: true, points and taken_out: true"
            )
        return self

    @property
    def change(self) -> Change:
        """What is wanted."""
        return Change(self.key, self.points, self.taken_out)


class FiguresOut(BaseModel):
    """What a correction has changed so far, or would change."""

    results: int = Field(description="that were looked at")
    changed: int = Field(
        description="results that count, with other points, or whose paper is worth other points"
    )
    raised: int = Field(description="of these, those with more points")
    now_passed: int = Field(description="results that pass only now")
    not_passed: int = Field(description="results that do not pass any more")
    standings: int = Field(description="participants whose ranked result has changed")
    left_out: int = Field(
        description="results of disqualified people that have other points too, and do not count"
    )


class RegradingOut(BaseModel):
    """How far the results are graded again."""

    status: RegradingStatus
    begins_at: datetime = Field(description="not earlier: until then, graders learn of the correction")
    percent: int
    figures: FiguresOut
    ended_at: datetime | None


class CorrectionOut(BaseModel):
    """A correction."""

    number: int = Field(description="counts the corrections of the quiz, from 1")
    question_id: str
    code: str = Field(
        description="what was corrected, as `quiz.regraded` says it", examples=["key_corrected"]
    )
    key: str | None = Field(description="the key since then; null: the question is cancelled or taken out")
    cancelled: bool
    points: float | None = Field(description="null: what the quiz says")
    taken_out: bool
    reason: str
    who: str
    at: datetime
    regrading: RegradingOut | None


class CorrectionsOut(BaseModel):
    """All corrections of a quiz, in order."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    corrections: list[CorrectionOut] = Field(max_length=CORRECTIONS_MAX)


class PreviewOut(BaseModel):
    """What a correction would change."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    question_id: str
    code: str = Field(description="what would be corrected", examples=["key_corrected"])
    key: str | None = Field(description="null: the question would be cancelled or taken out")
    cancelled: bool
    points: float | None = Field(description="null: what the quiz says")
    taken_out: bool
    corrections: int = Field(description="it goes on from so many corrections: the `ETag` to correct with")
    asked_at: datetime
    percent: int
    figures: FiguresOut | None = Field(description="null until all results are read")
    ranks: int | None = Field(description="people whose rank in the public standings would differ")
    outdated: bool = Field(
        description="true: the quiz was corrected, or something was decided about a participant, since it was"
        " made; ask again"
    )


def preview_out(preview: Preview, record: QuizRecord) -> PreviewOut:
    """A preview of a quiz that is so now."""
    correction = preview.correction
    return PreviewOut(
        quiz_id=preview.quiz_id,
        question_id=correction.question_id,
        code=correction.code,
        key=correction.key,
        cancelled=correction.key is None and not correction.taken_out,
        points=correction.points,
        taken_out=correction.taken_out,
        corrections=correction.number - 1,
        asked_at=preview.asked_at,
        percent=preview.percent,
        figures=_figures_out(preview.figures) if preview.figures else None,
        ranks=preview.ranks,
        outdated=preview.is_outdated(record),
    )


def corrections_out(record: QuizRecord, regradings: dict[int, Regrading]) -> CorrectionsOut:
    """The corrections of a quiz with their work."""
    return CorrectionsOut(
        quiz_id=record.quiz_id,
        corrections=[_correction_out(one, regradings.get(one.number)) for one in record.corrections],
    )


def _correction_out(correction: Correction, regrading: Regrading | None) -> CorrectionOut:
    return CorrectionOut(
        number=correction.number,
        question_id=correction.question_id,
        code=correction.code,
        key=correction.key,
        cancelled=correction.key is None and not correction.taken_out,
        points=correction.points,
        taken_out=correction.taken_out,
        reason=correction.reason,
        who=correction.who,
        at=correction.at,
        regrading=_regrading_out(regrading) if regrading else None,
    )


def _regrading_out(regrading: Regrading) -> RegradingOut:
    status: RegradingStatus = "running" if regrading.portions else "waiting"
    return RegradingOut(
        status="done" if regrading.ended_at else status,
        begins_at=regrading.begins_at,
        percent=100 * regrading.portions_done // regrading.portions if regrading.portions else 0,
        figures=_figures_out(regrading.figures),
        ended_at=regrading.ended_at,
    )


def _figures_out(figures: Figures) -> FiguresOut:
    return FiguresOut(
        results=figures.results,
        changed=figures.changed,
        raised=figures.raised,
        now_passed=figures.now_passed,
        not_passed=figures.not_passed,
        standings=figures.standings,
        left_out=figures.left_out,
    )

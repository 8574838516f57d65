"""The statistics of a quiz as they are shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.quiz.quizzes.questions import OPTIONS_MAX, Question
from services.quiz.statistics.doubts import Doubt, DoubtCode
from services.quiz.statistics.figures import QUESTIONS_SHOWN_MAX, QuestionStatistics, Statistics
from services.quiz.statistics.rules import ATTEMPTS_MIN, PaperFigures
from services.quiz.statistics.store import State
from services.quiz.statistics.wording import doubt_in_words
from shared.web.wording import Language

FEW = f"null where fewer than {ATTEMPTS_MIN} attempts tell it, or where it means nothing"


class ReadingOut(BaseModel):
    """New statistics are being made."""

    began_at: datetime
    percent: int = Field(description="of all results that were read", examples=[40])


class PaperOut(BaseModel):
    """All attempts together."""

    mean_points: float = Field(examples=[13.4])
    median_points: float = Field(examples=[13.5])
    sd_points: float | None = Field(description="standard deviation", examples=[3.1])
    skewness: float | None = Field(description="negative: more people far below the mean", examples=[-0.4])
    kurtosis: float | None = Field(description="0: as a bell curve; higher: more extremes", examples=[0.1])
    alpha_percent: float | None = Field(
        description="Cronbach's alpha, the coefficient of internal consistency", examples=[78.2]
    )
    error_ratio_percent: float | None = Field(
        description="how much of the standard deviation is chance", examples=[46.7]
    )
    standard_error_points: float | None = Field(description="of one person's points", examples=[1.4])

    @classmethod
    def of(cls, figures: PaperFigures) -> "PaperOut":
        """The figures as they are shown."""
        return cls(
            mean_points=figures.mean,
            median_points=figures.median,
            sd_points=figures.sd,
            skewness=figures.skewness,
            kurtosis=figures.kurtosis,
            alpha_percent=figures.alpha_percent,
            error_ratio_percent=figures.error_ratio_percent,
            standard_error_points=figures.standard_error,
        )


class OptionFiguresOut(BaseModel):
    """Who chose an option."""

    option: str | None = Field(description="null: those who chose none", examples=["B"])
    right: bool
    attempts: int = Field(examples=[120])
    mean_points: float | None = Field(description=f"of their whole paper; {FEW}", examples=[11.2])


class DoubtOut(BaseModel):
    """Why a question looks wrong."""

    code: DoubtCode
    option: str | None = Field(description="the wrong option that it is about", examples=["C"])
    reason: str = Field(
        examples=[
            "more people chose this wrong option than the key: the question is hard, or the key is wrong"
        ]
    )


class QuestionFiguresOut(BaseModel):
    """A question, measured by the attempts whose paper had it."""

    id: str = Field(examples=["q001"])
    quiz_version: int = Field(description="the first version that had it in this form", examples=[1])
    topic: str = Field(examples=["生命与健康"])
    kind: Literal["single", "multiple", "true_false"]
    text: str = Field(examples=["植物进行光合作用时释放的气体是？"])
    key: str | None = Field(description="null for viewers before the close", examples=["A"])
    attempts: int = Field(examples=[640])
    facility_percent: float | None = Field(description=f"mean points, of all points; {FEW}", examples=[71.5])
    sd_points: float | None = Field(examples=[0.44])
    discrimination_percent: float | None = Field(
        description=f"correlation with the rest of the paper; {FEW}", examples=[35.1]
    )
    efficiency_percent: float | None = Field(
        description="discrimination, as a share of what is possible with this facility", examples=[52.0]
    )
    intended_weight_percent: float = Field(examples=[5])
    effective_weight_percent: float | None = Field(
        description=f"how much it decides about the points of a paper that has it; {FEW}", examples=[5.6]
    )
    random_guess_percent: float | None = Field(
        description="mean points of guessing; null for viewers before the close", examples=[25]
    )
    options: list[OptionFiguresOut] = Field(
        max_length=OPTIONS_MAX + 1, description="empty for viewers before the close, and for few attempts"
    )
    doubts: list[DoubtOut] = Field(max_length=2 * OPTIONS_MAX)


class StateOut(BaseModel):
    """Whether statistics are made, and new ones are coming."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    made_at: datetime | None = Field(description="all that was graded before is in them; null: none are made")
    final: bool = Field(description="they were made after the close")
    due: bool = Field(description="new ones will be made")
    reading: ReadingOut | None = Field(description="new ones are being made")


class StatisticsOut(StateOut):
    """
    The last statistics that were made.

    Everything is null or empty until the first ones are made. Of fewer than five attempts only the number is
    shown.
    """

    attempts: int | None = Field(examples=[12840])
    points_max: float = Field(examples=[20])
    paper: PaperOut | None
    questions: list[QuestionFiguresOut] = Field(
        max_length=QUESTIONS_SHOWN_MAX,
        description="in the order of the bank; with `doubtful` only those with doubts",
    )


def state_out(quiz_id: str, state: State) -> StateOut:
    """The state of a quiz's statistics as it is shown."""
    reading = state.reading
    return StateOut(
        quiz_id=quiz_id,
        made_at=state.made_at,
        final=state.final,
        due=state.due,
        reading=ReadingOut(began_at=reading.began_at, percent=reading.percent) if reading else None,
    )


def statistics_out(
    quiz_id: str,
    state: State,
    made: Statistics | None,
    questions: Mapping[tuple[str, int], Question],
    points_max: float,
    *,
    language: Language,
    shows_keys: bool,
) -> StatisticsOut:
    """
    The answer.

    Args:
        questions: those that are shown, in their order, by id and version.
        shows_keys: whether whoever asks may know which options are right.
    """
    figures = {(one.question_id, one.quiz_version): one for one in made.questions} if made else {}
    return StatisticsOut(
        **state_out(quiz_id, state).model_dump(),
        attempts=made.attempts if made else None,
        points_max=points_max,
        paper=PaperOut.of(made.paper) if made and made.paper else None,
        questions=[
            _question_out(figures[which], question, language, shows_keys=shows_keys)
            for which, question in questions.items()
        ],
    )


def _question_out(
    of: QuestionStatistics, question: Question, language: Language, *, shows_keys: bool
) -> QuestionFiguresOut:
    figures = of.figures
    return QuestionFiguresOut(
        id=question.id,
        quiz_version=of.quiz_version,
        topic=question.topic,
        kind=question.kind,
        text=question.text,
        key=question.key if shows_keys else None,
        attempts=of.attempts,
        facility_percent=100 * figures.facility if figures else None,
        sd_points=figures.sd if figures else None,
        discrimination_percent=figures.discrimination_percent if figures else None,
        efficiency_percent=figures.efficiency_percent if figures else None,
        intended_weight_percent=of.intended_weight_percent,
        effective_weight_percent=of.effective_weight_percent,
        # Of a multiple choice it says how many options are right.
        random_guess_percent=of.random_guess_percent if shows_keys else None,
        options=[
            OptionFiguresOut(
                option=one.option, right=one.right, attempts=one.attempts, mean_points=one.mean_points
            )
            for one in of.options
            if shows_keys
        ],
        doubts=[_doubt_out(doubt, language, shows_keys=shows_keys) for doubt in of.doubts],
    )


def _doubt_out(doubt: Doubt, language: Language, *, shows_keys: bool) -> DoubtOut:
    return DoubtOut(
        code=doubt.code,
        option=doubt.option if shows_keys else None,
        reason=doubt_in_words(doubt.code, language),
    )

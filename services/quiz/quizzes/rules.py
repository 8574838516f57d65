"""A quiz as an organiser defines it, and its days. All functions are pure."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, NamedTuple, NewType
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from services.quiz.quizzes.blueprint import (
    LINES_MAX,
    Marking,
    PaperLine,
    PointsOff,
    check_lines,
    half_points_of_paper,
)
from services.quiz.quizzes.questions import PointsOfQuestion, Question
from shared.contracts.checked import Line, MomentIn, Ordinal, Zone
from shared.contracts.events import (
    QUESTIONS_MAX,
    Admits,
    Counts,
    MultipleChoice,
    Percent,
    QuestionKind,
    ShowsScores,
    Ties,
)

QuizId = NewType("QuizId", str)

# The namespace of attempts' ids. It is published, so that other systems can make the same ids.
ATTEMPT_IDS = UUID("6f2a0a3e-8b56-5c0e-9d0c-0b7f4a1c2e55")
QUESTIONS_A_PAPER_MAX = 200
DURATION_SECONDS_MAX = 86_400
GRACE_SECONDS_MAX = 60
ATTEMPTS_A_DAY_MAX = 20
# As many as the bits of an order can hold (standings/rules.py).
QUIZ_DAYS_MAX = 366
# After this time after a deadline, every acknowledged submission is in the log: see ACCEPTED_SECONDS_MAX in
# attempts/intake.py.
LOG_DELAY_SECONDS_MAX = 15
# An early close and a freeze begin so much later, so that every process knows of them in time: see
# catalogue.py.
NOTICE_SECONDS = 2

ADMITS = (
    "anyone; verified: people who have verified an e-mail; roster: of those, the members of a school, unit"
    " or service team"
)
MULTIPLE_CHOICE = (
    "what some right letters without a wrong one give: partial: half of the points; all_or_nothing: nothing;"
    " each_right: their share, rounded down to half points"
)
WRONG_COSTS = "points that a wrong answer costs; a paper never has fewer than 0"
LEAST_PLAUSIBLE = "an attempt that takes less time is flagged for organisers, and counts all the same"
SHOWS_SCORES = "at_once; at_close: until the quiz is closed only organisers learn scores and ranks"

TIES = (
    "of equal points, what ranks higher: time_used, less time; earlier_finish, who handed in earlier; shared:"
    " nothing, they share a rank"
)
COUNTS = "which attempt of a participant is ranked: best; first, last: the one handed in first, last"

QUIZ_EXAMPLE: JsonDict = {
    "title": "科技创新和科学技术普及知识竞赛",
    "opens_at": "2026-05-20T08:00:00+08:00",
    "closes_at": "2026-05-28T20:00:00+08:00",
    "duration_seconds": 1200,
    "shows_scores": "at_close",
    "papers": 512,
    "blueprint": {"生命与健康": 1},
    "questions": [
        {
            "id": "q001",
            "topic": "生命与健康",
            "kind": "single",
            "text": "植物进行光合作用时释放的气体是？",
            "options": [{"id": "A", "text": "氧气"}, {"id": "B", "text": "氮气"}],
            "key": "A",
            "explanation": "光合作用吸收二氧化碳，释放氧气。",
            "source": "义务教育生物学课程标准",
        }
    ],
}


class Ranking(NamedTuple):
    """How a quiz ranks: what decides between equal points, and which attempt of a participant counts."""

    ties: Ties = "time_used"
    counts: Counts = "best"


class Quiz(BaseModel):
    """A quiz as an organiser defines it."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [QUIZ_EXAMPLE]})

    title: Line
    opens_at: MomentIn
    closes_at: MomentIn
    timezone: Zone = "Asia/Shanghai"
    duration_seconds: Annotated[int, Field(ge=10, le=DURATION_SECONDS_MAX)] = 1_200
    grace_seconds: Annotated[int, Field(ge=0, le=GRACE_SECONDS_MAX)] = 5
    attempts_per_day: Annotated[int, Field(ge=1, le=ATTEMPTS_A_DAY_MAX)] = 1
    admits: Annotated[Admits, Field(description=ADMITS)] = "anyone"
    shows_scores: Annotated[ShowsScores, Field(description=SHOWS_SCORES)] = "at_once"
    ties: Annotated[Ties, Field(description=TIES)] = "time_used"
    counts: Annotated[Counts, Field(description=COUNTS)] = "best"
    pass_percent: Percent = 60
    least_plausible_seconds: Annotated[
        int | None, Field(ge=1, le=DURATION_SECONDS_MAX, description=LEAST_PLAUSIBLE)
    ] = None
    papers: Annotated[int, Field(ge=1, le=4_096)] = 512
    blueprint: Annotated[
        dict[Line, Ordinal], Field(max_length=LINES_MAX, description="how many questions of each topic")
    ] = {}
    lines: Annotated[
        tuple[PaperLine, ...],
        Field(
            max_length=LINES_MAX,
            description="in place of `blueprint`: how many questions by topic, difficulty and kind",
        ),
    ] = ()
    points: Annotated[
        dict[QuestionKind, PointsOfQuestion],
        Field(description="what questions of this kind are worth that do not say it themselves; else 1"),
    ] = {}
    multiple_choice: Annotated[MultipleChoice, Field(description=MULTIPLE_CHOICE)] = "partial"
    wrong_costs: Annotated[PointsOff, Field(description=WRONG_COSTS)] = 0
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=QUESTIONS_MAX)]

    @model_validator(mode="after")
    def _is_consistent(self) -> "Quiz":
        if self.closes_at <= self.opens_at:
            raise PydanticCustomError("quiz_order", "closes_at is not after opens_at")
        if self.closes_at - self.opens_at > timedelta(days=QUIZ_DAYS_MAX):
            raise PydanticCustomError(
                "quiz_too_long", "a quiz may be open for {days} days", {"days": QUIZ_DAYS_MAX}
            )
        if (self.least_plausible_seconds or 0) > self.duration_seconds:
            raise PydanticCustomError(
                "least_time_too_long", "least_plausible_seconds is above duration_seconds"
            )
        if len({question.id for question in self.questions}) != len(self.questions):
            raise PydanticCustomError("question_ids_alike", "two questions have the same id")
        if len({question.text for question in self.questions}) != len(self.questions):
            raise PydanticCustomError("questions_alike", "two questions have the same text")
        if bool(self.blueprint) == bool(self.lines):
            raise PydanticCustomError(
                "blueprint_or_lines", "give at least 1 topic in blueprint, or at least 1 of lines; not both"
            )
        check_lines(self.paper_lines, self.questions, self.marking)
        if self.questions_a_paper > QUESTIONS_A_PAPER_MAX:
            raise PydanticCustomError(
                "paper_too_long", "a paper may have {most} questions", {"most": QUESTIONS_A_PAPER_MAX}
            )
        return self

    @property
    def questions_a_paper(self) -> int:
        """The number of questions in each paper."""
        return sum(line.count for line in self.paper_lines)

    @property
    def paper_lines(self) -> tuple[PaperLine, ...]:
        """The lines of the blueprint, in whichever form it is."""
        of_topics = (PaperLine(topic=topic, count=count) for topic, count in self.blueprint.items())
        return self.lines or tuple(of_topics)

    @property
    def marking(self) -> Marking:
        """What answers are worth."""
        return Marking(self.points, self.multiple_choice, self.wrong_costs)

    @property
    def half_points_max(self) -> int:
        """What every paper is worth as it was published; corrections may change it."""
        return half_points_of_paper(self.paper_lines, self.questions, self.marking)

    @property
    def ranking(self) -> Ranking:
        """How the quiz ranks."""
        return Ranking(self.ties, self.counts)

    def keeps_to(self, earlier: "Quiz") -> bool:
        """
        True if this can replace an earlier version that has opened.

        Somebody may have an attempt of that version in another system. So everything must stay that decides
        the owner of an attempt, who may have one, the deadline, the number of points, what wrong answers
        cost, how results are ranked, and when scores are shown. The close may only move later.
        """
        times = ("opens_at", "timezone", "duration_seconds", "grace_seconds")
        shown = ("admits", "shows_scores", "ties", "counts")
        kept = (*times, *shown, "attempts_per_day", "multiple_choice", "wrong_costs")
        return (
            all(getattr(self, name) == getattr(earlier, name) for name in kept)
            and self.questions_a_paper == earlier.questions_a_paper
            and self.half_points_max == earlier.half_points_max
            and self.closes_at >= earlier.closes_at
        )

    def has_papers_of(self, other: "Quiz") -> bool:
        """True if papers of both are the same and are graded alike: same questions, keys and points."""
        return (
            all(getattr(self, name) == getattr(other, name) for name in ON_PAPER)
            and len(self.questions) == len(other.questions)
            and all(map(Question.is_marked_as, self.questions, other.questions))
        )


# Neither a paper nor its points depend on these. So papers that are laid out stay if only these change. A new
# field is not among them until somebody adds it.
OFF_PAPER = frozenset(
    {
        "title",
        "opens_at",
        "closes_at",
        "timezone",
        "duration_seconds",
        "grace_seconds",
        "attempts_per_day",
        "admits",
        "shows_scores",
        "ties",
        "counts",
        "pass_percent",
        "least_plausible_seconds",
    }
)
ON_PAPER = tuple(name for name in Quiz.model_fields if name not in OFF_PAPER | {"questions"})


def day_of(quiz: Quiz, moment: datetime) -> str:
    """The date of a moment at the quiz's place, as 2026-05-20."""
    return moment.astimezone(ZoneInfo(quiz.timezone)).date().isoformat()


def day_around(quiz: Quiz, moment: datetime) -> tuple[datetime, datetime]:
    """
    A span around a moment, in UTC, that is within one day at the quiz's place.

    On days when clocks change the span is empty: where they change at midnight, a day can come twice.
    """
    zone = ZoneInfo(quiz.timezone)
    day = moment.astimezone(zone).date()
    begins, ends = (datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1))
    if begins.utcoffset() != ends.utcoffset():
        return moment, moment
    return begins.astimezone(UTC), ends.astimezone(UTC)

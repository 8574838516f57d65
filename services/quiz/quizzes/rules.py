"""
A quiz, when it accepts attempts and submissions, and when it may change. All functions are pure.

An organiser defines a `Quiz`. A `QuizRecord` is the quiz as it is now: its definition, its status, its close.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal, NewType
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from shared.contracts.checked import Id, Line, MomentIn, Ordinal, Text, Zone, line, same_to_readers
from shared.contracts.events import QUESTIONS_MAX, Admits, Letters, Percent, QuestionKind
from shared.runtime.errors import Conflict

QuizId = NewType("QuizId", str)

# The namespace of attempts' ids. It is published, so that other systems can make the same ids.
ATTEMPT_IDS = UUID("6f2a0a3e-8b56-5c0e-9d0c-0b7f4a1c2e55")
QUESTIONS_A_PAPER_MAX = 200
OPTION_LETTERS = "ABCDEFGH"
OPTIONS_MAX = len(OPTION_LETTERS)
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

Status = Literal["open", "closing", "closed"]
KEY_CORRECTED = "key_corrected"
QUESTION_CANCELLED = "question_cancelled"


def not_blank(text: str) -> str:
    """
    The text, if something of it is visible.

    Raises:
        ValueError: nothing is.
    """
    # `line` refuses invisible text, but it does not accept line ends and tabs.
    line(text.replace("\n", " ").replace("\t", " "))
    return text


QuestionText = Annotated[Text, AfterValidator(not_blank)]


class Option(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=rf"^[{OPTION_LETTERS}]$")]
    text: Line


class Question(BaseModel):
    """
    A question with its key: the letters of all right options, in alphabetical order.

    A multiple choice may have only one right option. Otherwise everyone would know that at least two are
    right (docs/decisions/0020-points.md).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    topic: Line
    kind: QuestionKind
    text: QuestionText
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=OPTIONS_MAX)]
    key: Letters
    explanation: Text = ""
    source: Text = ""

    @model_validator(mode="after")
    def _options_can_be_told_apart(self) -> "Question":
        letters = "".join(option.id for option in self.options)
        if letters != OPTION_LETTERS[: len(letters)]:
            raise PydanticCustomError("option_letters", "the options' letters are not A, B, C and so on")
        if len({same_to_readers(option.text) for option in self.options}) != len(self.options):
            raise PydanticCustomError("options_alike", "two options have the same text")
        if self.kind == "true_false" and len(self.options) != 2:
            raise PydanticCustomError("true_false_options", "a true_false question has two options")
        return self

    @model_validator(mode="after")
    def _key_fits_options(self) -> "Question":
        if not set(self.key) <= {option.id for option in self.options}:
            raise PydanticCustomError("key_beyond_options", "the key names an option that does not exist")
        if list(self.key) != sorted(set(self.key)):
            raise PydanticCustomError("key_order", "the key's letters are not in alphabetical order")
        if self.kind != "multiple" and len(self.key) != 1:
            raise PydanticCustomError("key_of_one", "a question of this kind has exactly one right option")
        return self


QUIZ_EXAMPLE: JsonDict = {
    "title": "科技创新和科学技术普及知识竞赛",
    "opens_at": "2026-05-20T08:00:00+08:00",
    "closes_at": "2026-05-28T20:00:00+08:00",
    "duration_seconds": 1200,
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
    pass_percent: Percent = 60
    papers: Annotated[int, Field(ge=1, le=4_096)] = 512
    blueprint: Annotated[dict[Line, Ordinal], Field(min_length=1, max_length=100)]
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=QUESTIONS_MAX)]

    @model_validator(mode="after")
    def _is_consistent(self) -> "Quiz":
        if self.closes_at <= self.opens_at:
            raise PydanticCustomError("quiz_order", "closes_at is not after opens_at")
        if self.closes_at - self.opens_at > timedelta(days=QUIZ_DAYS_MAX):
            raise PydanticCustomError(
                "quiz_too_long", "a quiz may be open for {days} days", {"days": QUIZ_DAYS_MAX}
            )
        if len({question.id for question in self.questions}) != len(self.questions):
            raise PydanticCustomError("question_ids_alike", "two questions have the same id")
        if len({question.text for question in self.questions}) != len(self.questions):
            raise PydanticCustomError("questions_alike", "two questions have the same text")
        there = Counter(question.topic for question in self.questions)
        for topic, count in self.blueprint.items():
            if there[topic] < count:
                raise PydanticCustomError(
                    "blueprint_beyond_bank",
                    "the blueprint asks for {count} of {topic}, the bank has {there}",
                    {"count": count, "topic": topic, "there": there[topic]},
                )
        if sum(self.blueprint.values()) > QUESTIONS_A_PAPER_MAX:
            raise PydanticCustomError(
                "paper_too_long", "a paper may have {most} questions", {"most": QUESTIONS_A_PAPER_MAX}
            )
        return self

    @property
    def questions_a_paper(self) -> int:
        """The number of questions in each paper."""
        return sum(self.blueprint.values())

    def keeps_to(self, earlier: "Quiz") -> bool:
        """
        True if this can replace an earlier version that has opened.

        Somebody may have an attempt of that version in another system. So everything must stay that decides
        the owner of an attempt, who may have one, the deadline, and the number of points. The close may only
        move later.
        """
        kept = ("opens_at", "timezone", "duration_seconds", "grace_seconds", "attempts_per_day", "admits")
        return (
            all(getattr(self, name) == getattr(earlier, name) for name in kept)
            and self.questions_a_paper == earlier.questions_a_paper
            and self.closes_at >= earlier.closes_at
        )


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


class Correction(msgspec.Struct, frozen=True):
    """
    What an organiser has corrected in a quiz that somebody has begun.

    Attributes:
        number: counts the corrections of the quiz, from 1.
        asked: the digest of the question as participants read it (keys.py). The correction is about every
            version of the quiz in which the question reads the same.
        key: the letters that are right now; None: the question is cancelled, and everybody who has it gets
            its point.
    """

    number: int
    question_id: str
    asked: str
    key: str | None
    reason: str
    who: str
    at: datetime

    @property
    def code(self) -> str:
        """Why points change, as `quiz.regraded` says it."""
        return QUESTION_CANCELLED if self.key is None else KEY_CORRECTED


@dataclass(frozen=True, slots=True)
class QuizRecord:
    """
    A quiz as it is now.

    Attributes:
        closes_at: as the definition says, or earlier after an early close.
        version: counts the definitions; events and attempts name it.
        frozen_at: standings show submissions until this moment; None if they are not frozen.
        revision: counts every change of the record, freezes and closings too.
        begun: somebody may have an attempt of this version, so it must stay.
        corrections: all that organisers have corrected since, in order.
        regrading: the number of the correction by which results are graded again now, if any.
    """

    quiz_id: QuizId
    quiz: Quiz
    status: Status
    closes_at: datetime
    version: int
    frozen_at: datetime | None = None
    revision: int = 1
    begun: bool = False
    corrections: tuple[Correction, ...] = ()
    regrading: int | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a quiz accepts attempts and submissions. All moments have the zone `UTC`: those compare fast."""

    opens_at: datetime
    closes_at: datetime
    duration: timedelta
    grace: timedelta
    accepts_until: datetime

    def last_moment(self, started_at: datetime) -> datetime:
        """The last moment at which answers of an attempt may come in: its deadline and the grace together."""
        return min(started_at + self.duration, self.closes_at) + self.grace

    def is_over(self, deadline_at: datetime, now: datetime) -> bool:
        """
        True if it is too late for the answers of an attempt.

        Args:
            deadline_at: the last moment that was computed at the start; an early close may have come since.
        """
        return now > deadline_at or now > self.accepts_until


def schedule_of(quiz: Quiz, closes_at: datetime) -> Schedule:
    """When a quiz with this closing time accepts attempts and submissions."""
    duration, grace = timedelta(seconds=quiz.duration_seconds), timedelta(seconds=quiz.grace_seconds)
    closes_at = closes_at.astimezone(UTC)
    return Schedule(quiz.opens_at.astimezone(UTC), closes_at, duration, grace, closes_at + grace)


def not_open_yet(record: QuizRecord) -> Conflict:
    """The refusal of a request that must wait for the opening."""
    return Conflict(
        f"quiz {record.quiz_id} opens at {record.quiz.opens_at.isoformat()}", code="quiz_not_open"
    )


def check_open(record: QuizRecord, now: datetime) -> None:
    """
    Accept a start if the quiz is open now.

    Raises:
        Conflict: the quiz has not opened yet, or has closed.
    """
    if now < record.quiz.opens_at:
        raise not_open_yet(record)
    if now >= record.closes_at or record.status != "open":
        raise Conflict(f"quiz {record.quiz_id} closed at {record.closes_at.isoformat()}", code="quiz_closed")


def check_change(record: QuizRecord, quiz: Quiz, now: datetime) -> None:
    """
    Accept a new definition.

    Raises:
        Conflict: somebody has an attempt of the quiz, or may have one in another system.
    """
    if record.status != "open" or record.begun:
        raise Conflict(f"quiz {record.quiz_id} has attempts and cannot change", code="quiz_in_use")
    if now >= record.quiz.opens_at and not quiz.keeps_to(record.quiz):
        raise Conflict(
            f"quiz {record.quiz_id} has opened: times, attempts, number of questions and whom it admits stay",
            code="quiz_opened",
        )

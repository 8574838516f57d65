"""
What a quiz is, whose attempt is whose, and what came in time. Pure.

Everything about an attempt derives from its id, and the id from who sits which quiz on
which day for which time: so the log alone shows that nobody had more attempts than
allowed, and any other system can offer the quiz (`shared.contracts.events.QuizPublished`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal, NewType
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from shared.contracts.checked import Id, Line, MomentIn, Text, Zone, line
from shared.contracts.events import QUESTIONS_MAX, Letters, Percent, QuestionKind
from shared.runtime.errors import Rejected
from shared.runtime.ids import derived_id

QuizId = NewType("QuizId", str)
AttemptId = NewType("AttemptId", str)
ParticipantId = NewType("ParticipantId", str)

SOURCE = "kepu/quiz"
ATTEMPT_IDS = UUID("6f2a0a3e-8b56-5c0e-9d0c-0b7f4a1c2e55")
UUID_DIGITS = 32
QUESTIONS_A_PAPER_MAX = 200
OPTION_LETTERS = "ABCDEFGH"
OPTIONS_MAX = len(OPTION_LETTERS)
DURATION_SECONDS_MAX = 86_400
GRACE_SECONDS_MAX = 60
ATTEMPTS_A_DAY_MAX = 20
# What ranking.py can order.
QUIZ_DAYS_MAX = 366
# What intake has acknowledged was appended by then: see ACCEPTED_SECONDS_MAX in intake.py.
SETTLE_SECONDS = 15
# How far ahead an early close is told, so that every process knows it in time: see catalogue.py.
CLOSE_NOTICE_SECONDS = 2
CLOCK_SKEW_SECONDS = 60

Status = Literal["open", "closing", "closed"]


def _not_blank(text: str) -> str:
    # As one line, since a line says what can be seen.
    line(text.replace("\n", " ").replace("\t", " "))
    return text


QuestionText = Annotated[Text, AfterValidator(_not_blank)]


class Option(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=rf"^[{OPTION_LETTERS}]$")]
    text: Line


class Question(BaseModel):
    """
    A question with its key: the letters of all right options, in alphabetical order.

    A multiple choice may have a single right option: if it could not, everyone would know that at
    least two are right (docs/decisions/0020-points.md).
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
        if len({option.text for option in self.options}) != len(self.options):
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
    pass_percent: Percent = 60
    papers: Annotated[int, Field(ge=1, le=4_096)] = 512
    blueprint: Annotated[dict[Line, Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=100)]
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=QUESTIONS_MAX)]

    @model_validator(mode="after")
    def _can_be_sat(self) -> "Quiz":
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
        """How many questions each paper has."""
        return sum(self.blueprint.values())

    def keeps_to(self, earlier: "Quiz") -> bool:
        """
        Whether this can take the place of an earlier version that has opened.

        Somebody may be sitting that version elsewhere. What decides whose attempt it is, what is in
        time, and how many points there are must stay. The close may only come later.
        """
        fixed = ("opens_at", "timezone", "duration_seconds", "grace_seconds", "attempts_per_day")
        return (
            all(getattr(self, name) == getattr(earlier, name) for name in fixed)
            and self.questions_a_paper == earlier.questions_a_paper
            and self.closes_at >= earlier.closes_at
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One sitting; `quiz_version` is the version of the quiz that its paper was drawn from.

    `refused`: the code by which grading refused what was handed in.
    """

    attempt_id: AttemptId
    quiz_id: QuizId
    participant_id: ParticipantId
    number: int
    started_at: datetime
    deadline_at: datetime
    quiz_version: int
    refused: str | None = None


def day_of(quiz: Quiz, moment: datetime) -> str:
    """The day that a moment falls on where the quiz is held, as 2026-05-20."""
    return moment.astimezone(ZoneInfo(quiz.timezone)).date().isoformat()


def day_around(quiz: Quiz, moment: datetime) -> tuple[datetime, datetime]:
    """
    A span around a moment, in UTC, all of which falls on the same day where the quiz is held.

    It is empty on days on which the clocks change: some did so at midnight, and had a day twice.
    """
    zone = ZoneInfo(quiz.timezone)
    day = moment.astimezone(zone).date()
    begins, ends = (datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1))
    if begins.utcoffset() != ends.utcoffset():
        return moment, moment
    return begins.astimezone(UTC), ends.astimezone(UTC)


def attempt_id(quiz_id: str, participant_id: str, day: str, number: int) -> AttemptId:
    """The id of a participant's `number`th attempt of that day."""
    return AttemptId(derived_id(ATTEMPT_IDS, f"{quiz_id}/{participant_id}/{day}/{number}"))


def possible_attempts(quiz_id: str, quiz: Quiz, participant_id: str) -> Iterator[AttemptId]:
    """The ids of all attempts that a participant can have in a quiz, on all its days."""
    zone = ZoneInfo(quiz.timezone)
    day, last = quiz.opens_at.astimezone(zone).date(), quiz.closes_at.astimezone(zone).date()
    while day <= last:
        for number in range(1, quiz.attempts_per_day + 1):
            yield attempt_id(quiz_id, participant_id, day.isoformat(), number)
        day += timedelta(days=1)


def paper_number(attempt: str, papers: int) -> int:
    """
    The paper that an attempt gets, 0 to papers - 1.

    Raises:
        Rejected: the attempt's id is no UUID.
    """
    digits = attempt.replace("-", "")
    try:
        # As UUID reads it, without making one; the forms of other lengths are its own affair.
        return (int(digits, 16) if len(digits) == UUID_DIGITS else UUID(attempt).int) % papers
    except ValueError:
        raise Rejected(f"attempt id {attempt!r} is no UUID", code="attempt_unknown") from None


def deadline(quiz: Quiz, closes_at: datetime, started_at: datetime) -> datetime:
    """The last moment at which answers of an attempt may come in, grace included."""
    latest = min(started_at + timedelta(seconds=quiz.duration_seconds), closes_at)
    return latest + timedelta(seconds=quiz.grace_seconds)


def next_attempt(
    quiz_id: QuizId,
    quiz: Quiz,
    version: int,
    closes_at: datetime,
    participant_id: ParticipantId,
    today: Sequence[AttemptId],
    used: Iterable[int],
    now: datetime,
) -> Attempt:
    """
    The attempt that a participant may start now, given today's ids in order and the numbers used.

    Raises:
        Rejected: no attempt is left today.
    """
    number = max(used, default=0) + 1
    if number > len(today):
        raise Rejected(
            f"quiz {quiz_id}: all {len(today)} attempts of today are used",
            code="attempts_exhausted",
        )
    latest = deadline(quiz, closes_at, now)
    return Attempt(today[number - 1], quiz_id, participant_id, number, now, latest, version)


def check_open(quiz_id: str, quiz: Quiz, closes_at: datetime, now: datetime, status: Status) -> None:
    """
    Let through who may start now.

    Raises:
        Rejected: the quiz has not opened yet, or has closed.
    """
    if now < quiz.opens_at:
        raise Rejected(f"quiz {quiz_id} opens at {quiz.opens_at.isoformat()}", code="quiz_not_open")
    if now >= closes_at or status != "open":
        raise Rejected(f"quiz {quiz_id} closed at {closes_at.isoformat()}", code="quiz_closed")

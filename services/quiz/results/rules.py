"""A result. All functions are pure."""

from datetime import datetime
from typing import NamedTuple, NewType

import msgspec
from msgspec.structs import replace

from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.rules import QuizId
from services.quiz.scoring.rules import HALF_POINTS_A_POINT, score_percent

# A result has the id of its attempt.
AttemptId = NewType("AttemptId", str)

PORTIONS_MAX = 16**4


# Not a dataclass: thousands are made, in a tenth of the time.
class Result(msgspec.Struct, frozen=True, gc=False):
    """
    A graded attempt, `half_points` of `half_points_max` half points.

    Attributes:
        submission_id: the id of the event that was graded: the first in the log.
        version: 1, and one more for each correction that has changed the points.
        first_half_points, first_passed, first_half_points_max: as they were in version 1, if there is a
            later one.
        automatic: what was saved was handed in.
    """

    attempt_id: AttemptId
    submission_id: str
    quiz_id: QuizId
    quiz_version: int
    participant_id: ParticipantId
    group_id: str | None
    district: str | None
    half_points: int
    half_points_max: int
    passed: bool
    time_used_seconds: int
    submitted_at: datetime
    answers: str
    version: int = 1
    first_half_points: int | None = None
    first_passed: bool | None = None
    automatic: bool = False
    first_half_points_max: int | None = None

    def as_first(self) -> "Result":
        """The result in its first version: `quiz.completed` says it the same way every time."""
        if self.first_half_points is None or self.first_passed is None:
            return self
        return replace(
            self,
            version=1,
            half_points=self.first_half_points,
            half_points_max=self.first_half_points_max or self.half_points_max,
            passed=self.first_passed,
        )

    @property
    def points(self) -> float:
        """The points reached."""
        return self.half_points / HALF_POINTS_A_POINT

    @property
    def points_max(self) -> float:
        """The points of the whole paper."""
        return self.half_points_max / HALF_POINTS_A_POINT

    @property
    def score_percent(self) -> int:
        """The points as they are shown."""
        return score_percent(self.half_points, self.half_points_max)


class Answered(NamedTuple):
    """The parts of a result that statistics need; `answers` are packed (`scoring.rules.packed`)."""

    attempt_id: str
    quiz_version: int
    participant_id: str
    half_points: int
    answers: str


class Sheet(NamedTuple):
    """The parts of a result that fair play needs; `answers` are packed (`scoring.rules.packed`)."""

    attempt_id: str
    quiz_version: int
    participant_id: str
    group_id: str | None
    half_points: int
    half_points_max: int
    seconds: int
    answers: str


class Portion(NamedTuple):
    """The results whose ids lie from `first` on and before `end`; None for the last portion."""

    first: str
    end: str | None


def portions(results: int, size: int) -> list[Portion]:
    """
    All ids, in portions of about so many results.

    Ids are digests, so they are spread evenly. A portion begins with four hexadecimal digits.
    """
    return in_portions(max(1, min(PORTIONS_MAX, -(-results // size))))


def in_portions(number: int) -> list[Portion]:
    """All ids, in this number of portions."""
    firsts = [f"{PORTIONS_MAX * nth // number:04x}" for nth in range(number)]
    return [Portion(first, end) for first, end in zip(firsts, [*firsts[1:], None], strict=True)]

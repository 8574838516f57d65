"""A result. All functions are pure."""

from datetime import datetime
from typing import NewType

import msgspec

from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.rules import QuizId
from services.quiz.scoring.rules import HALF_POINTS_A_QUESTION, score_percent

# A result has the id of its attempt.
AttemptId = NewType("AttemptId", str)


# Not a dataclass: thousands are made, in a tenth of the time.
class Result(msgspec.Struct, frozen=True, gc=False):
    """
    A graded attempt, `half_points` of `half_points_max` half points.

    `submission_id` is the id of the event that was graded: the first in the log.
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

    @property
    def points(self) -> float:
        """The points reached."""
        return self.half_points / HALF_POINTS_A_QUESTION

    @property
    def points_max(self) -> float:
        """The points of the whole paper."""
        return self.half_points_max / HALF_POINTS_A_QUESTION

    @property
    def score_percent(self) -> int:
        """The points as they are shown."""
        return score_percent(self.half_points, self.half_points_max)

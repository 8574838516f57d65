"""
Who owns an attempt, and who may start one. All functions are pure.

The id of an attempt is computed from its quiz, its participant, the day and the number of the attempt on that
day. So the log shows that nobody had more attempts than allowed, and any other system can offer the quiz
(`shared.contracts.events.QuizPublished`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.record import QuizRecord, Schedule, Status
from services.quiz.quizzes.rules import ATTEMPT_IDS, Quiz, QuizId
from services.quiz.results.rules import AttemptId
from shared.runtime.errors import Conflict, Forbidden
from shared.runtime.ids import derived_id

AttemptStatus = Literal["pending", "received", "graded", "expired", "refused", "delayed"]
# Codes of dead letters that are no fault of the sender (shared/messaging/policy.py): operators may send the
# submission again when the cause is mended, and then it is graded.
OUR_FAULTS = ("handler_failed", "decoder_failed", "buried")


class Trace(NamedTuple):
    """Hashes of the network and of the device that an attempt was started from; None if it is not known."""

    address_hash: bytes | None = None
    device_hash: bytes | None = None


NO_TRACE = Trace()


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    An attempt that was started here.

    Attributes:
        quiz_version: the version of the quiz that its paper was drawn from.
        refused: the code with which the submission was given up.
        address_hash, device_hash: what fair play keeps of where it was started (traces.py); they are written
            and not read back.
    """

    attempt_id: AttemptId
    quiz_id: QuizId
    participant_id: ParticipantId
    number: int
    started_at: datetime
    deadline_at: datetime
    quiz_version: int
    refused: str | None = None
    address_hash: bytes | None = None
    device_hash: bytes | None = None


def attempt_id(quiz_id: str, participant_id: str, day: str, number: int) -> AttemptId:
    """The id of a participant's `number`th attempt of that day."""
    return AttemptId(derived_id(ATTEMPT_IDS, quiz_id, participant_id, day, str(number)))


def possible_attempts(quiz_id: str, quiz: Quiz, participant_id: str, until: datetime) -> Iterator[AttemptId]:
    """The ids of all attempts that a participant can have in a quiz, on all its days up to this moment."""
    zone = ZoneInfo(quiz.timezone)
    day, last = (at.astimezone(zone).date() for at in (quiz.opens_at, min(quiz.closes_at, until)))
    while day <= last:
        for number in range(1, quiz.attempts_per_day + 1):
            yield attempt_id(quiz_id, participant_id, day.isoformat(), number)
        day += timedelta(days=1)


def check_admitted(record: QuizRecord, *, verified: bool, on_roster: bool) -> None:
    """
    Check that a quiz admits a participant.

    Args:
        verified, on_roster: what the token says.
    Raises:
        Forbidden: the quiz does not admit the participant; the message says what to do next.
    """
    admits = record.quiz.admits
    if admits == "verified" and not verified:
        raise Forbidden(
            f"quiz {record.quiz_id} is for people with a verified contact: sign in with yours (POST /sign-ins"
            " of registration), and start with the new token. If you have left and joined again, wait for a"
            " day",
            code="quiz_for_confirmed",
        )
    if admits == "roster" and not on_roster:
        raise Forbidden(
            f"quiz {record.quiz_id} is for members of schools, units and service teams: ask yours to enter"
            " your e-mail in its roster and sign in with it (POST /sign-ins of registration), or for a code"
            " (POST /memberships), and start with the new token",
            code="quiz_for_roster",
        )


def next_attempt(
    record: QuizRecord,
    schedule: Schedule,
    participant_id: ParticipantId,
    today: Sequence[AttemptId],
    used: Iterable[int],
    now: datetime,
    trace: Trace = NO_TRACE,
) -> Attempt:
    """
    The attempt that a participant may start now.

    Args:
        today: the ids of all attempts that the participant can have today, in order.
        used: the numbers of the attempts that are used.
    Raises:
        Conflict: no attempt is left today.
    """
    number = max(used, default=0) + 1
    if number > len(today):
        raise Conflict(
            f"quiz {record.quiz_id}: all {len(today)} attempts of today are used", code="attempts_exhausted"
        )
    deadline_at = schedule.last_moment(now)
    id_, version = today[number - 1], record.version
    return Attempt(id_, record.quiz_id, participant_id, number, now, deadline_at, version, None, *trace)


def status_without_result(attempt: Attempt, quiz: Status) -> AttemptStatus:
    """
    The status of an attempt that is not graded.

    Everything that was accepted is graded before the close. So an attempt has expired only after its quiz is
    closed. If the quiz was cancelled, it counts no more. A submission on which our own code failed is
    delayed: operators may mend it until the close.
    """
    if attempt.refused in OUR_FAULTS and quiz not in ("closed", "cancelled"):
        return "delayed"
    if attempt.refused is not None or quiz == "cancelled":
        return "refused"
    return "expired" if quiz == "closed" else "pending"

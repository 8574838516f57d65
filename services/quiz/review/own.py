"""Which attempts somebody can have: ids follow from quiz, participant, day and number. Pure."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from services.quiz.attempts.rules import attempt_id
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.record import QuizRecord, is_open
from services.quiz.quizzes.rules import day_of
from services.quiz.results.rules import AttemptId

# Of one participant in a quiz, the latest ones.
OWN_ATTEMPTS_MAX = 1_000


class Possible(NamedTuple):
    """An attempt that somebody may have: the day at the quiz's place, and its number on that day, from 1."""

    attempt_id: AttemptId
    day: str
    number: int


def possible_attempts(record: QuizRecord, participant_id: ParticipantId, now: datetime) -> list[Possible]:
    """All attempts that somebody can have begun until now, the latest first, at most OWN_ATTEMPTS_MAX."""
    first = date.fromisoformat(day_of(record.quiz, record.quiz.opens_at))
    last = date.fromisoformat(day_of(record.quiz, min(now, record.closes_at)))
    found: list[Possible] = []
    for back in range((last - first).days + 1):
        day = (last - timedelta(days=back)).isoformat()
        for number in range(record.quiz.attempts_per_day, 0, -1):
            if len(found) == OWN_ATTEMPTS_MAX:
                return found
            found.append(Possible(attempt_id(record.quiz_id, participant_id, day, number), day, number))
    return found


def left_today(record: QuizRecord, own: Iterable[Possible], now: datetime) -> int:
    """How many attempts somebody who has these may still begin today; 0 while nobody may begin one."""
    if not is_open(record, now):
        return 0
    today = day_of(record.quiz, now)
    return record.quiz.attempts_per_day - sum(one.day == today for one in own)

"""
The start of an attempt: concurrent starts share one look and one insert.

Starting again while an attempt is open gives the same attempt back, so a client that
lost the answer loses nothing.
"""

import asyncio
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.quiz.quizzes.rules import (
    Attempt,
    AttemptId,
    ParticipantId,
    attempt_id,
    check_open,
    day_of,
    deadline,
    next_attempt,
)
from services.quiz.quizzes.store import QuizRecord
from services.quiz.store import QuizStore
from shared.runtime.errors import Conflict, Rejected

QUIZ_CHANGED = "quiz_changed"


@dataclass(frozen=True, slots=True)
class Start:
    """A participant wants to begin."""

    record: QuizRecord
    participant_id: ParticipantId
    now: datetime

    def ids(self) -> tuple[list[AttemptId], list[AttemptId]]:
        """
        The ids that this participant's attempts can have, in order: the day before's, and today's.

        The day before has some only where an attempt of it may go on past midnight.
        """
        quiz = self.record.quiz
        today = day_of(quiz, self.now)
        before = day_of(quiz, self.now - timedelta(seconds=quiz.duration_seconds + quiz.grace_seconds))
        return self._ids_of(before) if before != today else [], self._ids_of(today)

    def _ids_of(self, day: str) -> list[AttemptId]:
        numbers = range(1, self.record.quiz.attempts_per_day + 1)
        return [attempt_id(self.record.quiz_id, self.participant_id, day, number) for number in numbers]

    def refusal(self) -> Conflict | None:
        """Why nobody may start now, whoever it is: the quiz is not open."""
        record = self.record
        try:
            check_open(record.quiz_id, record.quiz, record.closes_at, self.now, record.status)
        except Rejected as why:
            return Conflict(why.message, code=why.code)
        return None


async def start_attempts(starts: Sequence[Start], store: QuizStore) -> list[Attempt | Rejected]:
    """
    Start or resume an attempt for each, durably before this returns.

    The version of the quiz that a paper is drawn from stays from now on: once a change has come first,
    nobody starts by the version before it (`quiz_changed`).

    Returns: one outcome a start, in order; Rejected where none may be started.
    """
    refusals = [start.refusal() for start in starts]
    # Whoever comes too early or too late begins nothing: the quiz may still change.
    versions = {
        (start.record.quiz_id, start.record.version)
        for start, refusal in zip(starts, refusals, strict=True)
        if refusal is None
    }
    outdated = {one for one in versions if not await store.quizzes.begin(*one)}
    possible = [start.ids() for start in starts]
    ids = [id_ for before, today in possible for id_ in (*before, *today)]
    # Another system may have submitted an attempt that never started here: it counts too.
    known, finished = await asyncio.gather(store.results.attempts(ids), store.results.graded(ids))
    outcomes: list[Attempt | Rejected] = []
    new: list[Attempt] = []
    for start, refusal, (before, today) in zip(starts, refusals, possible, strict=True):
        outcome = refusal or _begin_or_resume(start, before, today, known, finished.keys(), outdated)
        if isinstance(outcome, Attempt) and outcome.attempt_id not in known:
            known[outcome.attempt_id] = outcome
            new.append(outcome)
        outcomes.append(outcome)
    existed = await store.results.add_attempts(new)
    if existed:
        # Another process started the same attempt meanwhile: its start time is the one that is kept.
        kept = await store.results.attempts([new[position].attempt_id for position in existed])
        outcomes = [kept.get(o.attempt_id, o) if isinstance(o, Attempt) else o for o in outcomes]
    return outcomes


def _begin_or_resume(
    start: Start,
    before: Sequence[AttemptId],
    today: Sequence[AttemptId],
    known: Mapping[str, Attempt],
    finished: Container[str],
    outdated: Container[tuple[str, int]],
) -> Attempt | Rejected:
    record = start.record
    if (record.quiz_id, record.version) in outdated:
        return Conflict(f"quiz {record.quiz_id} was changed meanwhile: start again", code=QUIZ_CHANGED)
    try:
        for id_ in (*before, *today):
            attempt = known.get(id_)
            if attempt and id_ not in finished and start.now < _latest(attempt, record):
                return attempt
        used = [number for number, id_ in enumerate(today, start=1) if id_ in known or id_ in finished]
        return next_attempt(
            record.quiz_id,
            record.quiz,
            record.version,
            record.closes_at,
            start.participant_id,
            today,
            used,
            start.now,
        )
    except Rejected as why:
        return Conflict(why.message, code=why.code)


def _latest(attempt: Attempt, record: QuizRecord) -> datetime:
    # The attempt may have begun before an early close was decided.
    return min(attempt.deadline_at, deadline(record.quiz, record.closes_at, attempt.started_at))

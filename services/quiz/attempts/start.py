"""
The start of an attempt: concurrent starts share one query and one insert.

A participant whose attempt is still open gets the same attempt again. So a client that lost the answer
loses nothing.
"""

import asyncio
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.quiz.attempts.rules import NO_TRACE, Attempt, Trace, attempt_id, next_attempt
from services.quiz.attempts.store import AttemptStore
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.record import check_open
from services.quiz.quizzes.store import QuizStore
from services.quiz.results.rules import AttemptId
from services.quiz.results.store import ResultStore
from shared.messaging.group_commit import GroupCommit
from shared.runtime.errors import Conflict

QUIZ_CHANGED = "quiz_changed"
# A start looks up every possible attempt id of the participant: 20 for a day, near midnight for two days.
STARTS_GROUP_MAX = 500
STARTS_WAITING_MAX = 12_000
STARTED_SECONDS_MAX = 15.0
# A query costs the same for one start as for fifty. So a busy service waits for more starts.
WINDOW_SECONDS = 0.04


@dataclass(frozen=True, slots=True)
class Start:
    """A participant wants to begin."""

    offered: Offered
    participant_id: ParticipantId
    now: datetime
    trace: Trace = NO_TRACE

    @property
    def version(self) -> tuple[str, int]:
        """The quiz and its version."""
        return self.offered.record.quiz_id, self.offered.record.version

    def ids(self) -> tuple[list[AttemptId], list[AttemptId]]:
        """
        The ids that this participant's attempts can have, in order: those of yesterday and those of today.

        There are ids of yesterday only if its attempts may continue after midnight.
        """
        schedule = self.offered.schedule
        today = self.offered.day_of(self.now)
        before = self.offered.day_of(self.now - schedule.duration - schedule.grace)
        return self._ids_of(before) if before != today else [], self._ids_of(today)

    def _ids_of(self, day: str) -> list[AttemptId]:
        record = self.offered.record
        numbers = range(1, record.quiz.attempts_per_day + 1)
        return [attempt_id(record.quiz_id, self.participant_id, day, number) for number in numbers]

    def refusal(self) -> Conflict | None:
        """The reason why nobody may start now: the quiz is not open."""
        try:
            check_open(self.offered.record, self.now)
        except Conflict as refusal:
            return refusal
        return None


Starts = GroupCommit[Start, Attempt | Conflict]


def grouped_starts(quizzes: QuizStore, attempts: AttemptStore, results: ResultStore) -> Starts:
    """Concurrent starts share one write."""
    return GroupCommit(
        "starts",
        lambda starts: start_attempts(starts, quizzes, attempts, results),
        items_max=STARTS_GROUP_MAX,
        waiting_max=STARTS_WAITING_MAX,
        window_seconds=WINDOW_SECONDS,
        seconds_max=STARTED_SECONDS_MAX,
    )


async def start_attempts(
    starts: Sequence[Start], quizzes: QuizStore, attempts: AttemptStore, results: ResultStore
) -> list[Attempt | Conflict]:
    """
    Start or resume an attempt for each participant; the attempts are stored when this returns.

    After somebody has started with a version of the quiz, this version stays. If the quiz is changed before,
    nobody starts with the old version any more (`quiz_changed`).

    Returns: one outcome for each start, in order; Conflict if no attempt may be started.
    """
    refusals = [start.refusal() for start in starts]
    # A start that is too early or too late does not mark the quiz as begun: the quiz may still change.
    versions = {start.version for start, refusal in zip(starts, refusals, strict=True) if refusal is None}
    outdated = {one for one in versions if not await quizzes.begin(*one)}
    possible = [start.ids() for start in starts]
    ids = [id_ for before, today in possible for id_ in (*before, *today)]
    # Another system may have submitted an attempt that never started here: it counts too.
    known, finished = await asyncio.gather(attempts.started(ids), results.of_attempts(ids))
    outcomes: list[Attempt | Conflict] = []
    new: list[Attempt] = []
    for start, refusal, (before, today) in zip(starts, refusals, possible, strict=True):
        outcome = refusal or _begin_or_resume(start, before, today, known, finished.keys(), outdated)
        if isinstance(outcome, Attempt) and outcome.attempt_id not in known:
            known[outcome.attempt_id] = outcome
            new.append(outcome)
        outcomes.append(outcome)
    existed = await attempts.add(new)
    if existed:
        # Another process has started the same attempt meanwhile. Its start time counts.
        kept = await attempts.started([new[position].attempt_id for position in existed])
        outcomes = [kept.get(o.attempt_id, o) if isinstance(o, Attempt) else o for o in outcomes]
    return outcomes


def _begin_or_resume(
    start: Start,
    before: Sequence[AttemptId],
    today: Sequence[AttemptId],
    known: Mapping[str, Attempt],
    finished: Container[str],
    outdated: Container[tuple[str, int]],
) -> Attempt | Conflict:
    record, schedule = start.offered.record, start.offered.schedule
    if start.version in outdated:
        return Conflict(f"quiz {record.quiz_id} was changed meanwhile: start again", code=QUIZ_CHANGED)
    for id_ in (*before, *today):
        attempt = known.get(id_)
        if attempt is None or id_ in finished:
            continue
        # The end of the quiz may have moved since.
        deadline_at = max(attempt.deadline_at, schedule.last_moment(attempt.started_at))
        if not schedule.is_over(deadline_at, start.now):
            return replace(attempt, deadline_at=deadline_at)
    used = [number for number, id_ in enumerate(today, start=1) if id_ in known or id_ in finished]
    try:
        return next_attempt(record, schedule, start.participant_id, today, used, start.now, start.trace)
    except Conflict as refusal:
        return refusal

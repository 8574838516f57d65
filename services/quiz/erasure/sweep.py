"""
Remove the traces of erased participants: waiting submissions, saved answers, profiles in results, standings,
where their attempts were started, what was flagged of them, and what was decided about them.

Several workers may do it at the same time: sweeping twice does no harm.
"""

from datetime import timedelta
from itertools import islice

from services.quiz.attempts.rules import possible_attempts
from services.quiz.attempts.store import AttemptStore
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.erasure.rules import next_sweep
from services.quiz.fair_play.store import FlagStore
from services.quiz.grading.store import WaitingStore
from services.quiz.participants.rules import Erasure
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.results.store import ResultStore
from services.quiz.saving.store import SavedStore
from services.quiz.standings.store import StandingStore
from shared.runtime import clock
from shared.runtime.background import Loop, each

LOOP = "erasure"
LOOK_SECONDS = 1.0
# If nobody was erased: one query of a small index in every worker.
IDLE_LOOK_SECONDS = 2.0
# For this time, a grader that does not know of an erasure may store a result (participants/erased.py). Longer
# than MongoDB lets a transaction live, too.
SWEEP_AGAIN_SECONDS = 120.0

# Of a quiz of a year there are thousands: less than a millisecond of the event loop at a time.
IDS_AT_ONCE = 200
# Clocks differ: there may be an attempt of the day that begins soon.
AHEAD_MAX = timedelta(days=1)


class SweepError(Exception):
    """A quiz could not be read: it may still contain traces of somebody."""


class Sweeper:
    """Removes traces in every quiz."""

    def __init__(
        self,
        catalogue: Catalogue,
        participants: ParticipantStore,
        waiting: WaitingStore,
        saved: SavedStore,
        results: ResultStore,
        standings: StandingStore,
        disqualified: DisqualifiedStore,
        attempts: AttemptStore,
        flags: FlagStore,
        *,
        again_seconds: float = SWEEP_AGAIN_SECONDS,
        ids_at_once: int = IDS_AT_ONCE,
    ) -> None:
        self._catalogue = catalogue
        self._participants = participants
        self._waiting = waiting
        self._saved = saved
        self._results = results
        self._standings = standings
        self._disqualified = disqualified
        self._attempts = attempts
        self._flags = flags
        self._again_seconds = again_seconds
        self._ids_at_once = ids_at_once
        self.loop = Loop(LOOP, self.turn)

    async def turn(self) -> float:
        """
        Sweep for everyone who is due; returns seconds to rest.

        Raises:
            Unavailable: the database does not answer; call again.
        """
        due = await self._participants.to_sweep(clock.now())
        await each(LOOP, due, self.sweep, aside=self._put_off)
        return LOOK_SECONDS if due else IDLE_LOOK_SECONDS

    async def sweep(self, erasure: Erasure) -> None:
        """
        Remove the traces of one participant, in every quiz.

        Results are found by the ids that the participant's attempts can have until now. So no index is needed
        for the few erased people.

        Raises:
            SweepError: a quiz could not be read; the others are swept.
        """
        began = clock.now()
        who = erasure.participant_id
        await self._waiting.remove_of_participant(who)
        await self._disqualified.remove(who)
        for offered in self._catalogue.all():
            record = offered.record
            ids = possible_attempts(record.quiz_id, record.quiz, who, began + AHEAD_MAX)
            while some := [*islice(ids, self._ids_at_once)]:
                await self._results.forget_profiles(some)
                await self._saved.remove(some)
                await self._attempts.forget_traces_of(some)
            await self._flags.forget(record.quiz_id, who)
            if record.status != "closed":
                await self._standings.remove(record.quiz_id, who)
        if unread := self._catalogue.unread():
            raise SweepError(f"{len(unread)} quizzes cannot be read")
        await self._participants.sweep_again(who, next_sweep(erasure, self._again_seconds, began))

    async def _put_off(self, erasure: Erasure, _: str) -> None:
        later = clock.now() + timedelta(seconds=self._again_seconds)
        await self._participants.sweep_again(erasure.participant_id, later)

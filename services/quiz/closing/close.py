"""
The close of a quiz: everything that was accepted in time is graded, then the standings are final.

A quiz that is over first waits for `LOG_DELAY_SECONDS_MAX`. Then all that intake has acknowledged is in the
log, and the broker's time makes any further submission late. Next, every save in the log must be kept, and
what was saved and not submitted must be handed in (saving/hand_in.py). At last the graders must have
committed every submission that was in the log when everything was handed in.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from aiokafka import TopicPartition
from pydantic import ValidationError

from services.quiz.closing.events import closed
from services.quiz.closing.tell import Teller
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.grading.grade_waiting import WaitingGrader
from services.quiz.quizzes.catalogue import Catalogue, UnreadError
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.rules import LOG_DELAY_SECONDS_MAX
from services.quiz.quizzes.store import QuizStore
from services.quiz.saving.log_states import read_log_states
from services.quiz.saving.store import SavedStore
from services.quiz.standings.store import StandingStore
from shared.contracts.events import STANDINGS_MAX
from shared.messaging.connection import Kafka
from shared.runtime import clock
from shared.runtime.background import FAILING_MIN, Loop, each
from shared.storage.unit_of_work import UnitOfWork, save_together

log = logging.getLogger(__name__)

LOOP = "closing"
LOOK_SECONDS = 1.0


class CloseError(Exception):
    """A quiz that is due cannot be closed, and all servers answer."""


class Closer:
    """
    Closes quizzes that are over.

    Args:
        log_delay_seconds_max: after the grace, acknowledged submissions may reach the log within this time.
    """

    def __init__(
        self,
        quizzes: QuizStore,
        standings: StandingStore,
        catalogue: Catalogue,
        waiting_grader: WaitingGrader,
        teller: Teller,
        saved: SavedStore,
        disqualified: DisqualifiedStore,
        kafka: Kafka,
        *,
        log_delay_seconds_max: float = LOG_DELAY_SECONDS_MAX,
    ) -> None:
        self._quizzes = quizzes
        self._standings = standings
        self._catalogue = catalogue
        self._waiting_grader = waiting_grader
        self._teller = teller
        self._saved = saved
        self._disqualified = disqualified
        self._kafka = kafka
        self._log_delay_max = timedelta(seconds=log_delay_seconds_max)
        # By quiz, where the log of saves ended when the quiz was first seen to be over, and where the log of
        # submissions ended when everything was handed in.
        self._saved_ends: dict[str, Mapping[TopicPartition, int]] = {}
        self._ends: dict[str, Mapping[TopicPartition, int]] = {}
        self.loop = Loop(LOOP, self.turn)

    async def turn(self) -> float:
        """Close what is due now; returns seconds to rest."""
        await self.close_due(clock.now())
        return LOOK_SECONDS

    async def close_due(self, now: datetime) -> None:
        """
        Close every quiz whose time, grace and delay of the log are over and whose submissions are graded.

        Raises:
            Unavailable: a server does not answer; call again.
            CloseError: `FAILING_MIN` or more are due, and none of them could be closed.
        """
        over = await self._quizzes.over(now - self._log_delay_max)
        self._saved_ends = {quiz_id: ends for quiz_id, ends in self._saved_ends.items() if quiz_id in over}
        self._ends = {quiz_id: ends for quiz_id, ends in self._ends.items() if quiz_id in over}
        if not over:
            return
        handed_in = await self._handed_in([quiz_id for quiz_id in over if quiz_id not in self._ends])
        submitted = (await read_log_states(self._kafka)).submitted
        for quiz_id in handed_in:
            # Not the present end of the log: submissions of other quizzes would delay it for ever.
            self._ends[quiz_id] = submitted.ends

        async def close(quiz_id: str) -> None:
            if submitted.has_reached(self._ends[quiz_id]):
                await self._close(quiz_id, now)

        failed = await each(LOOP, [quiz_id for quiz_id in over if quiz_id in self._ends], close)
        await self._catalogue.refresh()
        if failed == len(over) >= FAILING_MIN:
            raise CloseError(f"{failed} quizzes are due, and none can be closed")

    async def _handed_in(self, quiz_ids: Sequence[str]) -> list[str]:
        """The quizzes among these whose saved answers are all handed in."""
        if not quiz_ids:
            return []
        saved = (await read_log_states(self._kafka)).saved
        kept = [
            quiz_id
            for quiz_id in quiz_ids
            if saved.has_reached(self._saved_ends.setdefault(quiz_id, saved.ends))
        ]
        return [quiz_id for quiz_id in kept if not await self._saved.is_any_open(quiz_id)]

    async def _close(self, quiz_id: str, now: datetime) -> None:
        # Everybody sees the final standings, frozen or not.
        if not await self._quizzes.end_freezes(quiz_id, now - self._log_delay_max, now):
            # Not everybody knows of a thaw yet; or its end was moved, or it is open again or gone.
            return
        try:
            await self._waiting_grader.grade_of_quiz(quiz_id)
        except UnreadError as error:
            # Only this quiz has a problem: the others close.
            raise CloseError(error.message) from error
        await self._standings.release_all(quiz_id)
        # Results are published before the quiz is closed: if this worker dies, another one closes the quiz.
        if (record := await self._read(quiz_id)) and await self._teller.tell(record):
            await self._finish(record, now)

    async def _read(self, quiz_id: str) -> QuizRecord | None:
        try:
            return await self._quizzes.read(quiz_id)
        except ValidationError as error:
            # As above: the catalogue may know it from before.
            raise CloseError(f"quiz {quiz_id} cannot be read now") from error

    async def _finish(self, record: QuizRecord, now: datetime) -> None:
        # While a decision is not settled, a grader that does not know of it may bring a standing back.
        if await self._disqualified.is_any_unsettled(record.quiz_id):
            return
        # The record was read before the standings. If a correction comes now, the quiz does not close yet.
        best = await self._standings.top(record.quiz_id, STANDINGS_MAX)
        envelope = closed(record, best, await self._standings.count(record.quiz_id), now)

        async def work(unit: UnitOfWork) -> bool:
            # Several workers may get here; the first one closes.
            if first := await self._quizzes.finish_closing(
                unit, record.quiz_id, len(record.corrections), record.decided, now
            ):
                unit.publish(envelope)
            return first

        if await save_together(self._quizzes.database, work):
            log.info(
                "quiz closed", extra={"quiz_id": record.quiz_id, "participants": envelope.event.participants}
            )

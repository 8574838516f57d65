"""
Publish the final standings of a closed quiz again, when a correction or a disqualification has changed them.

A transaction that changes results of a closed quiz also notes that its standings are due
(quizzes/decided.py). The new version and its event are saved together, and only if nothing has changed since
the quiz was read. So after a crash at any step the standings are still due, or published.
"""

import logging

from services.quiz.closing.events import closed
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.decided import revise, revisions_due
from services.quiz.quizzes.store import QuizStore
from services.quiz.standings.store import StandingStore
from shared.contracts.events import STANDINGS_MAX
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.unit_of_work import UnitOfWork, save_together

log = logging.getLogger(__name__)

LOOP = "revisions"


class Reviser:
    """Publishes final standings that have changed."""

    def __init__(self, quizzes: QuizStore, standings: StandingStore, catalogue: Catalogue) -> None:
        self._quizzes = quizzes
        self._standings = standings
        self._catalogue = catalogue
        self.loop = Backlog(LOOP, self.pending, self.go_on).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """The quizzes whose standings have to be published again."""
        due = await revisions_due(self._quizzes.database, clock.now())
        return [quiz_id for quiz_id in due if quiz_id > after][:limit]

    async def go_on(self, quiz_id: str) -> None:
        """Publish the standings of now, unless another worker has, or something changes meanwhile."""
        now = clock.now()
        # Read the record before the standings: a later change changes the record too, and nothing is saved.
        if (record := await self._quizzes.read(quiz_id)) is None:
            return
        best = await self._standings.top(quiz_id, STANDINGS_MAX)
        number, version = await self._standings.count(quiz_id), record.final.version + 1
        envelope = closed(record, best, number, now, version=version)

        async def work(unit: UnitOfWork) -> bool:
            if first := await revise(self._quizzes.database, unit, record, now):
                unit.publish(envelope)
            return first

        if await save_together(self._quizzes.database, work):
            await self._catalogue.refresh()
            log.info("final standings revised", extra={"quiz_id": quiz_id, "version": version})

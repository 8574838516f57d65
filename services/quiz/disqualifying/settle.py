"""
Put standings anew a second time, when every transaction has ended that does not know the decision.

Such a transaction may have stored a result that the decision did not see. Or the decision has put a standing
that the transaction did not see. The second time puts the standing right in both cases. Then the quiz may
close, and its statistics are made again.
"""

from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.disqualifying.place import place_anew
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.decided import note_decision
from services.quiz.quizzes.marks import FIELDS, QUIZZES, marks
from services.quiz.results.store import ResultStore
from services.quiz.statistics.store import StatisticsStore
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

LOOP = "disqualifications"


class Settler:
    """Settles decisions."""

    def __init__(
        self,
        database: Database,
        disqualified: DisqualifiedStore,
        results: ResultStore,
        statistics: StatisticsStore,
        catalogue: Catalogue,
    ) -> None:
        self._database = database
        self._disqualified = disqualified
        self._results = results
        self._statistics = statistics
        self._catalogue = catalogue
        self.loop = Backlog(LOOP, self.pending, self.go_on).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """The decisions that are due."""
        return [id_ for id_ in await self._disqualified.due(clock.now()) if id_ > after][:limit]

    async def go_on(self, id_: str) -> None:
        """Put the standing of one participant anew."""
        [state] = await self._disqualified.states([id_])
        if state is None:
            return
        offered = await self._catalogue.look_up(state.quiz_id)
        # Ask before the decision is settled: after a crash the statistics are asked for again.
        await self._statistics.ask(state.quiz_id)

        async def work(unit: UnitOfWork) -> bool:
            if not await self._disqualified.settled(unit, state):
                return False
            found = await self._database[QUIZZES].find_one(
                {"_id": state.quiz_id}, FIELDS, session=unit.session
            )
            present = marks(found or {})
            changed = await place_anew(self._database, unit, self._results, offered, state, present)
            if changed:
                # A worker that has read the standings before this change must not publish them as final.
                await note_decision(self._database, unit, state.quiz_id, clock.now())
            return changed

        if await save_together(self._database, work):
            await self._catalogue.refresh()

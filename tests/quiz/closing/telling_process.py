"""A worker that tells withheld results and stops in the middle, for the test that kills it."""

import asyncio
from collections.abc import Sequence

from services.quiz.closing.tell import LEASE, Teller
from services.quiz.participants.erased import Erased
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.store import QuizStore
from services.quiz.results.store import ResultStore
from shared.messaging.publisher import Publisher, Record, publishing
from shared.storage.lease import Lease
from shared.storage.mongo import connect
from tests.support.killing import say


class Stopping(Publisher):
    """Writes so often, and never comes back from the last time."""

    def __init__(self, publisher: Publisher, times: int) -> None:
        self._publisher, self._left = publisher, times

    async def write(self, records: Sequence[Record]) -> None:
        await self._publisher.write(records)
        self._left -= 1
        if not self._left:
            say("written")
            await asyncio.Event().wait()


async def tell(kafka: str, mongo: str, database_name: str, quiz_id: str) -> None:
    """Tell results, and stop when the third portion is written and not noted."""
    async with connect(mongo, database_name) as database, publishing(kafka, "tests") as publisher:
        quizzes, erased = QuizStore(database), Erased(ParticipantStore(database))
        catalogue = Catalogue(quizzes)
        await catalogue.refresh()
        results = ResultStore(database, portion_results=100)
        lease = Lease(database, LEASE, owner="stopping")
        teller = Teller(quizzes, results, catalogue, erased, Stopping(publisher, 3), lease)
        record = await quizzes.read(quiz_id)
        assert record is not None
        await teller.tell(record)

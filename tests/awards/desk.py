"""One or more copies of awards' handlers over a real database, without Kafka between."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import ConsumerRecord

from services.awards.issuing.apply import Organising
from services.awards.issuing.handlers import subscriptions
from services.awards.issuing.issue import Issuing
from services.awards.register.rules import Award
from services.awards.register.store import AwardStore
from shared.contracts.envelope import Context, Envelope, Event
from shared.contracts.events import AwardIssued, QuizClosed, QuizCompleted
from shared.messaging.consumer import Batch, Received
from shared.storage.mongo import Database
from shared.storage.outbox import prepare
from tests.awards.builders import AWARD_KEY, envelope
from tests.support.kafka import fresh_database, read_back


class Desk:
    """One copy's handler over a database; what it tells is kept by event id."""

    def __init__(self, database: Database, store: AwardStore | None = None) -> None:
        self.database = database
        self.store = store or AwardStore(database)
        issuing = Issuing(self.store, key=AWARD_KEY.encode())
        self.organising = Organising(self.store, issuing, wait_seconds=0)
        award, know = subscriptions(self.store, issuing)
        self._handle = award.handle
        self._know = know.handle

    async def tell(self, *happened: QuizCompleted | QuizClosed) -> dict[str, AwardIssued]:
        """Have these handled as one batch; returns the events that follow, by id."""
        following, _ = await self.handle(*happened)
        return following

    async def handle(self, *happened: QuizCompleted | QuizClosed) -> tuple[dict[str, AwardIssued], list[str]]:
        """The same, and the codes of what is given up."""
        batch = batch_of([envelope(event) for event in happened])
        following = await self._handle(batch)
        told = {one.context.id: one.event for one in read_back(following, AwardIssued)}
        return told, [dead.why.code for dead in batch.rejected]

    async def know(self, *happened: Event) -> None:
        """Have these handled as one batch."""
        assert await self._know(batch_of([envelope(event) for event in happened])) == ()

    async def issued(self, scheme_id: str) -> dict[str, Award]:
        """A scheme's awards by recipient."""
        found = await self.store.awards_of_scheme(scheme_id, "", 10_000)
        return {award.recipient_id: award for award in found}


def batch_of(envelopes: Sequence[Envelope[Event]]) -> Batch[Event]:
    return Batch([Received(one.event, one.context, _record(one.context)) for one in envelopes])


def _record(context: Context) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(context.type, 0, 0, 0, 0, None, b"", None, 0, 0, ())


@asynccontextmanager
async def desks(mongo: str, copies: int = 1) -> AsyncIterator[list[Desk]]:
    async with fresh_database(mongo) as database:
        await prepare(database)
        made = [Desk(database) for _ in range(copies)]
        await made[0].store.prepare()
        yield made

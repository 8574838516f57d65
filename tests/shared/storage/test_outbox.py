"""State and event together or not at all, then to Kafka in order."""

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from prometheus_client import REGISTRY

from shared.contracts.envelope import LIST_BYTES_MAX, Envelope, Event
from shared.messaging.publisher import publishing, to_record
from shared.runtime.errors import Rejected
from shared.storage.lease import Term
from shared.storage.mongo import Database, Session, in_transaction
from shared.storage.outbox import (
    RELAY_PACKS_MAX,
    Looks,
    Relay,
    append,
    prepare,
    relaying,
    waiting,
)
from shared.storage.packs import PACK_BYTES_MAX, PACK_EVENTS_MAX
from tests.support.kafka import fresh_database, new_contract, read_all, said
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def tell(
    database: Database, events: Sequence[Envelope[Event]], state: str = "", fail: bool = False
) -> None:
    async def work(session: Session) -> None:
        if state:
            await database["states"].insert_one({"_id": state}, session=session)
        await append(database, session, events)
        if fail:
            raise LookupError("the use case changed its mind")

    await in_transaction(database, work)


async def until_empty(database: Database, seconds: float = 10) -> None:
    async def empty() -> bool:
        return await database["outbox"].count_documents({}) == 0

    await eventually(empty, seconds=seconds)


async def test_state_and_event_come_together_or_not_at_all(kafka: str, mongo: str) -> None:
    contract = await new_contract(kafka)
    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        async with relaying(database, publisher, owner="test"):
            with pytest.raises(LookupError):
                await tell(database, [said(contract, 1)], state="never", fail=True)
            await tell(database, [said(contract, 2)], state="kept")
            await until_empty(database)
        assert [document["_id"] async for document in database["states"].find()] == ["kept"]
    [record] = await read_all(kafka, contract.topic)
    assert dict(record.headers)["ce_id"].decode() == said(contract, 2).context.id


async def test_events_of_one_key_are_published_in_the_order_in_which_they_became_true(
    kafka: str, mongo: str
) -> None:
    contract = await new_contract(kafka, partitions=4)
    people = ("wang", "li", "zhao")
    count = RELAY_PACKS_MAX * PACK_EVENTS_MAX // len(people) + 100
    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        await prepare(database)
        await tell(database, [said(contract, number, who=who) for number in range(count) for who in people])
        for number in range(count, count + 10):
            await tell(database, [said(contract, number, who=who) for who in people])
        async with relaying(database, publisher, owner="test"):
            await until_empty(database)
    numbers: dict[str, list[int]] = {who: [] for who in people}
    for record in await read_all(kafka, contract.topic):
        event = contract.model_validate_json(record.value or b"")
        numbers[event.who].append(event.number)
    assert numbers == {who: list(range(count + 10)) for who in people}


async def test_an_event_appended_again_is_told_again_under_its_id_and_disturbs_nothing(
    kafka: str, mongo: str
) -> None:
    contract = await new_contract(kafka)
    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        await prepare(database)
        await tell(database, [said(contract, 1)], state="first")
        await tell(database, [said(contract, 1), said(contract, 2)], state="second")
        assert await database["states"].count_documents({}) == 2
        async with relaying(database, publisher, owner="test"):
            await until_empty(database)
    ids = [dict(record.headers)["ce_id"].decode() for record in await read_all(kafka, contract.topic)]
    assert ids == [said(contract, number).context.id for number in (1, 1, 2)]


async def test_large_events_are_spread_over_several_documents(kafka: str, mongo: str) -> None:
    contract = await new_contract(kafka)
    large = [said(contract, number, words="w" * (PACK_BYTES_MAX // 3)) for number in range(7)]
    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        await prepare(database)
        await tell(database, [*large, *(said(contract, number) for number in range(7, 200))])
        assert await database["outbox"].count_documents({}) == 5
        async with relaying(database, publisher, owner="test"):
            await until_empty(database)
    told = [
        contract.model_validate_json(record.value or b"") for record in await read_all(kafka, contract.topic)
    ]
    assert [event.number for event in told] == list(range(200))


async def test_event_larger_than_its_readers_take_is_refused_with_its_state(kafka: str, mongo: str) -> None:
    contract = await new_contract(kafka)
    async with fresh_database(mongo) as database:
        await prepare(database)
        with pytest.raises(Rejected) as refused:
            await tell(
                database, [said(contract, 1), said(contract, 2, words="w" * LIST_BYTES_MAX)], state="x"
            )
        assert refused.value.code == "too_large"
        assert await waiting(database) == []
        assert await database["states"].count_documents({}) == 0


async def test_what_is_written_in_the_same_process_is_published_soon_however_rare_the_looks(
    kafka: str, mongo: str
) -> None:
    contract = await new_contract(kafka)
    rare = Looks(look_seconds=60, quiet_look_seconds=60)
    async with (
        fresh_database(mongo) as database,
        publishing(kafka, "test") as publisher,
        relaying(database, publisher, owner="test", looks=rare) as relay,
    ):
        await eventually(lambda: relay.leading)
        for number in range(3):
            # Idle before the second one, otherwise busy.
            await asyncio.sleep(rare.busy_seconds * 2 if number == 1 else 0)
            await tell(database, [said(contract, number)])
            # Far sooner than a look.
            await until_empty(database, rare.look_seconds / 3)


async def test_what_an_earlier_release_or_another_process_wrote_is_found_by_a_look(
    kafka: str, mongo: str
) -> None:
    contract = await new_contract(kafka)
    # As release 0.1.0 wrote it, and nobody here is told.
    topic, key, value, headers = to_record(said(contract, 1))
    event = {"topic": topic, "key": key, "value": value, "headers": dict(headers)}
    async with (
        fresh_database(mongo) as database,
        publishing(kafka, "test") as publisher,
        relaying(database, publisher, owner="test") as relay,
    ):
        await eventually(lambda: relay.leading)
        await database["outbox"].insert_one({"order": 1, "events": [event]})
        await until_empty(database)
    assert len(await read_all(kafka, contract.topic)) == 1


async def test_only_one_of_two_relays_works_and_the_other_takes_over_at_once_when_it_ends(
    kafka: str, mongo: str
) -> None:
    contract = await new_contract(kafka)
    async with (
        fresh_database(mongo) as database,
        publishing(kafka, "test") as publisher,
        AsyncExitStack() as stack,
    ):
        async with relaying(database, publisher, owner="second") as second:
            await eventually(lambda: second.leading)
            first = await stack.enter_async_context(relaying(database, publisher, owner="first"))
            await tell(database, [said(contract, number) for number in range(10)])
            await until_empty(database)
            assert (first.leading, second.leading) == (False, True)
        started = time.monotonic()
        await tell(database, [said(contract, number) for number in range(10, 20)])
        await until_empty(database)
        assert time.monotonic() - started < Term().seconds / 2
        assert first.leading
    assert len(await read_all(kafka, contract.topic)) == 20


async def test_what_a_relay_cannot_read_any_more_is_unknown_and_not_the_last_value(
    kafka: str, mongo: str
) -> None:
    names = ("kepu_relay_leader", "kepu_outbox_waiting_events", "kepu_outbox_oldest_event_age_seconds")

    def shown() -> list[float]:
        return [REGISTRY.get_sample_value(name) or 0.0 for name in names]

    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        relay = Relay(database, publisher, owner="one", measured_seconds=3)
        await relay._turn()
        assert shown() == [1, 0, 0]
        await eventually(lambda: all(math.isnan(value) for value in shown()))
        await relay._turn()
        assert shown() == [1, 0, 0]
        await relay.give_up()

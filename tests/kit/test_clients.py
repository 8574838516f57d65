"""By each of the three clients: what is sent is in Kafka as our own would be, and is read without a loss."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, closing
from typing import TypeAlias
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaError
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event

from kepu_events import (
    Connection,
    Envelope,
    Event,
    Record,
    Sender,
    Unavailable,
    aiokafka,
    confluent,
    faststream,
    partition_of,
)
from tests.support.kafka import Said, named_contract, new_contract, read_all, write_raw
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

SENDER = Sender("schools/examination-hall")
PARTITIONS = 4
SECONDS = 60

Send: TypeAlias = Callable[[Sequence[Record], Connection], Awaitable[None]]
Listen: TypeAlias = Callable[[Connection, str, type[Said], int], Awaitable[list[Said]]]


async def by_confluent(records: Sequence[Record], to: Connection) -> None:
    await asyncio.to_thread(confluent.send, records, to)


async def by_faststream(records: Sequence[Record], to: Connection) -> None:
    async with faststream.broker(to) as broker:
        await faststream.send(records, broker)


async def heard_by_confluent(to: Connection, group: str, contract: type[Said], count: int) -> list[Said]:
    def hear() -> list[Said]:
        found: list[Said] = []
        with closing(confluent.listen(group, contract, connection=to)) as events:
            for one in events:
                found.append(said_by(one))
                if len(found) == count:
                    # The last one counts as handled when the next one is asked for: it comes again.
                    return found
        return found

    return await asyncio.to_thread(hear)


async def heard_by_aiokafka(to: Connection, group: str, contract: type[Said], count: int) -> list[Said]:
    found: list[Said] = []
    async with aclosing(aiokafka.listen(group, contract, connection=to)) as events:
        async for one in events:
            found.append(said_by(one))
            if len(found) == count:
                break
    return found


async def heard_by_faststream(to: Connection, group: str, contract: type[Said], count: int) -> list[Said]:
    found: list[Said] = []
    broker = faststream.broker(to)

    @faststream.listens(broker, group, contract)
    async def hear(one: Envelope[Event]) -> None:
        if len(found) == count:
            # Those behind come to the next run.
            await asyncio.sleep(SECONDS)
        found.append(said_by(one))

    async with broker:
        await broker.start()
        await eventually(lambda: len(found) == count)
    return found


def said_by(one: Envelope[Event]) -> Said:
    assert isinstance(one.event, Said)
    return one.event


SENDS = {"confluent": by_confluent, "aiokafka": aiokafka.send, "faststream": by_faststream}
LISTENS = {"confluent": heard_by_confluent, "aiokafka": heard_by_aiokafka, "faststream": heard_by_faststream}


@pytest.mark.parametrize("client", SENDS)
async def test_what_is_sent_lies_where_ours_would_and_is_a_cloudevent(kafka: str, client: str) -> None:
    contract = await new_contract(kafka, partitions=PARTITIONS)
    records = [SENDER.record(contract(who=f"p-{n}", words="科普"), cause=str(n)) for n in range(20)]
    await SENDS[client](records, Connection(kafka))  # type: ignore[operator]
    found = await read_all(kafka, contract.topic)
    assert {one.key: one.value for one in found} == {one.key: one.value for one in records}
    assert len({one.partition for one in found}) > 1
    by_key = {one.key: one for one in records}
    for one in found:
        assert one.partition == partition_of(one.key, PARTITIONS)
        assert one.key is not None
        # FastStream adds headers of its own.
        assert set(by_key[one.key].headers) <= set(one.headers)
        event = from_binary_event(KafkaMessage(dict(one.headers), one.key, one.value))
        assert (event.get_id(), event.get_source()) == (by_key[one.key].id, SENDER.source)
        data = event.get_data()
        assert isinstance(data, dict)
        assert data["words"] == "科普"


@pytest.mark.parametrize("client", LISTENS)
async def test_everything_is_heard_also_by_the_next_run_and_what_is_wrong_stops_nobody(
    kafka: str, client: str, caplog: pytest.LogCaptureFixture
) -> None:
    contract = await new_contract(kafka)
    good = [SENDER.record(contract(who="wang", number=n), cause=str(n)) for n in range(6)]
    rows = [(one.key, one.value, one.headers) for one in good]
    wrong = [(b"wang", b"{", rows[0][2]), (b"wang", None, rows[0][2]), (b"wang", b"{}", [("x", None)])]
    later = [(name, value.replace(b".v1", b".v2")) for name, value in rows[0][2]]
    await write_raw(kafka, contract.topic, [*rows[:2], *wrong, (b"wang", b"{}", later), *rows[2:]])  # type: ignore[list-item]
    group = f"hall-{uuid4().hex[:8]}"
    with caplog.at_level(logging.WARNING):
        first = await LISTENS[client](Connection(kafka), group, contract, 3)
    assert [one.number for one in first] == [0, 1, 2]
    refused = [one for one in caplog.messages if "is refused" in one]
    assert len(refused) == len(wrong)
    assert all(f"{contract.topic}/0/" in one for one in refused)
    # The one at which it stopped may come again; none is left out.
    second = await LISTENS[client](Connection(kafka), group, contract, 3)
    assert second[0].number in (2, 3)
    assert [one.number for one in second] == list(range(second[0].number, second[0].number + 3))


async def test_an_event_on_which_a_handler_of_faststream_fails_comes_again(kafka: str) -> None:
    contract = await new_contract(kafka)
    records = [SENDER.record(contract(who="wang", number=n), cause=str(n)) for n in range(2)]
    await aiokafka.send(records, Connection(kafka))
    seen: list[int] = []
    broker = faststream.broker(Connection(kafka), logger=None)

    @faststream.listens(broker, f"hall-{uuid4().hex[:8]}", contract)
    async def hear(one: Envelope[Event]) -> None:
        seen.append(said_by(one).number)
        if seen == [0]:
            raise ZeroDivisionError

    async with broker:
        await broker.start()
        await eventually(lambda: 1 in seen)
    assert seen == [0, 0, 1]


# FastStream connects before `send`, and its own error comes through.
@pytest.mark.parametrize(
    ("client", "error"),
    [("aiokafka", Unavailable), ("faststream", KafkaError)],
    ids=["aiokafka", "faststream"],
)
async def test_where_nobody_listens_the_error_is_the_one_that_is_documented(
    client: str, error: type[Exception]
) -> None:
    contract = named_contract("nobody.listens")
    record = SENDER.record(contract(who="wang"), cause="1")
    with pytest.raises(error):
        await SENDS[client]([record], Connection("127.0.0.1:1"))  # type: ignore[operator]

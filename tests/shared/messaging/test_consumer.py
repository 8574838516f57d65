"""What becomes of a batch, on a real broker."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.contracts.envelope import HEADER_BYTES_MAX, Headers
from shared.messaging.consuming import consuming
from shared.messaging.decoding import decoder
from shared.messaging.policy import EVENT_BYTES_MAX
from shared.messaging.publisher import Publisher, Record, publishing, to_record
from shared.messaging.received import Batch, Following, Subscription
from shared.runtime.errors import Rejected, Unavailable
from tests.shared.messaging.readers import QUICK, Ear, reading, say, until_committed
from tests.support.kafka import (
    Said,
    committed,
    dead_topic_of,
    headers_of,
    new_contract,
    read_all,
    readers_of,
    said,
    write_raw,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


Poison = tuple[bytes | None, Headers, str]


def poison(contract: type[Said]) -> dict[str, Poison]:
    """Every kind of record that is nobody's event: value, headers, and the code it is given up with."""
    good = said(contract, 1)
    value = to_record(good)[2]
    headers = headers_of(good)
    return {
        "bad JSON": (b'{"who": "wang"', headers, "bad_body"),
        "not JSON at all": (b"\xff\x00", headers, "bad_body"),
        "empty": (b"", headers, "bad_body"),
        "null value": (None, headers, "bad_body"),
        "list instead of object": (b"[]", headers, "bad_body"),
        "wrong type": (b'{"who":"wang","number":"1"}', headers, "bad_body"),
        "missing field": (b'{"number":1}', headers, "bad_body"),
        "nested without end": (b'{"who":' + b"[" * 100_000, headers, "bad_body"),
        "null header": (value, headers_of(good, ce_subject=None), "bad_header"),
        "null header of another": (value, headers_of(good, trace=None), "bad_header"),
        "non-UTF-8 header": (value, headers_of(good, ce_source=b"\xc3\x28"), "bad_header"),
        "missing header": (value, headers_of(good, "ce_id"), "bad_header"),
        "no headers": (value, [], "bad_header"),
        "long header": (value, headers_of(good, extra=b"x" * (HEADER_BYTES_MAX + 1)), "bad_header"),
        "unknown type": (value, headers_of(good, ce_type=b"kepu.other.v1"), "unknown_type"),
        "unknown version": (
            value,
            headers_of(good, ce_type=good.context.type.replace(".v1", ".v2").encode()),
            "unknown_type",
        ),
        "impossible time": (value, headers_of(good, ce_time=b"0001-01-01T00:00:00+23:59"), "bad_header"),
        "another's key": (value, headers, "key_differs"),
        "1 MiB of noise": (os.urandom(1_048_576), headers, "too_large"),
        "larger than an event may be": (b" " * (EVENT_BYTES_MAX + 1), headers, "too_large"),
    }


async def test_poison_ends_in_dead_letters_as_it_came_and_its_neighbours_are_handled(kafka: str) -> None:
    contract = await new_contract(kafka)
    poisons = poison(contract)
    records: list[tuple[bytes | None, bytes | None, Headers]] = []
    for number, (value, headers, _) in enumerate(poisons.values()):
        records.append(to_record(said(contract, number))[1:])
        records.append((f"poison-{number}".encode(), value, headers))
    await write_raw(kafka, contract.topic, records)
    ear = Ear()
    async with reading(kafka, contract, ear) as consumer:
        await until_committed(kafka, contract, {0: len(records)})
        assert consumer.problem() is None
    assert ear.heard == list(range(len(poisons)))
    dead = {record.key: record for record in await read_all(kafka, dead_topic_of(contract))}
    assert len(dead) == len(poisons)
    for number, (kind, (value, headers, code)) in enumerate(poisons.items()):
        found = dead[f"poison-{number}".encode()]
        why = {name: header.decode() for name, header in found.headers[len(headers) :]}
        assert found.value == value, kind
        assert list(found.headers[: len(headers)]) == headers, kind
        assert why.pop("dead_reason"), kind
        assert why.pop("dead_time"), kind
        assert why == {
            "dead_code": code,
            "dead_group": readers_of(contract),
            "dead_topic": contract.topic,
            "dead_partition": "0",
            "dead_offset": str(2 * number + 1),
        }, kind


async def test_record_that_no_topic_takes_back_is_dead_lettered_without_its_body(kafka: str) -> None:
    contract = await new_contract(kafka)
    key, value, headers = to_record(said(contract, 1))[1:]
    # Compressed it passes every limit of the broker.
    await write_raw(
        kafka,
        contract.topic,
        [(b"huge", b" " * 7_000_000, headers), (key, value, headers)],
        compression="zstd",
    )
    ear = Ear()
    async with reading(kafka, contract, ear):
        await until_committed(kafka, contract, {0: 2})
    assert ear.heard == [1]
    [dead] = await read_all(kafka, dead_topic_of(contract))
    why = {name: header.decode() for name, header in dead.headers}
    assert (dead.value, why["dead_code"], why["dead_offset"]) == (b"", "too_large", "0")
    assert why["ce_id"] == said(contract, 1).context.id


async def test_batch_that_fails_is_tried_again_as_a_whole_and_nothing_is_given_up(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(20))
    failures = iter([RuntimeError("first"), KeyError("second")])

    def twice(_: Batch[Said]) -> None:
        if error := next(failures, None):
            raise error

    ear = Ear(twice)
    async with reading(kafka, contract, ear):
        await until_committed(kafka, contract, {0: 20})
    assert ear.heard == list(range(20))
    assert await read_all(kafka, dead_topic_of(contract)) == []


async def test_event_that_always_fails_is_found_and_given_up_alone(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(20))

    def thirteen(batch: Batch[Said]) -> None:
        if any(received.event.number == 13 for received in batch):
            raise RuntimeError("unlucky 13 of wang.fang@example.org")

    ear = Ear(thirteen)
    async with reading(kafka, contract, ear):
        await until_committed(kafka, contract, {0: 20})
    # In order, although the batch was taken apart.
    assert ear.heard == [number for number in range(20) if number != 13]
    [dead] = await read_all(kafka, dead_topic_of(contract))
    why = dict(dead.headers)
    assert (why["dead_code"], why["dead_offset"]) == (b"handler_failed", b"13")
    assert b"example.org" not in why["dead_reason"]


async def test_event_rejected_by_the_handler_is_given_up_at_once_with_its_code(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(10))

    def some(batch: Batch[Said]) -> None:
        for received in batch:
            if received.event.number in {2, 5}:
                batch.reject(received, Rejected("this one is not allowed", code="not_allowed"))

    ear = Ear(some)
    async with reading(kafka, contract, ear):
        await until_committed(kafka, contract, {0: 10})
    assert ear.batches == 1
    dead = [dict(record.headers) for record in await read_all(kafka, dead_topic_of(contract))]
    assert [(why["dead_code"], why["dead_offset"]) for why in dead] == [
        (b"not_allowed", b"2"),
        (b"not_allowed", b"5"),
    ]


async def test_rejected_that_is_raised_is_laid_to_the_one_event_it_belongs_to(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(10))

    def seven(batch: Batch[Said]) -> None:
        if any(received.event.number == 7 for received in batch):
            raise Rejected("seven is not allowed", code="not_allowed")

    ear = Ear(seven)
    async with reading(kafka, contract, ear):
        await until_committed(kafka, contract, {0: 10})
    assert ear.heard == [number for number in range(10) if number != 7]
    [dead] = await read_all(kafka, dead_topic_of(contract))
    assert dict(dead.headers)["dead_code"] == b"not_allowed"


class NoDeadLetters(Publisher):
    """Takes everything but dead letters, until `free`."""

    free = False
    refused = 0

    async def write(self, records: Sequence[Record]) -> None:
        """Write, unless one is a dead letter."""
        if not self.free and any(topic.endswith(".dead") for topic, *_ in records):
            self.refused += 1
            raise Unavailable("Kafka did not acknowledge")
        await super().write(records)


async def test_nothing_is_committed_before_its_dead_letters_are_stored(kafka: str) -> None:
    contract = await new_contract(kafka)
    await write_raw(kafka, contract.topic, [(b"k", b"{}", headers_of(said(contract, 1)))])
    await say(kafka, contract, [1])
    publisher = NoDeadLetters(kafka, "test")
    ear = Ear()
    subscription = Subscription(readers_of(contract), [contract], ear.hear)
    async with consuming(kafka, [subscription], publisher, policy=QUICK) as [consumer]:
        await eventually(lambda: publisher.refused > 2)
        assert await committed(kafka, readers_of(contract), contract.topic) == {}
        assert consumer.problem() == "Kafka did not acknowledge"
        publisher.free = True
        await until_committed(kafka, contract, {0: 2})
    await publisher.stop()
    assert len(await read_all(kafka, dead_topic_of(contract))) == 1


async def test_outage_is_waited_out_and_no_event_is_blamed(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(5))
    away = True

    def outage(_: Batch[Said]) -> None:
        if away:
            raise Unavailable("MongoDB does not answer")

    ear = Ear(outage)
    async with reading(kafka, contract, ear) as consumer:
        # More often than anything else is tried.
        await eventually(lambda: ear.batches > 10)
        assert consumer.problem() == "MongoDB does not answer"
        assert await committed(kafka, readers_of(contract), contract.topic) == {}
        away = False
        await until_committed(kafka, contract, {0: 5})
        assert consumer.problem() is None
    assert ear.heard == list(range(5))
    assert await read_all(kafka, dead_topic_of(contract)) == []


async def test_a_decoder_that_fails_on_a_record_fails_on_that_one_alone(kafka: str) -> None:
    contract = await new_contract(kafka)

    def decode(values: Sequence[bytes]) -> Sequence[Said]:
        events = decoder(contract)(values)
        if any(event.number == 2 for event in events):
            raise TypeError("as a decoder's own fault would be")
        return events

    ear = Ear()
    async with reading(kafka, contract, ear, decode=decode) as consumer:
        await say(kafka, contract, [1, 2, 3])
        await eventually(lambda: ear.heard == [1, 3])
        await until_committed(kafka, contract, {0: 3})
        assert consumer.problem() is None
    [dead] = await read_all(kafka, dead_topic_of(contract))
    assert dict(dead.headers)["dead_code"] == b"bad_body"


async def test_malformed_records_of_whatever_number_never_stop_a_group(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=4)
    headers = headers_of(said(contract, 1))
    bad: list[Record] = [(contract.topic, f"k-{n}".encode(), b"{}", headers) for n in range(2_000)]
    ear = Ear()
    async with publishing(kafka, "test") as publisher:
        # All that a new process sees at first, on all partitions; more than any batch holds.
        await publisher.write(bad)
        async with reading(kafka, contract, ear) as consumer:
            await publisher.publish([said(contract, number, who=f"p-{number}") for number in range(20)])
            # And many more in between good ones.
            for number in range(20, 40):
                await publisher.write(bad[:100])
                await publisher.publish([said(contract, number, who=f"p-{number}")])
            await eventually(lambda: sorted(ear.heard) == list(range(40)))
            assert consumer.problem() is None

            async def all_buried() -> bool:
                return len(await read_all(kafka, dead_topic_of(contract))) == 4_000

            await eventually(all_buried)
    dead = await read_all(kafka, dead_topic_of(contract))
    assert {dict(record.headers)["dead_code"] for record in dead} == {b"bad_body"}


async def test_events_rejected_by_the_handler_never_stop_a_group(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(700))

    def all_of_them(batch: Batch[Said]) -> None:
        for received in batch:
            batch.reject(received, Rejected("not allowed", code="not_allowed"))

    async with reading(kafka, contract, Ear(all_of_them)) as consumer:
        await until_committed(kafka, contract, {0: 700})
        assert consumer.problem() is None
    assert len(await read_all(kafka, dead_topic_of(contract))) == 700


async def test_handler_that_fails_on_everything_is_stopped_before_it_drains_the_topic(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(600))

    def always(_: Batch[Said]) -> None:
        raise RuntimeError("a bad deployment")

    ear = Ear(always)
    async with reading(kafka, contract, ear) as consumer:
        await eventually(lambda: consumer.halted, seconds=8)
        assert "the handler failed on 100 of" in str(consumer.problem())
    # It need not try each of them to know.
    assert ear.batches < 600
    assert await committed(kafka, readers_of(contract), contract.topic) == {}
    assert await read_all(kafka, dead_topic_of(contract)) == []


async def test_handler_that_fails_on_most_of_many_small_batches_is_stopped(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(200))

    def most(batch: Batch[Said]) -> None:
        if any(received.event.number % 3 for received in batch):
            raise RuntimeError("a bad deployment")

    policy = replace(QUICK, batch_events_max=5, failed_max=30)
    async with reading(kafka, contract, Ear(most), policy=policy) as consumer:
        await eventually(lambda: consumer.halted, seconds=8)
        assert "the handler failed on 30 of" in str(consumer.problem())


async def test_mistake_of_our_own_stops_the_consumer_and_says_so(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(3))

    def too_few(values: Sequence[bytes]) -> Sequence[Said]:
        return []

    async with reading(kafka, contract, Ear(), decode=too_few) as consumer:
        await eventually(lambda: consumer.halted)
        assert "DecoderFails" in str(consumer.problem())
    assert await committed(kafka, readers_of(contract), contract.topic) == {}


async def test_another_systems_transactions_are_read_when_committed_and_not_when_aborted(kafka: str) -> None:
    contract = await new_contract(kafka)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=contract.topic, transaction_timeout_ms=5_000
    )
    await producer.start()
    try:
        for number, ends in enumerate((producer.commit_transaction, producer.abort_transaction)):
            await producer.begin_transaction()
            _, key, value, headers = to_record(said(contract, number))
            await producer.send_and_wait(contract.topic, value, key, partition=0, headers=headers)
            await ends()
    finally:
        await producer.stop()
    ear = Ear()
    async with reading(kafka, contract, ear):
        # Two records, and a marker after each: what is committed is where reading goes on.
        await until_committed(kafka, contract, {0: 4})
    assert ear.heard == [0]


async def test_transaction_left_open_holds_up_what_stands_behind_it_for_seconds(kafka: str) -> None:
    contract = await new_contract(kafka)
    patient = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=f"{contract.topic}-patient", transaction_timeout_ms=10_001
    )
    # No transaction may ask for longer than ten seconds.
    with pytest.raises(KafkaError):
        await patient.start()
    await patient.stop()
    open_ = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=contract.topic, transaction_timeout_ms=1_000
    )
    await open_.start()
    ear = Ear()
    try:
        await open_.begin_transaction()
        for number in range(12):
            _, key, value, headers = to_record(said(contract, number))
            await open_.send_and_wait(contract.topic, value, key, partition=0, headers=headers)
        await say(kafka, contract, [12])
        async with reading(kafka, contract, ear):
            # The transaction's own second, and the broker's until it looks.
            await eventually(lambda: ear.heard == [12], seconds=6)
    finally:
        with suppress(KafkaError):
            await open_.stop()


async def test_record_of_an_impossible_time_is_dead_lettered_and_stops_nobody(kafka: str) -> None:
    contract = await new_contract(kafka)
    _, key, value, headers = to_record(said(contract, 1))
    # Before all time; in the year 1; in 1999. The broker itself refuses what lies in the future.
    impossible = (-(10**17), -62_135_596_800_000, 946_684_799_999)
    for timestamp_ms in impossible:
        await write_raw(kafka, contract.topic, [(key, value, headers)], timestamp_ms=timestamp_ms)
    await write_raw(kafka, contract.topic, [(key, value, headers)])
    ear = Ear()
    async with reading(kafka, contract, ear) as consumer:
        await until_committed(kafka, contract, {0: 4})
        assert consumer.problem() is None
    assert ear.heard == [1]
    dead = await read_all(kafka, dead_topic_of(contract))
    assert [dict(record.headers)["dead_code"] for record in dead] == [b"bad_time"] * 3


async def test_one_group_reads_several_topics_and_buries_each_apart(kafka: str) -> None:
    first, second = await new_contract(kafka), await new_contract(kafka)
    await say(kafka, first, [1, 2])
    await say(kafka, second, [3, 4])
    ear = Ear()
    async with reading(kafka, first, ear, second) as consumer:
        await eventually(lambda: sorted(ear.heard) == [1, 2, 3, 4])
        await until_committed(kafka, first, {0: 2})
        assert consumer.problem() is None


async def test_what_follows_is_published_before_the_batch_is_committed(kafka: str) -> None:
    contract, answers = await new_contract(kafka), await new_contract(kafka)
    await say(kafka, contract, range(50))

    class Answering(Ear):
        async def hear(self, batch: Batch[Said]) -> Following:
            await super().hear(batch)
            return [said(answers, received.event.number) for received in batch]

    async with reading(kafka, contract, Answering()):
        await until_committed(kafka, contract, {0: 50})
    assert len(await read_all(kafka, answers.topic)) == 50


async def test_two_copies_share_the_work_and_a_commit_refused_after_a_rebalance_is_harmless(
    kafka: str, caplog: pytest.LogCaptureFixture
) -> None:
    contract = await new_contract(kafka, partitions=4)
    async with publishing(kafka, "test") as publisher:
        await publisher.publish([said(contract, number, who=f"p-{number}") for number in range(40)])
    free = asyncio.Event()

    class Held(Ear):
        async def hear(self, batch: Batch[Said]) -> Following:
            await free.wait()
            return await super().hear(batch)

    first, second = Held(), Ear()
    async with reading(kafka, contract, first) as one:
        await eventually(lambda: one._oldest_at is not None)
        async with reading(kafka, contract, second) as other:
            # The first still holds its batch; the second is given partitions of it.
            await eventually(lambda: second.heard)
            free.set()
            await eventually(lambda: {*first.heard, *second.heard} == set(range(40)))
            async with publishing(kafka, "test") as publisher:
                await publisher.publish(
                    [said(contract, number, who=f"p-{number}") for number in range(40, 80)]
                )
            await eventually(lambda: {*first.heard, *second.heard} == set(range(80)))
            assert (one.problem(), other.problem()) == (None, None)
    assert "commit refused after a rebalance" in caplog.text
    late = set(range(40, 80))
    assert late & set(first.heard)
    assert late & set(second.heard)
    assert await read_all(kafka, dead_topic_of(contract)) == []


async def test_batch_that_outlasts_another_members_turn_does_not_set_the_group_back(kafka: str) -> None:
    contract = await new_contract(kafka)
    free = asyncio.Event()

    class Held(Ear):
        async def hear(self, batch: Batch[Said]) -> Following:
            self.batches += 1
            await free.wait()
            return []

    first, second = Held(), Ear()
    subscription = Subscription(readers_of(contract), [contract], first.hear)
    async with (
        publishing(kafka, "test") as publisher,
        # A name that sorts last: the only partition is the other's as long as there is one.
        consuming(kafka, [subscription], publisher, instance="last") as [one],
    ):
        await publisher.publish([said(contract, 0)])
        await eventually(lambda: first.batches)
        async with reading(kafka, contract, second):
            await publisher.publish([said(contract, number) for number in range(1, 10)])
            await until_committed(kafka, contract, {0: 10})
        await eventually(one._subscriber.consumer.assignment)
        free.set()
        await eventually(lambda: one._oldest_at is None)
        assert second.heard == list(range(10))
        assert await committed(kafka, readers_of(contract), contract.topic) == {0: 10}
        # And what comes later is read and committed as ever.
        await publisher.publish([said(contract, 10)])
        await until_committed(kafka, contract, {0: 11})

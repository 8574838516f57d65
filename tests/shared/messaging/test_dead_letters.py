"""Which records are dead-lettered, and what their dead letters hold; on a real broker."""

import os
from collections.abc import Sequence

import pytest
from aiokafka import ConsumerRecord

from shared.contracts.envelope import HEADER_BYTES_MAX, LIST_BYTES_MAX, Headers, decoder, to_headers
from shared.messaging.consuming import consuming
from shared.messaging.dead_letters import WRITE_BYTES_MAX, named, size_of, write_dead_letters
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.publisher import Publisher, Record, publishing, to_record
from shared.messaging.received import Dead, Subscription
from shared.runtime.errors import Rejected, Unavailable
from tests.shared.messaging.readers import QUICK, Ear, reading, say, until_committed
from tests.support.kafka import (
    BySenders,
    Said,
    committed,
    dead_topic_of,
    headers_of,
    named_contract,
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
        "larger than an event may be": (b" " * (LIST_BYTES_MAX + 1), headers, "too_large"),
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
    assert dict(dead.headers)["dead_code"] == b"decoder_failed"


async def test_a_decoder_that_fails_on_all_that_the_contract_accepts_stops_its_consumer(kafka: str) -> None:
    contract = await new_contract(kafka)

    def decode(values: Sequence[bytes]) -> Sequence[Said]:
        raise TypeError("as after a bad deployment")

    ear = Ear()
    policy = ConsumerPolicy(failed_max=10)
    async with reading(kafka, contract, ear, decode=decode, policy=policy) as consumer:
        await say(kafka, contract, list(range(50)))
        await eventually(lambda: "the decoder of" in (consumer.problem() or ""))
    assert ear.heard == []
    assert await read_all(kafka, dead_topic_of(contract)) == []
    assert await committed(kafka, readers_of(contract), contract.topic) == {}


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

            async def all_dead_lettered() -> bool:
                return len(await read_all(kafka, dead_topic_of(contract))) == 4_000

            await eventually(all_dead_lettered)
    dead = await read_all(kafka, dead_topic_of(contract))
    assert {dict(record.headers)["dead_code"] for record in dead} == {b"bad_body"}


async def test_record_of_an_impossible_time_is_dead_lettered_and_stops_nobody(kafka: str) -> None:
    contract = await new_contract(kafka, kind=BySenders)
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
    subscription = Subscription(readers_of(contract), [contract], ear.hear, codes=())
    async with consuming(kafka, [subscription], publisher, policy=QUICK) as [consumer]:
        await eventually(lambda: publisher.refused > 2)
        assert await committed(kafka, readers_of(contract), contract.topic) == {}
        assert consumer.problem() == "Kafka did not acknowledge"
        publisher.free = True
        await until_committed(kafka, contract, {0: 2})
    await publisher.stop()
    assert len(await read_all(kafka, dead_topic_of(contract))) == 1


async def test_one_group_reads_several_topics_and_buries_each_apart(kafka: str) -> None:
    first, second = await new_contract(kafka), await new_contract(kafka)
    await say(kafka, first, [1, 2])
    await say(kafka, second, [3, 4])
    ear = Ear()
    async with reading(kafka, first, ear, second) as consumer:
        await eventually(lambda: sorted(ear.heard) == [1, 2, 3, 4])
        await until_committed(kafka, first, {0: 2})
        assert consumer.problem() is None


class Remembering(Publisher):
    """Writes nothing, and remembers what it is given at a time."""

    def __init__(self) -> None:
        super().__init__("nowhere", "test")
        self.written: list[list[Record]] = []

    async def write(self, records: Sequence[Record]) -> None:
        """Remember them."""
        self.written.append(list(records))


async def test_dead_letters_are_written_a_bounded_number_of_bytes_at_a_time() -> None:
    publisher = Remembering()
    sizes = [10, 600_000, 600_000, 10, 1_100_000, 10, *[100_000] * 30]
    dead = [
        Dead(
            ConsumerRecord("said", 0, offset, 0, 0, b"k", b"x" * size, None, 1, size, ()),
            Rejected("it is none", code="bad_body"),
        )
        for offset, size in enumerate(sizes)
    ]
    await write_dead_letters(publisher, dead, "readers")
    assert [len(value or b"") for some in publisher.written for _, _, value, _ in some] == sizes
    for some in publisher.written:
        assert len(some) == 1 or sum(map(size_of, some)) <= WRITE_BYTES_MAX
    assert len(publisher.written) < 10


def test_a_log_line_about_a_record_has_its_place_and_ids_and_nothing_else() -> None:
    context = said(named_contract("said")).context
    headers = (*to_headers(context), ("other", b"wang"))
    record = ConsumerRecord("said", 1, 2, 0, 0, b"wang", b"{}", None, 1, 2, headers)
    assert named(record) == {
        "topic": "said",
        "partition": 1,
        "offset": 2,
        "event_id": context.id,
        "correlation_id": context.correlation_id,
        "trace_id": (context.traceparent or "")[3:35],
    }
    odd = ConsumerRecord("said", 1, 2, 0, 0, None, None, None, 0, 0, (("traceparent", b"\xff"), ("x", None)))
    assert named(odd) == {"topic": "said", "partition": 1, "offset": 2}

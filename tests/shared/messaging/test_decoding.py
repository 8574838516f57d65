"""Decoding gives way to others, however dear the records are."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiokafka import ConsumerRecord

from shared.contracts.envelope import Event
from shared.contracts.traces import Step
from shared.messaging.decoding import BUSY_SECONDS_MAX, SLICE_BYTES_MAX, SLICE_RECORDS_MAX, Decoding
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.publisher import Record, to_record
from shared.messaging.received import Batch, Raw, Subscription
from shared.runtime.errors import Rejected
from tests.support.kafka import Said, named_contract, said

CONTRACT = named_contract("said")
Decoder = Callable[[Sequence[bytes]], Sequence[Event]]


def records(count: int, *, size_bytes: int = 0) -> list[Raw]:
    topic, key, value, headers = to_record(said(CONTRACT))
    assert value is not None
    value = value.ljust(size_bytes)
    return [
        ConsumerRecord(topic, 0, offset, 1_700_000_000_000, 1, key, value, None, 0, 0, tuple(headers))
        for offset in range(count)
    ]


def decoding(decoder: Decoder, policy: ConsumerPolicy | None = None) -> Decoding:
    async def handle(_: Batch[Said]) -> Sequence[Record]:
        return []

    return Decoding(
        Subscription(
            group="g", contracts=(CONTRACT,), handle=handle, codes=(), decoders={CONTRACT.topic: decoder}
        ),
        policy,
    )


@dataclass
class Turns:
    count: int = 0


@asynccontextmanager
async def counting() -> AsyncIterator[Turns]:
    turns = Turns()

    async def count() -> None:
        while True:
            turns.count += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(count())
    yield turns
    task.cancel()


def slow(values: Sequence[bytes]) -> Sequence[Event]:
    time.sleep(BUSY_SECONDS_MAX)
    return [said(CONTRACT).event] * len(values)


def refusing(values: Sequence[bytes]) -> Sequence[Event]:
    time.sleep(BUSY_SECONDS_MAX)
    raise Rejected("wrong", code="bad_body")


async def test_others_get_a_turn_after_each_dear_slice() -> None:
    async with counting() as turns:
        good, dead = await decoding(slow).decode(records(5 * SLICE_RECORDS_MAX))
    assert (len(good), len(dead)) == (5 * SLICE_RECORDS_MAX, 0)
    assert turns.count >= 4


async def test_large_records_are_decoded_a_few_at_a_time() -> None:
    sizes: list[int] = []

    def sized(values: Sequence[bytes]) -> Sequence[Event]:
        sizes.append(sum(map(len, values)))
        return [said(CONTRACT).event] * len(values)

    good, _ = await decoding(sized).decode(records(10, size_bytes=SLICE_BYTES_MAX // 2))
    assert len(good) == 10
    assert max(sizes) <= SLICE_BYTES_MAX


async def test_others_get_a_turn_after_each_dear_refusal() -> None:
    async with counting() as turns:
        good, dead = await decoding(refusing).decode(records(10))
    assert (good, len(dead)) == ([], 10)
    assert turns.count >= 10


@pytest.mark.parametrize("count", [1, SLICE_RECORDS_MAX, SLICE_RECORDS_MAX + 1])
async def test_each_record_is_decoded_once_and_in_order(count: int) -> None:
    good, _ = await decoding(lambda values: [said(CONTRACT).event] * len(values)).decode(records(count))
    assert [one.record.offset for one in good] == list(range(count))


async def test_a_large_wrong_record_is_decoded_once() -> None:
    decoded: list[int] = []

    def counted(values: Sequence[bytes]) -> Sequence[Event]:
        decoded.append(len(values))
        raise Rejected("wrong", code="bad_body")

    _, dead = await decoding(counted).decode(records(10, size_bytes=SLICE_BYTES_MAX))
    assert (len(dead), decoded) == (10, [1] * 10)


async def test_the_records_beside_a_failing_one_count_as_good_ones_of_the_decoder() -> None:
    def fails_on_padded(values: Sequence[bytes]) -> Sequence[Event]:
        if any(value.endswith(b" ") for value in values):
            raise TypeError("one in a hundred is more than it can decode")
        return [said(CONTRACT).event] * len(values)

    [padded] = records(1, size_bytes=500)
    some = records(4 * SLICE_RECORDS_MAX)
    some[50::SLICE_RECORDS_MAX] = [padded] * 4
    good, dead = await decoding(fails_on_padded, ConsumerPolicy(failed_max=3)).decode(some)
    assert len(good) == 4 * SLICE_RECORDS_MAX - 4
    assert [one.why.code for one in dead] == ["decoder_failed"] * 4


async def test_a_handler_gets_the_span_of_its_group_in_the_trace_of_each_event() -> None:
    decode = decoding(lambda values: [CONTRACT.model_validate_json(value) for value in values])
    [received], _ = await decode.decode(records(1))
    brought = dict(received.record.headers)["traceparent"].decode()
    assert received.context.traceparent == Step("g").after(brought, received.context.id)

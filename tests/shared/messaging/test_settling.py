"""When a batch is tried again, when an event is dead-lettered, when the consumer stops; on a real broker."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.messaging.received import Batch
from shared.runtime.errors import Rejected, Unavailable
from tests.shared.messaging.readers import QUICK, Ear, reading, say, until_committed
from tests.support.kafka import (
    Said,
    committed,
    dead_topic_of,
    new_contract,
    read_all,
    readers_of,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


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
        await eventually(lambda: consumer.stopped)
        assert "the handler failed on 100 of" in str(consumer.problem())
        assert "start this process again" in str(consumer.problem())
    # It need not try each of them to know.
    assert ear.batches < 600
    assert await committed(kafka, readers_of(contract), contract.topic) == {}
    assert await read_all(kafka, dead_topic_of(contract)) == []


@pytest.mark.parametrize(
    "error", [OverflowError("int too large"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "")]
)
async def test_events_whose_values_cannot_be_stored_are_given_up_without_another_try_and_stop_nobody(
    kafka: str, error: Exception
) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(300))

    def all_but_the_last(batch: Batch[Said]) -> None:
        if any(received.event.number < 299 for received in batch):
            raise error

    ear = Ear(all_but_the_last)
    # A second try would come after a minute.
    slow = replace(QUICK, retry_seconds=60.0, retry_seconds_max=60.0)
    async with reading(kafka, contract, ear, policy=slow) as consumer:
        await until_committed(kafka, contract, {0: 300})
        assert consumer.problem() is None
    assert ear.heard == [299]
    dead = [dict(record.headers) for record in await read_all(kafka, dead_topic_of(contract))]
    assert len(dead) == 299
    assert {(why["dead_code"], why["dead_reason"]) for why in dead} == {
        (b"handler_failed", f"a value cannot be stored: {type(error).__name__}".encode())
    }


async def test_handler_that_fails_on_most_of_many_small_batches_is_stopped(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(200))

    def most(batch: Batch[Said]) -> None:
        if any(received.event.number % 3 for received in batch):
            raise RuntimeError("a bad deployment")

    policy = replace(QUICK, batch_events_max=5, failed_max=30)
    async with reading(kafka, contract, Ear(most), policy=policy) as consumer:
        await eventually(lambda: consumer.stopped)
        assert "the handler failed on 30 of" in str(consumer.problem())


@pytest.mark.parametrize("raised", [True, False])
async def test_many_wrong_events_do_not_hide_that_the_handler_fails_on_all_others(
    kafka: str, raised: bool
) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(150))

    def all_of_them(batch: Batch[Said]) -> None:
        wrong = [received for received in batch if received.event.number % 3]
        if wrong and raised:
            raise Rejected("not allowed", code="not_allowed")
        if len(wrong) < len(batch):
            raise RuntimeError("a bad deployment")
        for received in wrong:
            batch.reject(received, Rejected("not allowed", code="not_allowed"))

    # Small batches: only the total of the last events can reach the bound.
    policy = replace(QUICK, batch_events_max=5, failed_max=20)
    async with reading(kafka, contract, Ear(all_of_them), policy=policy) as consumer:
        await eventually(lambda: consumer.stopped)
        assert "the handler failed on 20 of 20 events" in str(consumer.problem())


async def test_rejected_events_of_a_batch_do_not_hide_that_the_handler_fails_on_its_others(
    kafka: str,
) -> None:
    contract = await new_contract(kafka)

    def those_after_400(batch: Batch[Said]) -> None:
        late = [received for received in batch if received.event.number >= 400]
        if any(received.event.number % 3 == 0 for received in late):
            raise RuntimeError("a bad deployment")
        for received in late:
            batch.reject(received, Rejected("not allowed", code="not_allowed"))

    policy = replace(QUICK, failed_max=20)
    async with reading(kafka, contract, Ear(those_after_400), policy=policy) as consumer:
        # So many successes that only the total of the second batch can reach the bound.
        await say(kafka, contract, range(400))
        await until_committed(kafka, contract, {0: 400})
        await say(kafka, contract, range(400, 550))
        await eventually(lambda: consumer.stopped)
        assert "the handler failed on 20 of 20 events" in str(consumer.problem())


async def test_mistake_of_our_own_stops_the_consumer_and_says_so(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(3))

    def too_few(values: Sequence[bytes]) -> Sequence[Said]:
        return []

    async with reading(kafka, contract, Ear(), decode=too_few) as consumer:
        await eventually(lambda: consumer.stopped)
        assert "made 0 events of 3 records" in str(consumer.problem())
        assert "start this process again" in str(consumer.problem())
    assert await committed(kafka, readers_of(contract), contract.topic) == {}

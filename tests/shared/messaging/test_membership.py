"""Being a member of a group: two of one name, a rebalance at any moment, what the metrics tell meanwhile."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from prometheus_client import REGISTRY

from shared.messaging.policy import CODES_BEFORE_HANDLING
from shared.messaging.publisher import publishing
from tests.shared.messaging.readers import QUICK, Ear, reading, say
from tests.support.kafka import new_contract, readers_of, said
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def value(name: str, labels: Mapping[str, str]) -> float | None:
    return REGISTRY.get_sample_value(name, dict(labels))


async def test_of_two_processes_with_one_name_one_gives_way_until_the_other_is_gone(
    kafka: str, caplog: pytest.LogCaptureFixture
) -> None:
    contract = await new_contract(kafka, partitions=2)
    quick = replace(QUICK, session_seconds=1.0, heartbeat_seconds=0.2)
    ears = Ear(), Ear()

    async def all_heard(numbers: range) -> None:
        async with publishing(kafka, "test") as publisher:
            await publisher.publish([said(contract, number, who=f"p-{number}") for number in numbers])
        await eventually(lambda: {*ears[0].heard, *ears[1].heard} >= set(numbers))

    async with reading(kafka, contract, ears[0], policy=quick, instance="same") as one:
        await all_heard(range(10))
        async with reading(kafka, contract, ears[1], policy=quick, instance="same") as two:
            await eventually(lambda: one.problem() is not None)
            assert "KEPU_INSTANCE" in str(one.problem())
            # The other one works on, though this one asks for the name again and again.
            for begin in range(10, 50, 10):
                await all_heard(range(begin, begin + 10))
                assert (one.problem() is None, two.problem()) == (False, None)
            assert sorted(ears[1].heard) == list(range(10, 50))
        await eventually(lambda: one.problem() is None)
        await all_heard(range(50, 60))
    assert set(range(50, 60)) <= set(ears[0].heard)
    assert caplog.text.count("consumer gives way") == 1


async def test_member_that_ends_hands_over_at_once_though_its_session_goes_on(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=2)
    # Longer than the test may last.
    policy = replace(QUICK, session_seconds=30.0, heartbeat_seconds=0.2)
    stays = Ear()
    async with reading(kafka, contract, stays, policy=policy, instance="stays") as one:
        async with reading(kafka, contract, Ear(), policy=policy, instance="ends") as other:
            await eventually(lambda: other.kafka_consumer and other.kafka_consumer.assignment())
        async with publishing(kafka, "test") as publisher:
            await publisher.publish([said(contract, number, who=f"p-{number}") for number in range(20)])
        await eventually(lambda: len(stays.heard) == 20, seconds=10)
        assert len(one.kafka_consumer.assignment()) == 2


async def test_sessions_that_run_out_are_nobody_elses_doing_and_end_nothing(
    kafka: str, caplog: pytest.LogCaptureFixture
) -> None:
    contract = await new_contract(kafka)
    # No heartbeat comes in time, as if the broker or this process stood still for longer than a session.
    policy = replace(QUICK, session_seconds=1.0, heartbeat_seconds=1.6)
    ear = Ear()
    lost = "consumer lost its place"
    caplog.set_level("INFO")
    async with reading(kafka, contract, ear, policy=policy, instance="alone") as consumer:
        for number in range(5):
            await eventually(lambda: caplog.text.count(lost) > number)  # noqa: B023 (awaited at once)
            await say(kafka, contract, [number])
            await eventually(lambda: number in ear.heard)  # noqa: B023 (awaited at once)
        assert consumer.stopped is None
    assert "gives way" not in caplog.text


async def test_error_that_nobody_foresaw_is_tried_again_and_nothing_is_lost(kafka: str) -> None:
    contract = await new_contract(kafka)
    policy = replace(QUICK, pause_seconds=0.5)
    ear = Ear()
    async with reading(kafka, contract, ear, policy=policy) as consumer:
        settle, errors = consumer._settling.settle, [MemoryError(), OSError("no space left of secret")]

        async def fails_at_first(*args: Any) -> Any:
            if errors:
                raise errors.pop()
            return await settle(*args)

        consumer._settling.settle = fails_at_first  # type: ignore[assignment, method-assign]
        await say(kafka, contract, range(3))
        await eventually(lambda: consumer.problem() == "OSError; starts again by itself")
        await eventually(lambda: ear.heard == [0, 1, 2])
        await eventually(lambda: consumer.problem() is None)
    assert not errors


async def test_consumer_that_fetches_no_more_is_made_anew(kafka: str) -> None:
    contract = await new_contract(kafka)
    ear = Ear()
    async with reading(kafka, contract, ear) as consumer:
        await say(kafka, contract, [1])
        await eventually(lambda: ear.heard == [1])
        consumer.kafka_consumer._fetcher._fetch_task.cancel()
        await say(kafka, contract, [2])
        await eventually(lambda: ear.heard == [1, 2])
        await eventually(lambda: consumer.problem() is None)


async def test_consumer_whose_polls_fail_for_too_long_is_made_anew(kafka: str) -> None:
    contract = await new_contract(kafka)
    ear = Ear()
    async with reading(kafka, contract, ear, policy=replace(QUICK, failing_seconds_max=0.2)) as consumer:
        await say(kafka, contract, [1])
        await eventually(lambda: ear.heard == [1])
        coordinator = consumer.kafka_consumer._coordinator
        # As aiokafka does when an error ends its coordination: every poll raises it from then on.
        await coordinator._stop_heartbeat_task()
        coordinator.check_errors = fails
        await say(kafka, contract, [2])
        await eventually(lambda: ear.heard == [1, 2])
        await eventually(lambda: consumer.problem() is None)


def fails() -> None:
    raise KafkaError("Unexpected error during coordination")


async def test_counters_exist_before_the_first_failure(kafka: str) -> None:
    contract = await new_contract(kafka)
    group = readers_of(contract)
    async with reading(kafka, contract, Ear(), codes=["not_allowed"]):
        for code in (*CODES_BEFORE_HANDLING, "handler_failed", "not_allowed"):
            labels = {"topic": contract.topic, "group": group, "code": code}
            assert value("kepu_events_dead_lettered_total", labels) == 0
        assert value("kepu_events_consumed_total", {"topic": contract.topic, "group": group}) == 0
        for reason in ("unavailable", "failed"):
            assert value("kepu_batch_retries_total", {"group": group, "reason": reason}) == 0
        assert value("kepu_events_published_total", {"topic": "quiz.submitted"}) is not None


async def test_a_consumer_that_is_stopping_does_not_wait_for_a_poll(kafka: str) -> None:
    contract = await new_contract(kafka)
    async with asyncio.timeout(15):
        async with reading(kafka, contract, Ear(), policy=replace(QUICK, poll_seconds=300)) as consumer:
            await eventually(lambda: consumer.problem() is None)

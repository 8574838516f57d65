"""What the metrics say of groups: how far each is behind, and how many of its dead letters wait."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from shared.contracts.envelope import REDRIVEN_FROM, Headers
from shared.contracts.events import DeadLetterDecided, QuizSubmitted
from shared.contracts.topics import declared
from shared.messaging.consumer import Consumer
from shared.messaging.create_topics import create_missing
from shared.messaging.observation import LAG_LOOP, LOOP, Lag
from shared.messaging.offsets import Offsets
from shared.messaging.publisher import Publisher, publishing
from shared.messaging.received import Batch, Following, Subscription
from shared.messaging.waiting_letters import LOOP as LETTERS_LOOP
from shared.runtime.errors import Unavailable
from tests.shared.messaging.readers import QUICK, Ear, reading, say
from tests.support.kafka import Said, dead_topic_of, headers_of, new_contract, readers_of, said, write_raw
from tests.support.service import NO_KAFKA, enclosed
from tests.support.waiting import eventually

OFTEN = replace(QUICK, observe_seconds=0.05, lag_seconds=0.05, letters_seconds=0.05)


def of_group(name: str, contract: type[Said], partition: int | None = None) -> float | None:
    labels = {"topic": contract.topic, "group": readers_of(contract)}
    if partition is not None:
        labels["partition"] = str(partition)
    return REGISTRY.get_sample_value(name, labels)


def lags(contract: type[Said], partitions: int) -> list[float | None]:
    return [of_group("kepu_consumer_lag_events", contract, number) for number in range(partitions)]


def committed(contract: type[Said], partition: int) -> float:
    return of_group("kepu_consumer_committed_offset", contract, partition) or 0.0


@pytest.mark.stack
async def test_a_stopped_consumer_whose_partitions_nobody_holds_has_its_true_lag(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=2)

    def broken(_: Batch[Said]) -> None:
        raise LookupError("a bad deployment")

    ear = Ear()
    async with reading(kafka, contract, ear, policy=replace(OFTEN, failed_max=1)) as consumer:
        await say(kafka, contract, range(4))
        [place] = await eventually(lambda: [one for one in range(2) if committed(contract, one) == 4])
        assert lags(contract, 2) == [0.0, 0.0]
        assert committed(contract, 1 - place) == 0
        ear._before = broken
        await say(kafka, contract, range(4, 9))
        await eventually(lambda: consumer.stopped)
        await say(kafka, contract, range(9, 15))
        await eventually(lambda: sum(one or 0 for one in lags(contract, 2)) == 11)
        assert committed(contract, place) == 4
        assert REGISTRY.get_sample_value("kepu_consumer_running", {"group": consumer.group}) == 0


@pytest.mark.stack
async def test_a_group_that_has_never_committed_is_behind_by_all_records(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=2)
    await say(kafka, contract, range(3))

    def broken(_: Batch[Said]) -> None:
        raise LookupError("a bad deployment")

    async with reading(kafka, contract, Ear(broken), policy=replace(OFTEN, failed_max=1)):
        await eventually(lambda: sum(one or 0 for one in lags(contract, 2)) == 3)
        assert [committed(contract, number) for number in range(2)] == [0, 0]


@pytest.mark.stack
async def test_the_age_of_events_is_shown_from_their_cause_and_not_for_what_was_sent_again(
    kafka: str,
) -> None:
    contract = await new_contract(kafka)
    ear = Ear()

    def older_than(bound: str) -> float:
        labels = {"topic": contract.topic, "group": readers_of(contract)}
        name = "kepu_event_age_seconds"
        within = REGISTRY.get_sample_value(f"{name}_bucket", labels | {"le": bound}) or 0.0
        return (REGISTRY.get_sample_value(f"{name}_count", labels) or 0.0) - within

    def age(seconds: int, *more: tuple[str, bytes]) -> tuple[bytes, bytes, Headers]:
        envelope = said(contract, seconds)
        at = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat().encode()
        value = contract.model_validate(envelope.event).model_dump_json().encode()
        return envelope.event.key.encode(), value, [*headers_of(envelope, ce_time=at), *more]

    async with reading(kafka, contract, ear):
        assert older_than("0.05") == 0
        again = (REDRIVEN_FROM, b"0/0")
        await write_raw(kafka, contract.topic, [age(0), age(40), age(90), age(4_000, again), age(-60)])
        await eventually(lambda: (older_than("30.0"), older_than("60.0")) == (2, 1))
        assert older_than("300.0") == 0


@pytest.mark.stack
async def test_rebalances_do_not_end_what_observes(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=4)
    policy = replace(
        OFTEN, observe_seconds=0.01, lag_seconds=0.01, session_seconds=3.0, heartbeat_seconds=0.2
    )
    ear = Ear()
    before = failures()
    async with reading(kafka, contract, ear, policy=policy):
        for _ in range(3):
            async with reading(kafka, contract, ear, policy=policy) as other:
                await eventually(lambda: other.kafka_consumer and other.kafka_consumer.assignment())
        async with publishing(kafka, "test") as publisher:
            await publisher.publish([said(contract, number, who=f"p-{number}") for number in range(20)])
        await eventually(lambda: lags(contract, 4) == [0.0] * 4)
        await eventually(lambda: len(ear.heard) == 20)
    assert failures() == before


def failures() -> float:
    found = (
        REGISTRY.get_sample_value("kepu_loop_failures_total", {"loop": loop})
        for loop in (LOOP, LAG_LOOP, LETTERS_LOOP)
    )
    return sum(one or 0.0 for one in found)


@pytest.mark.stack
async def test_dead_letters_wait_until_operators_have_decided(kafka: str) -> None:
    contract = await new_contract(kafka)
    await create_missing(kafka, 1, [declared(DeadLetterDecided)])
    dead = dead_topic_of(contract)
    waiting = "kepu_dead_letters_waiting"
    async with reading(kafka, contract, Ear(), policy=OFTEN), publishing(kafka, "test") as publisher:
        await eventually(lambda: of_group(waiting, contract) == 0)
        await write_raw(kafka, contract.topic, [(b"k", b"no event", [])] * 3)
        await eventually(lambda: of_group(waiting, contract) == 3)
        for letter, decision in ((f"{dead}/0/1", "discarded"), (f"{dead}/0/1", "redriven"), (None, "bury")):
            decided = DeadLetterDecided.model_validate(
                {
                    "record_id": "r-1",
                    "group": readers_of(contract),
                    "place": f"{contract.topic}/0/1",
                    "letter": letter,
                    "decision": decision,
                    "by": "somebody",
                    "decided_at": datetime.now(UTC),
                }
            )
            await publisher.publish([enclosed(decided)])
        await eventually(lambda: of_group(waiting, contract) == 2)


async def test_a_lag_that_kafka_does_not_tell_is_unknown() -> None:
    publisher = Publisher(NO_KAFKA, "test")

    async def handle(_: Batch[QuizSubmitted]) -> Following:
        return []

    consumer = Consumer(NO_KAFKA, Subscription("observed", [QuizSubmitted], handle, codes=[]), publisher)
    lag = Lag(Offsets(publisher), [consumer], seconds=1.0)
    with pytest.raises(Unavailable):
        await lag.turn()
    labels = {"topic": "quiz.submitted", "group": "observed"}
    found = [
        REGISTRY.get_sample_value("kepu_consumer_lag_events", labels | {"partition": str(number)})
        for number in range(declared(QuizSubmitted).partitions)
    ]
    assert [one is not None and math.isnan(one) for one in found] == [True] * 12

"""Other systems' libraries write what we read, and read what we write."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import Producer as ConfluentProducer

from shared.contracts.partitioning import partition_of
from shared.messaging.consuming import consuming
from shared.messaging.publisher import publishing
from shared.messaging.received import Batch, Following, Received, Subscription
from tests.support.kafka import Said, dead_topic_of, new_contract, read_all, readers_of, said
from tests.support.programs import environment, program
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

Read = tuple[Any, str, str, str | None]
"""An event's data, id, type and subject."""

BODY = {"who": "wang", "number": 7, "words": "科普", "of_a_later_version": True}

SECONDS = 10


def by_cloudevents(kafka: str, contract: type[Said]) -> None:
    """The `cloudevents` package's Kafka binding, sent by confluent-kafka."""
    event = CloudEvent(
        attributes={
            "id": "an-id",
            "source": "another/system",
            "type": contract.type,
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "partitionkey": "wang",
        },
        data=BODY,
    )
    message = to_binary_event(event)
    send(kafka, contract.topic, message.key, message.value, message.headers)


def by_confluent(kafka: str, contract: type[Said]) -> None:
    """Plain confluent-kafka with the four headers that CloudEvents requires."""
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": b"an-id",
        "ce_source": b"another/system",
        "ce_type": contract.type.encode(),
    }
    send(kafka, contract.topic, b"wang", json.dumps(BODY).encode(), headers)


def by_kcat(kafka: str, contract: type[Said]) -> None:
    """kcat, from a shell."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": "an-id",
        "ce_source": "another/system",
        "ce_type": contract.type,
    }
    told = [word for name, value in headers.items() for word in ("-H", f"{name}={value}")]
    subprocess.run(
        [program("kcat"), "-P", "-b", kafka, "-t", contract.topic, "-k", "wang", *told],
        env=environment("kcat"),
        input=json.dumps(BODY).encode(),
        check=True,
        timeout=SECONDS,
    )


def send(kafka: str, topic: str, key: str | bytes | None, value: bytes, headers: dict[str, bytes]) -> None:
    producer = ConfluentProducer({"bootstrap.servers": kafka})
    producer.produce(topic, key=key, value=value, headers=list(headers.items()))
    assert producer.flush(SECONDS) == 0


WRITERS = [by_cloudevents, by_confluent, by_kcat]


@pytest.mark.parametrize("write", WRITERS)
async def test_record_of_another_library_is_accepted_like_our_own(
    kafka: str, write: Callable[[str, type[Said]], None]
) -> None:
    contract = await new_contract(kafka, partitions=4)
    await asyncio.to_thread(write, kafka, contract)
    received: list[Received[Said]] = []

    async def hear(batch: Batch[Said]) -> Following:
        received.extend(batch)
        return []

    subscription = Subscription(readers_of(contract), [contract], hear, codes=())
    async with (
        publishing(kafka, "test") as publisher,
        consuming(kafka, [subscription], publisher),
    ):
        await eventually(lambda: received)
    [found] = received
    assert found.event == contract(who="wang", number=7, words="科普")
    context = found.context
    assert (context.id, context.source, context.subject) == ("an-id", "another/system", "wang")
    assert context.correlation_id == "an-id"
    # Where ours of the same key fall.
    assert found.record.partition == partition_of(b"wang", 4)
    assert await read_all(kafka, dead_topic_of(contract)) == []


def read(kafka: str, topic: str) -> Any:
    """The topic's first record, by confluent-kafka."""
    consumer = ConfluentConsumer(
        {"bootstrap.servers": kafka, "group.id": f"{topic}-confluent", "auto.offset.reset": "earliest"}
    )
    try:
        consumer.subscribe([topic])
        message = consumer.poll(SECONDS)
    finally:
        consumer.close()
    assert message is not None
    assert message.error() is None
    return message


def read_by_confluent(kafka: str, topic: str) -> Read:
    message = read(kafka, topic)
    headers = {name: value.decode() for name, value in message.headers()}
    return json.loads(message.value()), headers["ce_id"], headers["ce_type"], headers["ce_subject"]


def read_by_cloudevents(kafka: str, topic: str) -> Read:
    message = read(kafka, topic)
    event = from_binary_event(KafkaMessage(dict(message.headers()), message.key(), message.value()))
    assert event.get_time() is not None
    assert event.get_extension("correlationid") == event.get_id()
    return event.get_data(), event.get_id(), event.get_type(), event.get_subject()


def read_by_kcat(kafka: str, topic: str) -> Read:
    told = subprocess.run(
        [program("kcat"), "-C", "-J", "-e", "-q", "-b", kafka, "-t", topic, "-o", "beginning"],
        env=environment("kcat"),
        capture_output=True,
        check=True,
        timeout=SECONDS,
    )
    found = json.loads(told.stdout)
    headers = dict(zip(found["headers"][::2], found["headers"][1::2], strict=True))
    return json.loads(found["payload"]), headers["ce_id"], headers["ce_type"], headers["ce_subject"]


READERS = [read_by_confluent, read_by_cloudevents, read_by_kcat]


@pytest.mark.parametrize("read_back", READERS)
async def test_our_record_is_read_by_another_library(
    kafka: str, read_back: Callable[[str, str], Read]
) -> None:
    contract = await new_contract(kafka)
    envelope = said(contract, 7, words="科普")
    async with publishing(kafka, "test") as publisher:
        await publisher.publish([envelope])
    assert await asyncio.to_thread(read_back, kafka, contract.topic) == (
        {"who": "wang", "number": 7, "words": "科普"},
        envelope.context.id,
        contract.type,
        "wang",
    )


async def test_our_keys_fall_into_the_partitions_that_librdkafka_chooses(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=12)
    keys = [f"participant-{number}-科普" for number in range(50)]
    partitions: dict[bytes | None, int | None] = {}

    def produce() -> None:
        producer = ConfluentProducer({"bootstrap.servers": kafka})
        for key in keys:
            producer.produce(
                contract.topic,
                key=key,
                value=b"{}",
                on_delivery=lambda _, message: partitions.update({message.key(): message.partition()}),
            )
        assert producer.flush(SECONDS) == 0

    await asyncio.to_thread(produce)
    assert partitions == {key.encode(): partition_of(key.encode(), 12) for key in keys}
    # And they are spread.
    assert len(set(partitions.values())) > 6

"""Gives the log to a handler, as its consumer does, but for what the group has given up."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from aiokafka import ConsumerRecord
from confluent_kafka import Message

from ops.deployment.whole_topics import records_of
from shared.contracts.envelope import Event
from shared.contracts.topics import dead_letters
from shared.messaging.buried import Buried
from shared.messaging.connection import Kafka
from shared.messaging.decoding import Decoding
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.publisher import Publisher
from shared.messaging.received import Raw, Subscription
from shared.messaging.redriven import FirstPlaces
from shared.messaging.settling import Settling

_ORIGIN = ("dead_topic", "dead_partition", "dead_offset")


async def feed(
    kafka: Kafka,
    subscription: Subscription,
    contracts: Sequence[type[Event]],
    publisher: Publisher,
    told: Callable[[int], None],
) -> None:
    """
    Let a handler handle everything that the log has of these events.

    Args:
        told: is called with the number of records, after each batch.
    Raises:
        TopicsUnreadable: Kafka does not give them.
        HandlerFails: the handler fails on nearly everything.
    """
    policy = ConsumerPolicy()
    decoding = Decoding(subscription, policy)
    settling = Settling(subscription, publisher, policy, Buried(kafka))
    first_places = FirstPlaces(kafka)
    names = [contract.topic for contract in contracts]
    given_up = await asyncio.to_thread(_given_up, kafka, subscription.group, names)
    messages = records_of(kafka, names)
    while batch := await asyncio.to_thread(lambda: list(islice(messages, policy.batch_events_max))):
        records = [one for one in map(_record, batch) if _place(one) not in given_up]
        good, _ = await decoding.decode(records)
        await settling.settle(await first_places.restore(good))
        told(len(batch))


def _given_up(kafka: Kafka, group: str, names: Sequence[str]) -> set[str]:
    """The places of the records that the group has dead-lettered: nothing follows from them."""
    found = set()
    for message in records_of(kafka, [dead_letters(name, group) for name in names]):
        pairs: Any = message.headers() or []
        headers = {name: (value or b"").decode(errors="replace") for name, value in pairs}
        found.add("/".join(headers.get(name, "") for name in _ORIGIN))
    return found


def _place(record: Raw) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _record(message: Message) -> Raw:
    headers: Any = message.headers() or []
    return ConsumerRecord(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        0,
        message.key(),
        message.value(),
        None,
        0,
        0,
        tuple(headers),
    )

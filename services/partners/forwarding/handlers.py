"""Check what a partner wrote, and forward it to the shared topics."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition

from services.partners.forwarding.metrics import RATE, UNREAD, begin
from services.partners.forwarding.rules import DEAD_LETTER_CODES, Pace, refusal_of
from services.partners.forwarding.windows import Window
from shared.contracts.envelope import to_headers
from shared.contracts.partners import Partner
from shared.messaging.publisher import Publisher, Record
from shared.messaging.received import Batch, Following, Received, Subscription
from shared.runtime import metrics


def subscription(partner: Partner, forwarder: "Forwarder") -> Subscription:
    """All topics of a partner."""
    return Subscription(partner.group, partner.contracts, forwarder.forward, codes=DEAD_LETTER_CODES)


class Forwarder:
    """
    Forwards the records of one partner, each topic in its order.

    Args:
        windows: by shared topic.
    """

    def __init__(self, partner: Partner, windows: Mapping[str, Window], publisher: Publisher) -> None:
        self._partner = partner
        self._windows = windows
        self._publisher = publisher
        self._pace = Pace(partner.rate_per_second)
        self._shared = {partner.ingress(topic): topic for topic in partner.writes}
        # Behind the last record that this process has forwarded. A batch may be tried again after a part
        # of it was forwarded.
        self._forwarded: dict[TopicPartition, int] = {}
        begin(partner)

    async def forward(self, batch: Batch[Any]) -> Following:
        """
        Forward what may be forwarded. Returns no events: they are written here, piece by piece.

        Dead letters: a record with the source of somebody else (`source_foreign`).
        Raises:
            Unavailable: Kafka is away, or the reader of a shared topic is.
        """
        by_topic: dict[str, list[Received[Any]]] = {}
        for received in batch:
            if refused := refusal_of(self._partner, received.context.source):
                batch.reject(received, refused)
            elif received.record.offset >= self._forwarded.get(_place(received), 0):
                by_topic.setdefault(received.record.topic, []).append(received)
        for topic, events in by_topic.items():
            await self._forward(self._shared[topic], events)
        return ()

    async def _forward(self, topic: str, events: Sequence[Received[Any]]) -> None:
        window, at = self._windows[topic], 0
        while at < len(events):
            began = time.monotonic()
            room = await window.take(len(events) - at)
            self._held(UNREAD, time.monotonic() - began)
            piece = events[at : at + room]
            try:
                seconds = self._pace.wait_seconds(time.monotonic(), len(piece))
                await asyncio.sleep(seconds)
                self._held(RATE, seconds)
                await self._publisher.write([_record(topic, received) for received in piece])
            finally:
                window.written(len(piece))
            for received in piece:
                self._forwarded[_place(received)] = received.record.offset + 1
            metrics.PARTNER_FORWARDED.labels(self._partner.name, topic).inc(len(piece))
            at += room

    def _held(self, reason: str, seconds: float) -> None:
        metrics.PARTNER_HELD_SECONDS.labels(self._partner.name, reason).inc(seconds)


def _place(received: Received[Any]) -> TopicPartition:
    return TopicPartition(received.record.topic, received.record.partition)


def _record(topic: str, received: Received[Any]) -> Record:
    # Only the headers of the envelope: a partner could say that operators have sent a record again.
    record = received.record
    return topic, record.key, record.value, to_headers(received.context)

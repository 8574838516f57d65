"""For programs with FastStream: install the wheel with the extra `faststream`."""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram512

from kepu_events.aiokafka import SENT_SECONDS_MAX, event_of, partitioner
from kepu_events.connection import Connection
from kepu_events.reader import Reader, Refused, log_refused
from kepu_events.sender import Record
from shared.contracts.envelope import Envelope, Event
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)

# FastStream reads an event again at once, and without an end, after a handler has failed on it.
PAUSE_SECONDS = 1.0

Handler = Callable[[Envelope[Event]], Awaitable[None]]


def broker(connection: Connection | None = None, **settings: Any) -> KafkaBroker:
    """
    FastStream's broker with the partitions of the week, where nothing is lost or doubled.

    Args:
        settings: of `KafkaBroker`, in place of ours.
    """
    to = connection or Connection.from_environment()
    ours: dict[str, Any] = {
        "partitioner": partitioner,
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "zstd",
        "allow_auto_create_topics": False,
        "request_timeout_ms": int(SENT_SECONDS_MAX * 1000),
        "security": _security(to),
        # FastStream's own writes a line for each event, to where the program prints.
        "logger": log,
    }
    return KafkaBroker(to.servers.split(","), **{**ours, **settings})


async def send(records: Iterable[Record], to: KafkaBroker) -> None:
    """
    Write records, and return when Kafka has acknowledged all of them.

    Raises:
        KafkaError: Kafka has not acknowledged one. Send all of them again.
    """
    for record in records:
        await to.publish(
            record.value,
            topic=record.topic,
            key=record.key,
            headers={name: value.decode() for name, value in record.headers},
        )


def listens(
    to: KafkaBroker, group: str, *contracts: type[Event], on_refused: Refused = log_refused
) -> Callable[[Handler], Handler]:
    """
    Mark a function as the handler of the events of some contracts, from the oldest that Kafka has.

    An event counts as handled when the function returns. If it fails, the event comes again after
    `PAUSE_SECONDS`, and those behind it wait. After a crash the last events come again: see `Seen`.

    Args:
        group: the name of your program. A program that is started again goes on where it has stopped.
    """
    reader = Reader(*contracts)

    def marked(handle: Handler) -> Handler:
        async def handled(record) -> None:  # type: ignore[no-untyped-def]  # FastStream would convert a type
            try:
                one = event_of(record, reader)
            except Rejected as why:
                on_refused(why, f"{record.topic}/{record.partition}/{record.offset}")
                return
            if one is None:
                return
            try:
                await handle(one)
            except Exception:
                await asyncio.sleep(PAUSE_SECONDS)
                raise

        to.subscriber(
            *reader.topics,
            group_id=group,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            parser=_parse,
            decoder=_record,
        )(handled)
        return handle

    return marked


async def _parse(record: ConsumerRecord, parse: Callable[[Any], Awaitable[Any]]) -> Any:
    # FastStream's own way fails on a header that is null or not UTF-8, and the record would be lost.
    message = await parse(dataclasses.replace(record, headers=()))
    message.raw_message = record
    return message


async def _record(message: Any) -> Any:
    return message.raw_message


def _security(to: Connection) -> BaseSecurity | None:
    if not to.logs_in:
        return BaseSecurity(to.tls) if to.uses_tls else None
    kind = SASLPlaintext if to.mechanism == "PLAIN" else SASLScram512
    return kind(to.username, to.password, to.tls)

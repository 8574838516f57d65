"""For programs with confluent-kafka: install the wheel with the extra `confluent`."""

import logging
from collections.abc import Generator, Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from kepu_events.connection import Connection
from kepu_events.reader import Reader, Refused, log_refused
from kepu_events.sender import Record
from shared.contracts.envelope import Envelope, Event
from shared.runtime.errors import Rejected, Unavailable

log = logging.getLogger(__name__)

SENT_SECONDS_MAX = 30.0
POLL_SECONDS = 1.0
# Trying again does not help: somebody has to give the right.
_FORBIDDEN = frozenset(
    {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError._AUTHENTICATION}  # noqa: SLF001
)


def producer_settings(connection: Connection | None = None) -> dict[str, Any]:
    """The settings for a producer of yours: the partitions of the week, and nothing lost or doubled."""
    return {
        **(connection or Connection.from_environment()).for_librdkafka(),
        "enable.idempotence": True,
        "compression.type": "zstd",
        # crc32 of the key: shared.contracts.partitioning
        "partitioner": "consistent",
        "delivery.timeout.ms": int(SENT_SECONDS_MAX * 1000),
    }


def consumer_settings(group: str, connection: Connection | None = None) -> dict[str, Any]:
    """The settings for a consumer of yours, which stores the offset of what it has handled."""
    return {
        **(connection or Connection.from_environment()).for_librdkafka(),
        "group.id": group,
        "auto.offset.reset": "earliest",
        # What `listen` has stored is committed in the background.
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
    }


def send(
    records: Iterable[Record],
    connection: Connection | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """
    Write records, and return when Kafka has acknowledged all of them.

    Args:
        settings: of librdkafka, in place of ours.
    Raises:
        Unavailable: Kafka has not acknowledged all of them within `SENT_SECONDS_MAX`. Send all of them again.
    """
    producer = Producer({**producer_settings(connection), **(settings or {})})
    failed: list[str] = []

    def on_delivery(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error.str())

    count = 0
    for record in records:
        produce(producer, record, on_delivery=on_delivery)
        count += 1
    # A little longer than each record may take: then the reason is known.
    missing = producer.flush(SENT_SECONDS_MAX + POLL_SECONDS) + len(failed)
    if missing:
        why = f": {failed[0]}" if failed else ""
        raise Unavailable(
            f"Kafka has not acknowledged {missing} of {count} records{why}. Send them again:"
            " they keep their ids"
        )


def produce(producer: Producer, record: Record, **arguments: Any) -> None:
    """Give a record to a producer of yours with `producer_settings`. Waits while its queue is full."""
    while True:
        try:
            producer.produce(
                record.topic, value=record.value, key=record.key, headers=[*record.headers], **arguments
            )
        except BufferError:
            producer.poll(POLL_SECONDS)
        else:
            producer.poll(0)
            return


def listen(
    group: str,
    *contracts: type[Event],
    connection: Connection | None = None,
    settings: Mapping[str, Any] | None = None,
    on_refused: Refused = log_refused,
) -> Generator[Envelope[Event], None, None]:
    """
    The events of some contracts, from the oldest that Kafka has, without an end.

    An event counts as handled when the loop asks for the next one. After a crash the last ones come again:
    see `Seen`.

    Args:
        group: the name of your program. A program that is started again goes on where it has stopped.
    Raises:
        KafkaException: you may not read a topic, or not as this group.
    """
    reader = Reader(*contracts)
    consumer = Consumer({**consumer_settings(group, connection), **(settings or {})})
    consumer.subscribe(reader.topics)
    try:
        while True:
            message = consumer.poll(POLL_SECONDS)
            if message is None or _is_error(message):
                continue
            try:
                one = event_of(message, reader)
            except Rejected as why:
                on_refused(why, f"{message.topic()}/{message.partition()}/{message.offset()}")
                one = None
            if one is not None:
                yield one
            _handled(consumer, message)
    finally:
        consumer.close()


def event_of(message: Message, reader: Reader) -> Envelope[Event] | None:
    """
    The event of a message; None if the reader does not ask for its type.

    Raises:
        Rejected: the record is wrong.
    """
    _, timestamp_ms = message.timestamp()
    # A topic and a time are missing only where there is an error in place of a message.
    return reader.read(
        message.topic() or "", _bytes(message.key()), _bytes(message.value()), _headers(message), timestamp_ms
    )


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    # Also with names only, where another client has written no value.
    found = message.headers()
    pairs = found.items() if isinstance(found, dict) else found or ()
    return [(name, _bytes(value)) for name, value in pairs]


def _bytes(content: str | bytes | None) -> bytes | None:
    return content.encode() if isinstance(content, str) else content


def _is_error(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.fatal() or error.code() in _FORBIDDEN:
        raise KafkaException(error)
    log.warning("Kafka: %s", error.str())
    return True


def _handled(consumer: Consumer, message: Message) -> None:
    try:
        consumer.store_offsets(message)
    except KafkaException as error:
        # The partition belongs to another copy of this program by now, which reads the event again.
        if error.args[0].code() != KafkaError._STATE:  # noqa: SLF001
            raise

"""
Transactions of other systems that are open for longer than their broker allows, and their end.

None of our libraries can ask for them, so the requests are written out here, as Kafka's own tool
(`kafka-transactions.sh`) sends them. Why there are such: docs/decisions/0108-transactions-that-hang.md
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NodeNotReadyError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from shared.messaging.connection import Kafka, client_arguments
from shared.runtime.errors import Unavailable

DESCRIBE_PRODUCERS, WRITE_TXN_MARKERS = 61, 27
ALLOWED = "transaction.max.timeout.ms"
# A broker ends a transaction some seconds later than it allows. For longer none is open that it knows of.
LATER_SECONDS = 60.0
ANSWER_SECONDS_MAX = 30.0
NO_OFFSET = -1
_TAGS = ("tags", TaggedFields)
_NAME = CompactString("utf-8")


class _Producers(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = DESCRIBE_PRODUCERS, 0
    _PRODUCER = CompactArray(
        ("producer_id", Int64),
        ("producer_epoch", Int32),
        ("last_sequence", Int32),
        ("last_timestamp", Int64),
        ("coordinator_epoch", Int32),
        ("first_offset", Int64),
        _TAGS,
    )
    _PARTITION = CompactArray(
        ("partition", Int32), ("error", Int16), ("message", _NAME), ("producers", _PRODUCER), _TAGS
    )
    SCHEMA = Schema(
        ("throttle_ms", Int32), ("topics", CompactArray(("topic", _NAME), ("of", _PARTITION), _TAGS)), _TAGS
    )


class _AskProducers(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION, FLEXIBLE_VERSION = DESCRIBE_PRODUCERS, 0, True
    RESPONSE_TYPE = _Producers
    SCHEMA = Schema(("topics", CompactArray(("topic", _NAME), ("of", CompactArray(Int32)), _TAGS)), _TAGS)


class _Describe(Request[_AskProducers]):  # type: ignore[misc]
    API_KEY = DESCRIBE_PRODUCERS

    def __init__(self, partitions: Mapping[str, Sequence[int]]) -> None:
        self._partitions = partitions

    def build(self, request_struct_class: type[_AskProducers]) -> _AskProducers:
        return request_struct_class([(topic, [*of], {}) for topic, of in self._partitions.items()], {})


class _Written(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = WRITE_TXN_MARKERS, 1
    _PARTITION = CompactArray(("partition", Int32), ("error", Int16), _TAGS)
    _TOPIC = CompactArray(("topic", _NAME), ("of", _PARTITION), _TAGS)
    SCHEMA = Schema(("markers", CompactArray(("producer_id", Int64), ("topics", _TOPIC), _TAGS)), _TAGS)


class _WriteMarkers(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION, FLEXIBLE_VERSION = WRITE_TXN_MARKERS, 1, True
    RESPONSE_TYPE = _Written
    _MARKER = CompactArray(
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("committed", Boolean),
        ("topics", CompactArray(("topic", _NAME), ("of", CompactArray(Int32)), _TAGS)),
        ("coordinator_epoch", Int32),
        _TAGS,
    )
    SCHEMA = Schema(("markers", _MARKER), _TAGS)


class _Abort(Request[_WriteMarkers]):  # type: ignore[misc]
    API_KEY = WRITE_TXN_MARKERS

    def __init__(self, one: "OpenTransaction") -> None:
        self._one = one

    def build(self, request_struct_class: type[_WriteMarkers]) -> _WriteMarkers:
        one = self._one
        topics: list[tuple[str, list[int], dict[int, bytes]]] = [(one.topic, [one.partition], {})]
        # A coordinator that never wrote a marker here has no epoch yet.
        epoch = max(one.coordinator_epoch, 0)
        return request_struct_class([(one.producer_id, one.producer_epoch, False, topics, epoch, {})], {})


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """
    A transaction that holds up those who read a partition.

    Attributes:
        first_offset: they stand here.
        idle_seconds: for so long nothing was written in it.
        hangs: it is open for longer than its broker allows, so nobody will end it.
    """

    topic: str
    partition: int
    first_offset: int
    producer_id: int
    producer_epoch: int
    coordinator_epoch: int
    idle_seconds: float
    hangs: bool


def open_transactions(kafka: Kafka, topics: Sequence[str]) -> list[OpenTransaction]:
    """
    The open transactions in these topics; those that are not there have none.

    Raises:
        Unavailable: Kafka does not answer, or refuses.
    """
    return asyncio.run(find(kafka, topics))


def abort(kafka: Kafka, these: Sequence[OpenTransaction]) -> None:
    """
    Abort transactions that hang. What they wrote is never read, and what stands behind it is read.

    Raises:
        Unavailable: Kafka does not answer, or refuses.
    """
    asyncio.run(end(kafka, these))


async def find(kafka: Kafka, topics: Sequence[str]) -> list[OpenTransaction]:
    """As `open_transactions`."""
    async with _Admin(kafka) as admin:
        return [one for broker, of in admin.led(topics).items() for one in await admin.open_at(broker, of)]


async def end(kafka: Kafka, these: Sequence[OpenTransaction]) -> None:
    """As `abort`."""
    async with _Admin(kafka) as admin:
        for one in these:
            await admin.abort(one)


class _Admin:
    """A client that turns Kafka's errors into `Unavailable`."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._admin = AIOKafkaAdminClient(**client_arguments(kafka))

    async def __aenter__(self) -> "_Admin":
        try:
            await self._admin.start()
            self._cluster = await self._admin._client.fetch_all_metadata()  # noqa: SLF001 (it has no method)
        except BaseException as error:
            await self.__aexit__(type(error), error, None)
            raise
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, _: object) -> None:
        await self._admin.close()
        if isinstance(error, KafkaError | TimeoutError):
            raise Unavailable(
                f"cannot ask {self._kafka} for its transactions: {type(error).__name__} {error}"
            ) from error

    def led(self, topics: Sequence[str]) -> dict[int, dict[str, list[int]]]:
        """The partitions of these topics, by the broker that leads them."""
        found: dict[int, dict[str, list[int]]] = {}
        for topic in topics:
            for partition in sorted(self._cluster.partitions_for_topic(topic) or ()):
                found.setdefault(self._leader(topic, partition), {}).setdefault(topic, []).append(partition)
        return found

    def _leader(self, topic: str, partition: int) -> int:
        leader: int | None = self._cluster.leader_for_partition(TopicPartition(topic, partition))
        if leader is None or leader < 0:
            raise NodeNotReadyError(f"{topic}, partition {partition}, has no leader now")
        return leader

    async def open_at(self, broker: int, partitions: Mapping[str, Sequence[int]]) -> list[OpenTransaction]:
        """Those of the partitions that a broker leads."""
        longest = await self._allowed_seconds(broker) + LATER_SECONDS
        answer = await self._send(_Describe(partitions), broker)
        now = time.time()
        found = []
        for topic, number, error, message, producers, _ in (
            (topic, *partition) for topic, of, _ in answer.topics for partition in of
        ):
            if error:
                raise for_code(error)(message)
            for id_, epoch, _, last_ms, coordinator, first, _ in producers:
                idle = now - last_ms / 1000
                one = OpenTransaction(topic, number, first, id_, epoch, coordinator, idle, idle > longest)
                found.append(one)
        return [one for one in found if one.first_offset != NO_OFFSET]

    async def abort(self, one: OpenTransaction) -> None:
        answer = await self._send(_Abort(one), self._leader(one.topic, one.partition))
        [(_, [(_, [(_, error, _)], _)], _)] = answer.markers
        if error:
            raise for_code(error)(f"{one.topic}, partition {one.partition}")

    async def _allowed_seconds(self, broker: int) -> float:
        wanted = ConfigResource(ConfigResourceType.BROKER, str(broker), {ALLOWED: None})
        [answer] = await self._admin.describe_configs([wanted])
        for error, message, _, _, entries in answer.resources:
            if error:
                raise for_code(error)(message)
            for name, value, *_ in entries:
                if name == ALLOWED:
                    return int(value) / 1000
        raise KafkaError(f"broker {broker} does not say {ALLOWED}")

    async def _send(self, request: Request, broker: int) -> Response:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            return await self._admin._send_request(request, broker)  # noqa: SLF001 (it has no method for these)

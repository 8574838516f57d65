"""
Asks each broker how much room its disks have, over the connections of the process's producer.

A broker whose disk is full stops. The answer has sizes since Kafka 3.3 (KIP-827). An older Kafka, or one that
does not let us ask, leaves them unknown.
"""

import asyncio
from typing import Any

from aiokafka.errors import IncompatibleBrokerVersion, KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

from shared.messaging.publisher import Publisher
from shared.runtime import metrics
from shared.runtime.errors import Unavailable
from shared.runtime.measurement import Measurement

LOOP = "disks of brokers measured"
TURN_SECONDS = 30.0
# A disk that was not measured for so long is unknown.
MEASURED_SECONDS = 90.0
ANSWER_SECONDS_MAX = 5.0


class LogDirsResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    """The folders of a broker, each with all of its disk's bytes, and those that are free."""

    API_KEY = 35
    API_VERSION = 4
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "folders",
            CompactArray(
                ("error_code", Int16),
                ("folder", CompactString("utf-8")),
                (
                    "topics",
                    CompactArray(
                        ("topic", CompactString("utf-8")),
                        ("partitions", CompactArray(("partition", Int32), ("tags", TaggedFields))),
                        ("tags", TaggedFields),
                    ),
                ),
                ("total_bytes", Int64),
                ("usable_bytes", Int64),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class LogDirsRequestStruct(RequestStruct):  # type: ignore[misc]  # the same
    """DescribeLogDirs, version 4, of no topics: only the disks."""

    API_KEY = 35
    API_VERSION = 4
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = LogDirsResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("tags", TaggedFields),
    )


class LogDirsRequest(Request[LogDirsRequestStruct]):  # type: ignore[misc]  # the same
    """What the client sends if the broker knows version 4."""

    API_KEY = 35

    def build(self, request_struct_class: type[LogDirsRequestStruct]) -> LogDirsRequestStruct:
        """The request."""
        return request_struct_class([], {})


class Disks:
    """Shows the disks of all brokers; the fullest one of each broker."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._shown: dict[int, tuple[Measurement, Measurement]] = {}

    async def turn(self) -> float:
        """
        Measure once; returns the seconds until the next time.

        Raises:
            Unavailable: Kafka does not answer.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                client: Any = await self._publisher.client()
                for broker in sorted(node.nodeId for node in client.cluster.brokers()):
                    self._show(broker, await client.send(broker, LogDirsRequest()))
        except (IncompatibleBrokerVersion, NotImplementedError):
            # It is of before 3.3, and does not say it.
            pass
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"Kafka does not say how full its disks are: {type(error).__name__}") from error
        return TURN_SECONDS

    def _show(self, broker: int, answer: Any) -> None:
        # A folder that cannot be read, or a broker that does not let us ask, has no sizes.
        sizes = [(total, usable) for _, _, _, total, usable, _ in answer.folders if total > 0]
        if not sizes:
            return
        total, usable = min(sizes, key=lambda one: one[1] / one[0])
        if broker not in self._shown:
            self._shown[broker] = (
                Measurement(metrics.DISK_BYTES.labels(str(broker)), seconds_max=MEASURED_SECONDS),
                Measurement(metrics.DISK_USABLE_BYTES.labels(str(broker)), seconds_max=MEASURED_SECONDS),
            )
        for gauge, value in zip(self._shown[broker], (total, usable), strict=True):
            gauge.set(value)

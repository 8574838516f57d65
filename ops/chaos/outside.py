"""
Another system, which takes part by events alone: it commands registrations, and sends unreadable records.

It writes to Kafka directly, not through the proxies: only our services suffer the faults of the network.
"""

import json
from collections.abc import Callable
from functools import partial
from uuid import UUID, uuid4, uuid5

from confluent_kafka import KafkaError, Message, Producer

from ops.chaos.history import Begun, History
from ops.deployment.clients import confluent_arguments
from shared.messaging.connection import Kafka

SOURCE = "schools/examination-hall"
COMMANDS, POISONED = "registration.requested", "quiz.submitted"
IDS = UUID("3f4a6f0e-6d0b-5a55-9b87-2f8f4c1f90aa")
FLUSH_SECONDS_MAX = 60.0
REPEATED_EVERY = 5


class Outside:
    """Emits for a number of people. Kafka's acknowledgements go into the history."""

    def __init__(self, kafka: Kafka, history: History) -> None:
        self._history = history
        self._producer = Producer(
            {
                **confluent_arguments(kafka),
                "enable.idempotence": True,
                "delivery.timeout.ms": int(FLUSH_SECONDS_MAX * 1000) // 2,
                "log_level": 2,
            }
        )

    def command(self, number: int, session_id: str) -> None:
        """Ask for a place for somebody new; every fifth command is sent twice."""
        participant = str(uuid4())
        body = {
            "request_id": f"hall-{participant}",
            "participant_id": participant,
            "session_id": session_id,
            "audience": "youth",
        }
        begun = self._history.invoke("command", participant, session=session_id, request=body["request_id"])
        self._emit(COMMANDS, participant, json.dumps(body), _told(begun))
        if number % REPEATED_EVERY == 0:
            # The same command again, like a sender who is not sure if the first one arrived.
            self._emit(COMMANDS, participant, json.dumps(body), lambda *_: None)

    def poison(self, number: int) -> None:
        """Send a record that every reader refuses."""
        begun = self._history.invoke("poison", f"poison-{number}")
        self._emit(POISONED, f"poison-{number}", '{"attempt_id": ', _told(begun))

    def poll(self) -> None:
        """Hear of acknowledgements."""
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait for Kafka. What it has not acknowledged then stays unknown."""
        self._producer.flush(FLUSH_SECONDS_MAX)

    def _emit(
        self, topic: str, key: str, value: str, told: Callable[[KafkaError | None, Message], None]
    ) -> None:
        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(uuid5(IDS, f"{topic}/{key}")).encode()),
            ("ce_source", SOURCE.encode()),
            ("ce_type", f"kepu.{topic}.v1".encode()),
            ("content-type", b"application/json"),
        ]
        self._producer.produce(topic, key=key, value=value, headers=headers, on_delivery=told)
        self._producer.poll(0)


def _told(begun: Begun) -> Callable[[KafkaError | None, Message], None]:
    return partial(_delivered, begun)


def _delivered(begun: Begun, error: KafkaError | None, message: Message) -> None:
    if error is None:
        begun.ok(place=f"{message.topic()}/{message.partition()}/{message.offset()}")
    else:
        begun.unknown(str(error.name()))

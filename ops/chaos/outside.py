"""
Another system, which takes part by events alone: it commands registrations, and sends unreadable records.

It writes to Kafka directly, not through the proxies: only our services suffer the faults of the network.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID, uuid4, uuid5

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ops.chaos.history import Begun, History
from ops.deployment.clients import confluent_arguments
from shared.messaging.connection import Kafka

SOURCE = "schools/examination-hall"
# As long as the broker allows. A transaction that nobody ends holds up all who read behind it.
TRANSACTION_MS = 2_000
COMMANDS, POISONED = "registration.requested", "quiz.submitted"
IDS = UUID("3f4a6f0e-6d0b-5a55-9b87-2f8f4c1f90aa")
FLUSH_SECONDS_MAX = 60.0
ABORTED_SECONDS_MAX = 10.0
REPEATED_EVERY = 5


class Outside:
    """Emits for a number of people. Kafka's acknowledgements go into the history."""

    def __init__(self, kafka: Kafka, history: History) -> None:
        self._history = history
        self._kafka = kafka
        self._unsure: list[tuple[str, str]] = []
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
        self._command(str(uuid4()), session_id, again=number % REPEATED_EVERY == 0)

    def _command(self, participant: str, session_id: str, *, request: str = "", again: bool = False) -> None:
        body = {
            "request_id": request or f"hall-{participant}",
            "participant_id": participant,
            "session_id": session_id,
            "audience": "youth",
        }
        begun = self._history.invoke("command", participant, session=session_id, request=body["request_id"])
        self._emit(COMMANDS, participant, json.dumps(body), _told(begun))
        if again:
            # The same command again, like a sender who is not sure if the first one arrived.
            self._emit(COMMANDS, participant, json.dumps(body), lambda *_: None)

    def poison(self, number: int) -> None:
        """Send a record that every reader refuses."""
        begun = self._history.invoke("poison", f"poison-{number}")
        self._emit(POISONED, f"poison-{number}", '{"attempt_id": ', _told(begun))

    def abort(self, session_id: str) -> None:
        """
        Command something in a transaction, and abort it: nobody may ever obey. Takes up to some seconds.

        Then the same participant is commanded without one. So a record follows that can be read: no group
        commits beyond the last of those, and the end of a transaction is a record too.
        """
        participant = str(uuid4())
        body = {
            "request_id": f"aborted-{participant}",
            "participant_id": participant,
            "session_id": session_id,
            "audience": "youth",
        }
        begun = self._history.invoke("abort", participant, session=session_id, request=body["request_id"])
        arguments = {
            **confluent_arguments(self._kafka),
            "transactional.id": f"chaos-{participant}",
            "transaction.timeout.ms": TRANSACTION_MS,
            "log_level": 2,
        }
        producer = Producer(arguments)
        try:
            producer.init_transactions(ABORTED_SECONDS_MAX)
            producer.begin_transaction()
            producer.produce(
                COMMANDS,
                key=participant,
                value=json.dumps(body),
                headers=_headers(COMMANDS, f"aborted/{participant}"),
            )
            producer.flush(ABORTED_SECONDS_MAX)
            producer.abort_transaction(ABORTED_SECONDS_MAX)
        except KafkaException as error:
            # The broker aborts it, later than what follows here.
            begun.unknown(str(error.args[0].name()))
            self._unsure.append((participant, session_id))
        else:
            begun.ok()
        self._command(participant, session_id)

    def poll(self) -> None:
        """Hear of acknowledgements."""
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait for Kafka. What it has not acknowledged then stays unknown."""
        if self._unsure:
            time.sleep(2 * TRANSACTION_MS / 1000)
        for participant, session_id in self._unsure:
            self._command(participant, session_id, request=f"after-{participant}")
        self._producer.flush(FLUSH_SECONDS_MAX)

    def _emit(
        self, topic: str, key: str, value: str, told: Callable[[KafkaError | None, Message], None]
    ) -> None:
        headers = _headers(topic, f"{key}/{value}")
        self._producer.produce(topic, key=key, value=value, headers=headers, on_delivery=told)
        self._producer.poll(0)


def _headers(topic: str, key: str) -> list[tuple[str, str | bytes | None]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(uuid5(IDS, f"{topic}/{key}")).encode()),
        ("ce_source", SOURCE.encode()),
        ("ce_type", f"kepu.{topic}.v1".encode()),
        ("content-type", b"application/json"),
    ]


def _told(begun: Begun) -> Callable[[KafkaError | None, Message], None]:
    return partial(_delivered, begun)


def _delivered(begun: Begun, error: KafkaError | None, message: Message) -> None:
    if error is None:
        begun.ok(place=f"{message.topic()}/{message.partition()}/{message.offset()}")
    else:
        begun.unknown(str(error.name()))

"""
Another team's system that takes part only by events.

It uses the published contracts and none of the services' code: plain confluent-kafka, papers drawn by the
rule in `quiz.published`, contacts sealed with the public key. So it also proves that the contracts are
enough.
"""

import json
import random
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from confluent_kafka import Consumer, KafkaError, Message, Producer
from nacl.public import PublicKey, SealedBox

from ops.audit.papers import paper_of
from ops.deployment.clients import confluent_arguments
from shared.messaging.connection import Kafka

Json: TypeAlias = dict[str, Any]
Headers: TypeAlias = list[tuple[str, str | bytes | None]]
SOURCE = "schools/examination-hall"
LOOK_SECONDS_MAX = 30.0
FLUSH_SECONDS_MAX = 60.0
BIG_BYTES = 1_048_576


@dataclass(slots=True)
class Emitted:
    """What Kafka has acknowledged: topic and event id of good events, topic and kind of poison records."""

    events: list[tuple[str, str]] = field(default_factory=list)
    poison: list[tuple[str, str]] = field(default_factory=list)


class Outsider:
    """Emits commands and submissions for a number of people."""

    def __init__(self, kafka: Kafka, contact_public_key: str, *, seed: int = 0) -> None:
        self._kafka = kafka
        self._box = SealedBox(PublicKey(b64decode(contact_public_key)))
        self._producer = Producer(
            {
                **confluent_arguments(kafka),
                "enable.idempotence": True,
                "message.max.bytes": 2 * BIG_BYTES,
                # Errors only: in a run that kills the broker, warnings about it say nothing new.
                "log_level": 2,
            }
        )
        self._random = random.Random(seed)  # noqa: S311 (simulated people)
        self.emitted = Emitted()

    def register(self, people: Sequence[str], sessions: Sequence[str], districts: Sequence[str]) -> None:
        """Ask for a place for each. The contact is sealed for notifications."""
        for number, person in enumerate(people):
            contact = {"name": f"考生{number:04d}", "email": f"exam-{number:04d}@example.org"}
            command = {
                "request_id": f"hall-{person}",
                "participant_id": person,
                "session_id": self._random.choice(sessions),
                "district": self._random.choice(districts),
                "audience": "youth",
                "contact_sealed": b64encode(self._box.encrypt(json.dumps(contact).encode())).decode(),
            }
            self._emit("registration.requested", person, command)
            if number % 20 == 0:
                # The same command again, like a sender who is not sure if the first one arrived.
                self._emit("registration.requested", person, command, repeat=True)
                # Another request for the same place, which is rejected: there is a registration already.
                twice = {**command, "request_id": f"again-{person}"}
                self._emit("registration.requested", person, twice)

    def published_quiz(self, quiz_id: str) -> Json:
        """The quiz as its event describes it, read from the beginning of the topic."""
        consumer = Consumer(
            {
                **confluent_arguments(self._kafka),
                "group.id": f"examination-hall-{uuid.uuid4()}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe(["quiz.published"])
        deadline = datetime.now(UTC) + timedelta(seconds=LOOK_SECONDS_MAX)
        try:
            while datetime.now(UTC) < deadline:
                message = consumer.poll(1.0)
                if message is not None and message.error() is None:
                    quiz: Json = json.loads(message.value() or b"{}")
                    if quiz["quiz_id"] == quiz_id:
                        return quiz
        finally:
            consumer.close()
        raise TimeoutError(f"no quiz.published of {quiz_id} within {LOOK_SECONDS_MAX:.0f} s")

    def sit(self, people: Sequence[str], quiz: Json) -> None:
        """Send the answers of each person. Some are sent twice, and then the first submission counts."""
        self.sit_by(people, quiz, partial(self._guessed, quiz))

    def sit_by(self, people: Sequence[str], quiz: Json, answers: Callable[[str], dict[str, str]]) -> None:
        """The same with these answers, by the id of the attempt."""
        for number, person in enumerate(people):
            submission = self._submission(person, quiz, answers)
            self._emit("quiz.submitted", submission["attempt_id"], submission)
            if number % 25 == 0:
                self._emit("quiz.submitted", submission["attempt_id"], {**submission, "answers": {}})

    def say(self, people: Sequence[str]) -> None:
        """Ask notifications to deliver a message of this system to each."""
        for person in people:
            request = {
                "request_id": str(uuid.uuid4()),
                "participant_id": person,
                "subject": "考场安排",
                "body": "请提前十五分钟到达考场。",
                "channels": ["inbox"],
            }
            self._emit("notification.requested", person, request)

    def emit_poison(self) -> None:
        """Send broken records of every kind among the good ones."""
        body = json.dumps({"request_id": "x"}).encode()
        for topic in ("registration.requested", "quiz.submitted", "notification.requested"):
            good = partial(_headers, f"kepu.{topic}.v1")
            kinds: dict[str, tuple[bytes | None, Headers]] = {
                "bad json": (b'{"request_id": ', good()),
                "no value": (None, good()),
                "wrong types": (json.dumps({"request_id": 7, "attempt_id": []}).encode(), good()),
                "missing fields": (body, good()),
                "null header": (body, [*good(), ("ce_subject", None)]),
                "header not UTF-8": (body, [*good(), ("ce_subject", b"\xff\xfe")]),
                "no headers": (body, []),
                "unknown version": (body, _headers(f"kepu.{topic}.v9")),
                "one mebibyte": (b'{"request_id": "' + b"x" * BIG_BYTES + b'"}', good()),
            }
            for kind, (value, headers) in kinds.items():
                self._producer.produce(
                    topic,
                    value=value,
                    key=b"poison",
                    headers=headers,
                    on_delivery=self._told(self.emitted.poison, topic, kind),
                )

    def flush(self) -> None:
        """Wait until Kafka has acknowledged everything."""
        if left := self._producer.flush(FLUSH_SECONDS_MAX):
            raise TimeoutError(f"{left} records were not acknowledged within {FLUSH_SECONDS_MAX:.0f} s")

    def _guessed(self, quiz: Json, attempt_id: str) -> dict[str, str]:
        questions = paper_of(quiz, attempt_id)
        return {question["id"]: self._random.choice(question["options"])["id"] for question in questions}

    def _submission(self, person: str, quiz: Json, answers: Callable[[str], dict[str, str]]) -> Json:
        submitted = datetime.now(UTC)
        started = submitted - timedelta(seconds=self._random.randint(5, 50))
        day = started.astimezone(ZoneInfo(quiz["timezone"])).date().isoformat()
        attempt = uuid.uuid5(uuid.UUID(quiz["attempt_ids"]), f"{quiz['quiz_id']}/{person}/{day}/1")
        return {
            "attempt_id": str(attempt),
            "quiz_id": quiz["quiz_id"],
            "participant_id": person,
            "number": 1,
            "quiz_version": quiz["version"],
            "started_at": started.isoformat(),
            "submitted_at": submitted.isoformat(),
            "answers": answers(str(attempt)),
        }

    def _emit(self, topic: str, key: str, event: Json, *, repeat: bool = False) -> None:
        stable = (
            f"{topic}/{event.get('request_id')}" if topic == "registration.requested" else str(uuid.uuid4())
        )
        id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, stable))
        told = None if repeat else self._told(self.emitted.events, topic, id_)
        headers = _headers(f"kepu.{topic}.v1", id_)
        self._producer.produce(topic, value=json.dumps(event), key=key, headers=headers, on_delivery=told)
        self._producer.poll(0)

    @staticmethod
    def _told(
        where: list[tuple[str, str]], topic: str, what: str
    ) -> Callable[[KafkaError | None, Message], None]:
        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is None:
                where.append((topic, what))

        return delivered


def _headers(type_: str, id_: str | None = None) -> Headers:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", (id_ or str(uuid.uuid4())).encode()),
        ("ce_source", SOURCE.encode()),
        ("ce_type", type_.encode()),
        ("content-type", b"application/json"),
    ]

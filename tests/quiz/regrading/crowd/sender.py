"""Another system: it writes profiles and submissions straight into the log, and fast."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Producer

from shared.contracts.envelope import context_of, to_headers
from shared.contracts.events import ParticipantJoined, QuizSubmitted
from tests.quiz.regrading.crowd.contest import QUIZ, Sheet

SOURCE = "crowd/hall"
AT_ONCE = 500
FLUSH_SECONDS_MAX = 120.0
DISTRICTS = "华龙区", "范县", "台前县"


def profile_of(place: int) -> tuple[str | None, str]:
    """Group and district of a person of the crowd."""
    return (f"school-{place % 50}" if place % 3 else None), DISTRICTS[place % len(DISTRICTS)]


class Sender:
    """Writes events. What it has sent is acknowledged when `flush` returns."""

    def __init__(self, kafka: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "enable.idempotence": True,
                "linger.ms": 10,
                "compression.type": "zstd",
                "log_level": 2,
            }
        )

    def join(self, people: Iterable[tuple[int, str]]) -> None:
        """People by their places: each has a profile from now on."""
        for place, who in people:
            group_id, district = profile_of(place)
            body = {
                "participant_id": who,
                "version": 1,
                "kind": "person",
                "group_id": group_id,
                "district": district,
                "audience": "youth",
                "language": "zh-CN",
                "contact_sealed": None,
            }
            self._send(ParticipantJoined.topic, ParticipantJoined.type, who, body, f"{who}/1")

    async def submit(self, sheets: list[Sheet], seconds: float = 0.0) -> None:
        """Write these submissions, spread over so many seconds."""
        for begin in range(0, len(sheets), AT_ONCE):
            some = sheets[begin : begin + AT_ONCE]
            for one in some:
                self._submit(one)
            await asyncio.sleep(seconds * len(some) / len(sheets))

    def _submit(self, sheet: Sheet) -> None:
        body = {
            "attempt_id": sheet.attempt_id,
            "quiz_id": QUIZ,
            "participant_id": sheet.participant_id,
            "number": sheet.number,
            "started_at": sheet.started_at.isoformat(),
            "submitted_at": sheet.submitted_at.isoformat(),
            "answers": sheet.answers,
            "quiz_version": 1,
        }
        id_ = sheet.attempt_id
        self._send(QuizSubmitted.topic, QuizSubmitted.type, id_, body, f"{SOURCE}/{id_}")

    def _send(self, topic: str, type_: str, key: str, body: dict[str, Any], cause: str) -> None:
        context = context_of(type_, key, source=SOURCE, cause=cause, now=datetime.now(UTC))
        value = json.dumps(body, ensure_ascii=False).encode()
        while True:
            try:
                self._producer.produce(
                    topic, key=key.encode(), value=value, headers=list(to_headers(context))
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                break
        self._producer.poll(0)

    async def flush(self) -> None:
        """Wait until Kafka has acknowledged everything."""
        left = await asyncio.to_thread(self._producer.flush, FLUSH_SECONDS_MAX)
        assert not left, f"Kafka has not acknowledged {left} records"

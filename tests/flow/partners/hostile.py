"""A partner that means harm, with a login of its own and all that it can try with it."""

import json
import logging
import os
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, Producer

from shared.contracts.partners import WRITABLE, Partner
from tests.fuzz.kinds import kinds

Json = dict[str, Any]
BOMB_BYTES = 4_000_000
BOMBS = 5
LARGE_BYTES = 100_000
BOMBS_PAUSE_SECONDS = 2.0
BURST = 200
# Forged ones and malformed ones of each kind, in each turn between two bursts of valid commands.
ODD_ONES = 40
FLUSH_SECONDS = 1.0
TOLD_SECONDS = 0.05
TRANSACTION_SECONDS = 1.0

# The client would write a line to standard error for each refusal.
SILENT = logging.getLogger("kepu.tests.hostile")
SILENT.disabled = True


class Hostile:
    """
    Floods, bombs, forged sources, contacts that nobody can open, and transactions, all at the same time.

    Args:
        other: the partner under whose name it writes.
        settings: of its clients.
    """

    def __init__(self, partner: Partner, other: Partner, settings: Json, session_id: str) -> None:
        self._partner = partner
        self._other = other
        self._settings = {**settings, "log_level": 0, "queue.buffering.max.messages": 5_000}
        self._session_id = session_id
        self._topic = partner.writes[0]
        self._own = partner.ingress(self._topic)
        self.sent: Counter[str] = Counter()
        # What Kafka itself has refused.
        self.refused: Counter[str] = Counter()

    def run(self, seconds: float) -> None:
        """Do harm for so long."""
        ends = time.monotonic() + seconds
        ways: list[Callable[[float], None]] = [self._flood, self._bomb, self._open_transactions]
        with ThreadPoolExecutor(len(ways)) as together:
            for done in [together.submit(way, ends) for way in ways]:
                done.result()

    def _flood(self, ends: float) -> None:
        """Valid commands as fast as Kafka takes them, and among them what is forged or malformed."""
        producer = Producer(self._settings)
        malformed = cycle(kind for kind in kinds(WRITABLE[self._topic]) if not kind.is_large)
        while time.monotonic() < ends:
            for _ in range(ODD_ONES):
                self._produce(producer, self._own, "forged", *self._command(self._other.source))
                self._produce(producer, self._own, "forged", *self._command("kepu/registration"))
            for kind in islice(malformed, ODD_ONES):
                self._produce(producer, self._own, "malformed", kind.key, kind.value, kind.headers)
            for topic in (self._topic, self._other.ingress(self._topic)):
                self._produce(producer, topic, "elsewhere", *self._command(self._other.source))
            for _ in range(BURST):
                self._produce(producer, self._own, "valid", *self._command(self._partner.source))
            producer.poll(TOLD_SECONDS)
        producer.purge()
        producer.flush(FLUSH_SECONDS)

    def _bomb(self, ends: float) -> None:
        """Large bodies, and small ones that become large."""
        producers = [
            Producer({**self._settings, "compression.type": kind, "message.max.bytes": 2 * BOMB_BYTES})
            for kind in ("zstd", "gzip")
        ]
        key, _, headers = self._command(self._partner.source)
        # Compressed, a bomb has a few hundred bytes. Large records alone would use up the quota of the flood.
        while time.monotonic() < ends:
            for producer in producers:
                for _ in range(BOMBS):
                    self._produce(producer, self._own, "bomb", key, b" " * BOMB_BYTES, headers)
                    producer.flush(TOLD_SECONDS)
                self._produce(producer, self._own, "large", key, os.urandom(LARGE_BYTES), headers)
                pause_ends = min(ends, time.monotonic() + BOMBS_PAUSE_SECONDS)
                producer.flush(TOLD_SECONDS)
                time.sleep(max(0.0, pause_ends - time.monotonic()))

    def _open_transactions(self, ends: float) -> None:
        """Transactions that stay open, if it may begin any."""
        while time.monotonic() < ends:
            name = {"transactional.id": self._partner.name, "transaction.timeout.ms": 2_000}
            producer = Producer({**self._settings, **name}, logger=SILENT)
            try:
                producer.init_transactions(TRANSACTION_SECONDS)
                producer.begin_transaction()
                self._produce(producer, self._own, "in a transaction", *self._command(self._partner.source))
                producer.flush(1.0)
            except KafkaException as error:
                self.refused[f"transaction: {error.args[0].name()}"] += 1
                time.sleep(0.5)

    def _command(self, source: str) -> tuple[str, bytes, list[tuple[str, bytes]]]:
        person = str(uuid4())
        body = {
            "request_id": f"storm-{person}",
            "participant_id": person,
            "session_id": self._session_id,
            # Nobody can open it.
            "contact_sealed": b64encode(os.urandom(96)).decode(),
        }
        return person, json.dumps(body).encode(), headers_of(source, self._partner.contracts[0].type)

    def _produce(self, producer: Producer, topic: str, what: str, key: Any, value: Any, headers: Any) -> None:
        def told(error: KafkaError | None, _: object) -> None:
            if error is None:
                self.sent[what] += 1
            else:
                self.refused[f"{what}: {error.name()}"] += 1

        try:
            producer.produce(topic, key=key, value=value, headers=headers, on_delivery=told)
        except BufferError:
            producer.poll(0.05)
        except KafkaException as error:
            self.refused[f"{what}: {error.args[0].name()}"] += 1


def headers_of(source: str, type_: str) -> list[tuple[str, bytes]]:
    """The headers of a command; its correlation id is its own."""
    id_ = str(uuid4())
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", id_.encode()),
        ("ce_source", source.encode()),
        ("ce_type", type_.encode()),
        ("ce_correlationid", id_.encode()),
    ]

"""The incidents that can be played: what breaks, which alert is meant, and what an operator does then."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeAlias

from confluent_kafka import Producer

from ops.dead import decide
from ops.dead.chosen import Choice
from ops.dead.letters import read_letters
from ops.deployment.clients import confluent_arguments
from ops.incidents.scene import Scene
from ops.incidents.wrong_key import correct_key, publish_wrong_key
from ops.local.services import MAIL
from shared.messaging.connection import Kafka
from shared.messaging.publisher import publishing

Act: TypeAlias = Callable[[Scene, ExitStack], None]
"""Breaks something. What it enters into the stack mends it again."""

POISON_TOPIC, POISON_GROUP = "quiz.submitted", "quiz-grading"
FLUSH_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Incident:
    """
    One incident.

    Attributes:
        alert: the only alert that people may be told of.
        within_seconds: how long it may take until it fires.
        lasts_seconds: how long the cause stays, at the least. None: until the alert has fired.
        resolves_within_seconds: how long it may go on once the cause is mended.
        is_short: whether it belongs to the short form.
    """

    name: str
    what: str
    alert: str
    begin: Act
    within_seconds: float = 120.0
    lasts_seconds: float | None = None
    # The causes of other alerts go on for three minutes after their end.
    resolves_within_seconds: float = 270.0
    is_short: bool = field(default=False, kw_only=True)


def _kill_worker(scene: Scene, mend: ExitStack) -> None:
    scene.services.kill("quiz-worker")
    mend.callback(scene.services.start, "quiz-worker")


def _freeze(server: str) -> Act:
    def begin(scene: Scene, mend: ExitStack) -> None:
        scene.freeze(server)
        mend.callback(scene.thaw, server)

    return begin


def _poison(count: int) -> Act:
    def begin(scene: Scene, mend: ExitStack) -> None:
        kafka = scene.services.stack.kafka_connection
        producer = Producer({**confluent_arguments(kafka), "log_level": 2})
        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_specversion", b"1.0"),
            ("ce_source", b"kiosk/east"),
            ("ce_type", f"kepu.{POISON_TOPIC}.v1".encode()),
        ]
        for number in range(count):
            named = [*headers, ("ce_id", f"poison-{number}".encode())]
            producer.produce(POISON_TOPIC, key=f"{number}", value=b'{"attempt_id": ', headers=named)
        if left := producer.flush(FLUSH_SECONDS_MAX):
            raise TimeoutError(f"{left} records were not acknowledged within {FLUSH_SECONDS_MAX:.0f} s")
        mend.callback(_discard, kafka)

    return begin


def _discard(kafka: Kafka) -> None:
    choice = Choice(topic=POISON_TOPIC, group=POISON_GROUP)
    letters = choice.of(read_letters(kafka, choice.topics))

    async def carry_out() -> None:
        async with publishing(kafka, "kepu-incidents") as publisher:
            await decide.discard(
                publisher, letters, by="kepu incidents", reason="played", told=lambda _: None
            )

    asyncio.run(carry_out())


def _slow_mail(scene: Scene, mend: ExitStack) -> None:
    scene.restart_mail(25.0)
    mend.callback(scene.restart_mail, 0.0)


def _no_mail(scene: Scene, mend: ExitStack) -> None:
    scene.services.kill(MAIL)
    mend.callback(scene.services.start, MAIL)


def _full_disk(scene: Scene, mend: ExitStack) -> None:
    told = (
        'kepu_kafka_log_dir_usable_bytes{broker="9",log_dir="/full"} 4e9\n'
        'kepu_kafka_log_dir_total_bytes{broker="9",log_dir="/full"} 100e9\n'
    )
    mend.enter_context(scene.telling("a full disk", "kafka", told))


def _wrong_key(scene: Scene, mend: ExitStack) -> None:
    mend.callback(correct_key, scene, publish_wrong_key(scene))


def _undiscovered(scene: Scene, mend: ExitStack) -> None:
    scene.scrape_all(but="awards")
    mend.callback(scene.scrape_all)


INCIDENTS = (
    Incident(
        "worker-killed",
        "The only process that grades is killed.",
        "KepuProcessGone",
        _kill_worker,
    ),
    Incident(
        "mongo-frozen",
        "MongoDB keeps its connections and answers nothing, for 100 s.",
        "KepuMongoAway",
        _freeze("mongo"),
        within_seconds=100.0,
        lasts_seconds=100.0,
    ),
    Incident(
        "kafka-frozen",
        "Kafka keeps its connections and answers nothing, for 100 s.",
        "KepuKafkaAway",
        _freeze("kafka"),
        within_seconds=100.0,
        lasts_seconds=100.0,
    ),
    Incident(
        "poison-5",
        "Another system sends five records that nobody can read.",
        "KepuDeadLetters",
        _poison(5),
        is_short=True,
    ),
    Incident(
        "poison-200",
        "Another system sends 200 records that nobody can read.",
        "KepuDeadLetters",
        _poison(200),
        # The count of the last ten minutes tells, too.
        resolves_within_seconds=700.0,
    ),
    Incident(
        "mail-slow",
        "The mail server takes 25 s for each mail.",
        "KepuMailsLate",
        _slow_mail,
        within_seconds=300.0,
    ),
    Incident("mail-away", "There is no mail server.", "KepuMailsLate", _no_mail, within_seconds=300.0),
    Incident("undiscovered", "Prometheus does not find awards any more.", "KepuServiceGone", _undiscovered),
    Incident(
        "disk-full", "A broker's disk is nearly full (a process tells so).", "KepuKafkaDiskFull", _full_disk
    ),
    Incident(
        "wrong-key",
        "An answer key is wrong, and 1,000 people sit the quiz.",
        "KepuKeyDoubtful",
        _wrong_key,
        within_seconds=300.0,
    ),
)
"""All of them, in the order in which they are played."""

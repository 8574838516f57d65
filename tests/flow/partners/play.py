"""Two honest partners ask for places and wait for outcomes, while a third one does all the harm it can."""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from confluent_kafka import Consumer, Message, Producer
from prometheus_client.parser import text_string_to_metric_families

from ops.commands.partner import READS, WRITES
from ops.deployment import first_program, partners
from ops.deployment.whole_topics import Place, bounds_of, records_of
from ops.local.services import PARTNERS, PARTNERS_FILE, Part
from shared.contracts import sealing
from shared.contracts.partners import Partner
from shared.messaging.connection import KafkaConnection
from tests.flow.partners.hostile import Hostile, headers_of
from tests.flow.strangers.week import Report
from tests.partners.builders import NOW
from tests.registration.builders import activity
from tests.support.certificates import HOST
from tests.support.secured import OPERATOR, Secured, SecuredServices

# Registration decides the commands. Notifications gets the contacts that nobody can open.
SHORT_PARTS = (Part("registration", "registration"), PARTNERS)
PARTS = (*SHORT_PARTS, Part("notifications", "notifications"))
# From the command to the outcome that its sender reads.
P99_SECONDS_MAX = 2.0
SESSION, STORMED = "talk-1", "talk-2"
HONEST_PER_SECOND = 2.0
HOSTILE_PER_SECOND = 50
OUTCOME_SECONDS_MAX = 60.0
READY_SECONDS_MAX = 30.0
MIB = 1_048_576
# Of the container.
BRIDGE_BYTES_MAX = 512 * MIB
LOOK_SECONDS = 0.05


@dataclass
class Waits:
    """The commands of an honest partner: when each was sent, and how long its outcome took."""

    sent_at: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def missing(self) -> int:
        return len(self.sent_at) - len(self.seconds)


class Honest:
    """A partner that keeps to the rules: it sends, and reads what becomes of it."""

    def __init__(self, partner: Partner, settings: dict[str, Any], contact_public_key: str) -> None:
        self.name = partner.name
        self.waits = Waits()
        self.asked: set[str] = set()
        self._partner = partner
        self._public_key = contact_public_key
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._settings = {**settings, "log_level": 0}
        self._producer = Producer({**self._settings, "enable.idempotence": True, "linger.ms": 0})

    def start(self) -> None:
        """Read from now on, and send a first command: then everything is connected."""
        self._reader.start()
        self.ask()
        self._wait(OUTCOME_SECONDS_MAX)
        assert not self.waits.missing, "the first command has no outcome"
        self.waits.seconds.clear()
        self.waits.sent_at.clear()

    def send(self, seconds: float) -> None:
        """Ask for places at an even rate, for so long."""
        ends = time.monotonic() + seconds
        while (begun := time.monotonic()) < ends:
            self.ask()
            time.sleep(max(0.0, 1 / HONEST_PER_SECOND - (time.monotonic() - begun)))

    def ask(self) -> None:
        """One command."""
        person = str(uuid4())
        contact = sealing.Contact(name="李小明", email=f"{person}@example.org")
        body = {
            "request_id": person,
            "participant_id": person,
            "session_id": SESSION,
            "contact_sealed": sealing.seal(contact, self._public_key),
        }
        headers: Any = headers_of(self._partner.source, self._partner.contracts[0].type)
        self.asked.add(person)
        self.waits.sent_at[person] = time.monotonic()
        value = json.dumps(body).encode()
        self._producer.produce(self._partner.contracts[0].topic, key=person, value=value, headers=headers)
        self._producer.poll(0)

    def end(self, seconds: float) -> None:
        """Wait for the last outcomes, at most for so long."""
        self._wait(seconds)
        self._ended.set()
        self._reader.join(READY_SECONDS_MAX)

    def _wait(self, seconds: float) -> None:
        self._producer.flush(seconds)
        ends = time.monotonic() + seconds
        while self.waits.missing and time.monotonic() < ends:
            time.sleep(LOOK_SECONDS)

    def _read(self) -> None:
        own = {"group.id": f"{self.name}.outcomes", "auto.offset.reset": "earliest"}
        consumer = Consumer({**self._settings, **own, "enable.auto.commit": False, "fetch.wait.max.ms": 50})
        consumer.subscribe([*READS])
        try:
            while not self._ended.is_set():
                message = consumer.poll(LOOK_SECONDS)
                if message is None or message.error():
                    continue
                person = json.loads(message.value() or b"{}").get("request_id")
                if person in self.waits.sent_at and person not in self.waits.seconds:
                    self.waits.seconds[person] = time.monotonic() - self.waits.sent_at[person]
                    self.waits.outcomes[message.topic() or ""] += 1
        finally:
            consumer.close()


def played(
    secured: Secured, services: SecuredServices, *, seconds: float, p99_seconds_max: float = P99_SECONDS_MAX
) -> Report:
    """
    Three partners for so long, on services that run already.

    Args:
        p99_seconds_max: how long an honest partner may wait for the outcome of a command.

    Returns: how long the honest ones waited, and what was refused.
    """
    report = Report(f"three partners, one of them hostile for {seconds:.0f} s")
    operator = KafkaConnection(f"{HOST}:{secured.kafka_ports[0]}")
    file = services.home / PARTNERS_FILE
    named = {
        name: Partner(name, f"schools/{name}", WRITES, READS, rate, NOW)
        for name, rate in (("north", 20), ("south", 20), ("storm", HOSTILE_PER_SECOND))
    }
    settings = {}
    for name, partner in named.items():
        login = partners.add(file, operator, partner)
        reached = replace(secured.kafka(name), username="", security="SASL_SSL")
        settings[name] = json.loads(first_program.configuration(partner, reached, login.password))
    _put_sessions(services)
    public_key = services.secrets["KEPU_CONTACT_PUBLIC_KEY"]
    # The shared topics may have records of others.
    before = {place: high for place, (_, high) in bounds_of(secured.kafka(OPERATOR), WRITES).items()}
    honest = [Honest(named[name], settings[name], public_key) for name in ("north", "south")]
    hostile = Hostile(named["storm"], named["north"], settings["storm"], STORMED)
    pids = {part.name: services.pid(part.name) for part in services.parts}
    _play(honest, hostile, seconds)
    if pids != {name: services.pid(name) for name in pids}:
        report.wrong.append("a process has died")
    else:
        for one in honest:
            _judge_waits(report, one, p99_seconds_max)
        _judge(report, services, honest, hostile, _peak_bytes(pids[PARTNERS.name]))
        _judge_records(report, records_of(secured.kafka(OPERATOR), WRITES), before, honest)
    return report


def _put_sessions(services: SecuredServices) -> None:
    apis = services.apis
    with httpx.Client(headers=apis.organiser, timeout=READY_SECONDS_MAX) as client:
        for session in (SESSION, STORMED):
            body = activity(session, 100_000)
            answer = client.put(f"{apis.registration}/activities/of-{session}", json=body)
            assert answer.is_success, answer.text


def _play(honest: Sequence[Honest], hostile: Hostile, seconds: float) -> None:
    for one in honest:
        one.start()
    with ThreadPoolExecutor(len(honest) + 1) as together:
        storm = together.submit(hostile.run, seconds)
        for sending in [together.submit(one.send, seconds) for one in honest]:
            sending.result()
        for one in honest:
            one.end(OUTCOME_SECONDS_MAX)
        storm.result()


def _judge(
    report: Report, services: SecuredServices, honest: Sequence[Honest], hostile: Hostile, peak_bytes: int
) -> None:
    report.lines.append(f"storm sent {dict(sorted(hostile.sent.items()))}")
    report.lines.append(f"Kafka refused it {dict(sorted(hostile.refused.items()))}")
    forwarded, refused = _counted(services)
    report.lines.append(f"forwarded {forwarded}; refused {refused}; the bridge had {peak_bytes / MIB:.0f} MB")
    records = sum(forwarded.values()) + sum(refused.values())
    core_us = _core_seconds(services.pid(PARTNERS.name)) * 1e6 / records
    report.lines.append(f"{core_us:.0f} core-us of the bridge for each of {records} records")
    if peak_bytes > BRIDGE_BYTES_MAX:
        report.wrong.append(f"the bridge had {peak_bytes / MIB:.0f} MB")
    if not any(what.startswith("elsewhere") for what in hostile.refused):
        report.wrong.append("it was not refused where it may not write")
    if hostile.sent["elsewhere"] or hostile.sent["in a transaction"]:
        report.wrong.append(f"Kafka let it do what it may not: {dict(hostile.sent)}")
    for code in ("source_foreign", "bad_body", "bad_header"):
        if not any(found.endswith(f" {code}") for found in refused):
            report.wrong.append(f"nothing was refused as {code}")


def _judge_records(
    report: Report, records: Iterable[Message], before: Mapping[Place, int], honest: Sequence[Honest]
) -> None:
    asked = {person for one in honest for person in one.asked}
    for record in records:
        if (record.offset() or 0) < before[record.topic() or "", record.partition() or 0]:
            continue
        source = dict(record.headers() or []).get("ce_source", b"")
        if source != b"schools/storm" and (record.key() or b"").decode() not in asked:
            report.wrong.append(f"a record of {source!r} that nobody of that name has sent")
            break


def _judge_waits(report: Report, one: Honest, p99_seconds_max: float) -> None:
    waits = sorted(one.waits.seconds.values())
    if one.waits.missing or not waits:
        report.wrong.append(f"{one.name}: {one.waits.missing} commands without an outcome")
        return
    half, nearly_all = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    report.lines.append(
        f"{one.name}: {len(waits)} outcomes, p50 {half:.2f} s, p99 {nearly_all:.2f} s, longest "
        f"{waits[-1]:.2f} s; {dict(one.waits.outcomes)}"
    )
    if nearly_all > p99_seconds_max:
        report.wrong.append(f"{one.name}: p99 is {nearly_all:.2f} s, above {p99_seconds_max} s")


def _counted(services: SecuredServices) -> tuple[dict[str, int], dict[str, int]]:
    """What the bridge has forwarded, by partner, and refused, by group and code."""
    text = httpx.get(f"{services.url(PARTNERS.name)}/metrics", timeout=READY_SECONDS_MAX).text
    forwarded: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "kepu_partner_forwarded_total":
                forwarded[sample.labels["partner"]] += int(sample.value)
            elif sample.name == "kepu_events_dead_lettered_total" and sample.value:
                refused[f"{sample.labels['group']} {sample.labels['code']}"] += int(sample.value)
    return dict(forwarded), dict(refused)


def _peak_bytes(pid: int | None) -> int:
    """The most memory that a process has had: the kernel notes it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [peak] = [line for line in lines if line.startswith("VmHWM")]
    return int(peak.split()[1]) * 1024


def _core_seconds(pid: int | None) -> float:
    """How long a process has used a core, with its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

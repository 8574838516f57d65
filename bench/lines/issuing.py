"""
Issuing: 100,000 awards at one close, against bare inserts into MongoDB and bare publishes to Kafka.

*ours*: the schemes are there, and at the close everybody's result and the closing come at one moment. Each
result passes, and the best also get a prize by rank. *late*: a scheme is put after the close, and an
organiser applies it. *bare*: the same documents are inserted into a collection with the same indexes, and
the same records are published. Who is due is not asked, and no result is stored.

The clock runs from the moment when the events can be read, or from the first call, until the last award is
published.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from confluent_kafka import OFFSET_END, Consumer, TopicPartition
from pymongo import MongoClient

from bench import preload
from bench.baselines import clients
from bench.bench import Bench, clean
from bench.closings import PASS_MARK_PERCENT, Closed
from bench.errors import BenchError
from bench.lab import ASIDE_DATABASE
from bench.measure import Meter, microseconds_each
from bench.report import Outcome
from ops.week.load import Piece, load
from shared.contracts import topics
from shared.contracts.events import AwardIssued
from shared.storage import mongo

TITLE = "awards issued for one quiz, all of its results there at once"
ISSUED_PARTITIONS = next(topic.partitions for topic in topics.LIVE if topic.name == AwardIssued.topic)
RATE = "awards/s"
SECONDS = "seconds in all"
SECONDS_WANTED = 120.0
BARE_SHARE_WANTED = 0.4
RUN_SECONDS_MAX = 600.0
READY_SECONDS_MAX = 30.0
CALL_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.05
AT_ONCE = 1_000


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("issuing", TITLE)
    count, warm = bench.size((100_000, 2_000), (2_000, 200))
    with clean(bench, contest=False), bench.lab.running("awards"):
        bench.tell("warming up")
        _round(bench, "warm", warm, Outcome("warm", ""))
        for round_ in range(bench.rounds):
            # Bare repeats what the other two have issued, so they always come first.
            bench.tell(f"run {round_ + 1} of {bench.rounds}")
            _round(bench, f"issuing-{round_}", count, outcome)
        # The audit does not see the end of a partition that ends with the mark of a transaction.
        preload.send(bench.lab.stack.kafka, Closed.now("last", bench.size(1_000, 200)).results())
        bench.lab.settle({"awards"})
        bench.audit(outcome, ["awards"])
    # Quiz knows nothing of these results, which its own audit would not accept.
    bench.lab.soil()
    seconds = outcome.median("ours", SECONDS)
    outcome.require(f"issuing {count:,} awards, s", seconds, "<", SECONDS_WANTED)
    outcome.require_ratio("issuing : bare inserts and publishes", RATE, "bare", BARE_SHARE_WANTED)
    late = outcome.median("late", SECONDS)
    outcome.require(f"issuing {count:,} awards by a late scheme, s", late, "<", SECONDS_WANTED)
    outcome.notes.append("bare stores no results, asks nothing before it inserts, and survives no crash")
    outcome.notes.append("the events of a late scheme are stored with its awards, and the outbox sends them")
    return outcome


def _round(bench: Bench, name: str, count: int, outcome: Outcome) -> None:
    closed, issued = Closed.now(name, count), Issued(bench.lab.stack.kafka)
    try:
        _ours(bench, closed, issued, outcome)
        _late(bench, closed, issued, outcome)
        begun = issued.marks()
        _bare(bench, closed, issued, outcome)
        if issued.marks() != begun:
            outcome.problems.append(f"{closed.quiz_id}: more awards were issued than are due")
    finally:
        issued.close()


def _ours(bench: Bench, closed: Closed, issued: "Issued", outcome: Outcome) -> None:
    lab = bench.lab
    preload.send(lab.stack.kafka, [closed.published(lab.contest)])
    _put(bench, _passing(closed), {"type": "pass_mark", "score_percent": PASS_MARK_PERCENT}, closed)
    first = closed.listed // 10
    tiers = [{"tier": "一等奖", "places": first}, {"tier": "二等奖", "places": closed.listed - first}]
    _put(bench, f"{closed.quiz_id}-prize", {"type": "rank_tiers", "tiers": tiers}, closed)
    due = closed.people + closed.listed
    results, closing = list(closed.results()), closed.closing()
    with preload.hidden_records(lab.stack.kafka, results) as show, _metered(bench, "awards") as meter:
        issued.begin()
        began = time.monotonic()
        show()
        preload.send(lab.stack.kafka, [closing])
        issued.wait_for(due)
        ended = time.monotonic()
    outcome.add("ours", _figures(due, ended - began, meter, "awards"))


def _late(bench: Bench, closed: Closed, issued: "Issued", outcome: Outcome) -> None:
    scheme, apis = f"{closed.quiz_id}-late", bench.lab.services.apis
    _put(bench, scheme, {"type": "pass_mark", "score_percent": PASS_MARK_PERCENT}, closed)
    url = f"{apis.url('awards')}/schemes/{scheme}/apply"
    with (
        httpx.Client(headers=apis.organiser, timeout=CALL_SECONDS_MAX) as client,
        _metered(bench, "awards") as meter,
    ):
        issued.begin()
        began = time.monotonic()
        said, after = 0, None
        while True:
            answer = client.post(url, params={"after": after} if after else {}).raise_for_status().json()
            said, after = said + answer["issued"], answer["after"]
            if after is None:
                break
        issued.wait_for(closed.people)
        ended = time.monotonic()
    if said != closed.people:
        outcome.problems.append(f"{scheme}: {said} awards of {closed.people}")
    outcome.add("late", _figures(closed.people, ended - began, meter, "awards"))


def _bare(bench: Bench, closed: Closed, issued: "Issued", outcome: Outcome) -> None:
    """This process is the bare one. What it writes is read before."""
    documents, indexes = _stored(bench, _passing(closed))
    records = issued.records(_passing(closed))
    if not len(documents) == len(records) == closed.people:
        raise BenchError(f"{len(documents)} awards and {len(records)} events of {closed.people}")
    with _metered(bench, "bare") as meter:
        inserting, publishing = asyncio.run(_write(bench, documents, indexes, records))
    seconds = inserting + publishing
    each = _figures(closed.people, seconds, meter, "bare")
    rates = {"inserts/s": closed.people / inserting, "publishes/s": closed.people / publishing}
    outcome.add("bare", each | rates)


async def _write(
    bench: Bench,
    documents: list[dict[str, Any]],
    indexes: Mapping[str, Any],
    records: list[clients.Record],
) -> tuple[float, float]:
    """Insert and publish in turns; returns the seconds that each of the two took."""
    inserting = publishing = 0.0
    to = clients.producer(bench.lab.stack.kafka)
    await to.start()
    try:
        async with mongo.connect(bench.lab.stack.mongo, ASIDE_DATABASE) as database:
            awards = database["bare_awards"]
            for name, index in indexes.items():
                options = {key: index[key] for key in ("unique", "partialFilterExpression") if key in index}
                if name != "_id_":
                    await awards.create_index(index["key"], name=name, **options)
            for start in range(0, len(documents), AT_ONCE):
                began = time.monotonic()
                await awards.insert_many(documents[start : start + AT_ONCE], ordered=False)
                stored = time.monotonic()
                await clients.send(to, "bench.issued", records[start : start + AT_ONCE])
                inserting += stored - began
                publishing += time.monotonic() - stored
    finally:
        await to.stop()
    return inserting, publishing


def _figures(count: int, seconds: float, meter: Meter, name: str) -> dict[str, float]:
    each = microseconds_each(meter.cpu_seconds(), count)
    return {
        RATE: count / seconds,
        SECONDS: seconds,
        "core-seconds in all": sum(meter.cpu_seconds().values()),
        "CPU of the program, µs each": each[name],
        "CPU of mongod, µs each": each["mongod"],
        "CPU of Kafka, µs each": each["kafka"],
        "memory of the program, MB": meter.memory_mb()[name],
    }


@contextmanager
def _metered(bench: Bench, name: str) -> Iterator[Meter]:
    pids = bench.lab.pids(*([name] if name == "awards" else []))
    with Meter({name: os.getpid(), **pids}) as meter:
        yield meter


def _passing(closed: Closed) -> str:
    return f"{closed.quiz_id}-pass"


def _put(bench: Bench, scheme_id: str, rule: Mapping[str, Any], closed: Closed) -> None:
    body = {"title": closed.title, "kind": "certificate", "rule": {**rule, "quiz_id": closed.quiz_id}}
    piece = Piece(f"scheme {scheme_id}", "awards", f"/schemes/{scheme_id}", body)
    _until(lambda: not load([piece], bench.lab.services.apis), READY_SECONDS_MAX, f"{scheme_id} was not put")


def _stored(bench: Bench, scheme_id: str) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
    """The awards of a scheme as they are stored, and the indexes of their collection."""
    with MongoClient[dict[str, Any]](bench.lab.stack.mongo, tz_aware=True) as client:
        awards = client["kepu_awards"]["awards"]
        return list(awards.find({"scheme_id": scheme_id})), awards.index_information()


def _until(look: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise BenchError(f"{otherwise} in {seconds:.0f} s")
        time.sleep(LOOK_SECONDS)


@dataclass(slots=True)
class Issued:
    """The topic of issued awards: how far it has come since a moment, and its records."""

    kafka: str
    _begun: list[int] = field(default_factory=list)
    _consumer: Consumer | None = None

    def begin(self) -> None:
        """Count from now on."""
        self._begun = self.marks()

    def marks(self) -> list[int]:
        """The end offset of each partition."""
        consumer = self._reader()
        seconds = preload.ANSWER_SECONDS_MAX
        return [consumer.get_watermark_offsets(place, timeout=seconds)[1] for place in self._places()]

    def wait_for(self, count: int) -> None:
        """Wait until so many are published."""
        end = sum(self._begun) + count
        _until(lambda: sum(self.marks()) >= end, RUN_SECONDS_MAX, f"{count} awards were not published")

    def records(self, scheme_id: str) -> list[clients.Record]:
        """The records of the awards of a scheme."""
        consumer, ends = self._reader(), self.marks()
        consumer.assign(self._places([0] * ISSUED_PARTITIONS))
        found: list[clients.Record] = []
        read = [0] * ISSUED_PARTITIONS
        wanted = f'"scheme_id":"{scheme_id}"'.encode()
        while any(here < end for here, end in zip(read, ends, strict=True)):
            messages = consumer.consume(AT_ONCE, preload.ANSWER_SECONDS_MAX)
            if not messages:
                raise BenchError(f"Kafka does not show the awards of {scheme_id}")
            for message in messages:
                key, value = message.key(), message.value()
                headers: Any = message.headers() or ()
                read[message.partition() or 0] = (message.offset() or 0) + 1
                if isinstance(key, bytes) and isinstance(value, bytes) and wanted in value:
                    found.append((key, value, list(headers)))
        consumer.unassign()
        return found

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()

    def _places(self, offsets: Sequence[int] | None = None) -> list[TopicPartition]:
        places = offsets or [OFFSET_END] * ISSUED_PARTITIONS
        return [TopicPartition(AwardIssued.topic, number, place) for number, place in enumerate(places)]

    def _reader(self) -> Consumer:
        if self._consumer is None:
            self._consumer = Consumer(
                {
                    "bootstrap.servers": self.kafka,
                    "group.id": "bench-issuing",
                    "enable.auto.commit": False,
                    "log_level": 2,
                }
            )
        return self._consumer

"""
The costs by which `kepu capacity` computes: CPU and bytes of a registration and of an attempt, and a start.

They are measured at a steady rate. Then many submissions come at one moment, and the simulation has to say
beforehand how long this machine takes for all of them. A full run writes ops/capacity/costs.json.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient

from bench import crowds, preload, report
from bench.bench import Bench, clean, failures
from bench.errors import BenchError
from bench.lab import CHAIN, DATABASES
from bench.lines.registration import CONNECTIONS, SECONDS_MAX, put_activity, session_of, write_requests
from bench.load.client import Plan
from bench.measure import Meter, microseconds_each
from bench.preload import Commits
from bench.reading import OURS, wait_until_read
from bench.report import Outcome
from bench.taking_part import PEAK_RATE, READ_SECONDS_MAX, take_part, take_part_prepared
from ops.capacity.costs import MEASURED, Costs, Work
from ops.capacity.day import Autoscaler, Stage, simulate
from ops.capacity.plan import WAY

TITLE = "costs of a registration and of an attempt, and a rush that was computed beforehand"
# Which of our processes does the work of which kind.
KINDS = {"quiz-1": "quiz", "quiz-worker-1": "quiz-worker"}
RUSH_SECONDS_MAX = 300.0
STEP_SECONDS = 0.1
# So many that each partition gets some.
LAST = 500
WANTED_SHARE = 0.25


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("capacity", TITLE)
    with clean(bench):
        registration = _registration(bench, outcome)
        with bench.lab.running(*CHAIN):
            bench.lab.put_scheme()
            attempt = _attempt(bench, outcome)
        start_seconds = _start(bench)
        costs = Costs(
            registration=registration,
            attempt=attempt,
            start_seconds=round(start_seconds, 1),
            machine=str(report.machine()["processor"]),
            measured_at=f"{datetime.now(UTC):%Y-%m-%d}",
        )
        for round_ in range(bench.rounds):
            bench.tell(f"a rush, run {round_ + 1} of {bench.rounds}")
            _rush(bench, costs, f"{round_}", outcome)
        bench.tell("coming to rest")
        # An outbox is emptied only while its service runs.
        with bench.lab.running("registration", *CHAIN):
            bench.lab.settle()
        bench.audit(outcome)
    if not bench.short:
        MEASURED.write_text(costs.model_dump_json(indent=2) + "\n")
        outcome.notes.append(f"written: {MEASURED.relative_to(report.ROOT)}")
    wrong = abs(outcome.median("rush", "measured, s") / outcome.median("rush", "computed, s") - 1)
    outcome.require("a rush, measured : computed, less 1", wrong, "<=", WANTED_SHARE)
    return outcome


def _registration(bench: Bench, outcome: Outcome) -> Work:
    count = bench.size(10_000, 200)
    with bench.lab.running("registration"):
        put_activity(bench, count, count)
        requests = write_requests(bench, session_of(0), count)
        with _used(bench, "registration") as used:
            load = bench.load(
                Plan(
                    targets=(bench.lab.target("registration"),),
                    requests=requests,
                    connections=CONNECTIONS,
                    seconds=SECONDS_MAX,
                )
            )
        requests.unlink()
    if failed := failures(load):
        outcome.problems.append(f"{failed} registrations failed")
    work = used.work(count)
    outcome.add("registration", _figures(work))
    return work


def _attempt(bench: Bench, outcome: Outcome) -> Work:
    kafka = bench.lab.stack.kafka
    rate, seconds = bench.size(PEAK_RATE, 200.0), bench.size(20.0, 1.0)
    bench.tell("warming up")
    take_part(bench, "capacity-warm", rate, bench.size(10.0, 0.5))
    tokens = crowds.write_tokens(bench, "capacity", int(rate * seconds))
    wait_until_read(kafka, OURS, READ_SECONDS_MAX)
    bench.tell(f"{seconds:.0f} s at {rate:,.0f}/s")
    with _used(bench, *CHAIN) as used:
        load = take_part_prepared(bench, tokens, rate, seconds)
        wait_until_read(kafka, OURS, READ_SECONDS_MAX)
    if failed := failures(load):
        outcome.problems.append(f"{failed} requests failed at {rate:.0f}/s")
    work = used.work(load.steps["submit"].count)
    outcome.add("attempt", _figures(work))
    return work


def _start(bench: Bench) -> float:
    """Seconds from the start of a grader's process to its first batch."""
    bench.tell("starting a grader")
    kafka, name = bench.lab.stack.kafka, "quiz-worker-1"
    commits = Commits(kafka, OURS[0].group, OURS[0].topic)
    preload.submit(kafka, OURS[0].topic, bench.lab.contest, "capacity-start", bench.size(1_000, 100))
    before, began = commits.look(), time.monotonic()
    bench.lab.services.start(name)
    try:
        while commits.look() == before:
            if time.monotonic() - began > RUSH_SECONDS_MAX:
                raise BenchError(f"{name} has handled nothing after {RUSH_SECONDS_MAX:.0f} s")
            time.sleep(0.05)
        return time.monotonic() - began
    finally:
        commits.close()
        if not bench.lab.lasting:
            bench.lab.stop(name)


def _rush(bench: Bench, costs: Costs, name: str, outcome: Outcome) -> None:
    """Submissions at one moment: how long until all are graded, awarded and told, and what was computed."""
    kafka, contest, count = bench.lab.stack.kafka, bench.lab.contest, bench.size(60_000, 500)
    crowd, last = f"capacity-rush-{name}", f"capacity-last-{name}"
    for introduced in (crowd, last):
        crowds.introduce(bench, introduced, count if introduced == crowd else LAST)
    with bench.lab.running(*CHAIN):
        wait_until_read(kafka, OURS, READ_SECONDS_MAX)
        with preload.hidden(kafka, OURS[0].topic, contest, crowd, count) as show:
            computed = rush_seconds(costs, count + LAST, os.cpu_count() or 1)
            began = time.monotonic()
            show()
            # A group commits past the mark of a transaction only with a later event.
            preload.submit(kafka, OURS[0].topic, contest, last, LAST)
            wait_until_read(kafka, OURS, RUSH_SECONDS_MAX)
            measured = time.monotonic() - began
    outcome.add("rush", {"submissions": count, "computed, s": computed, "measured, s": measured})


def rush_seconds(costs: Costs, count: int, cores: float) -> float:
    """How long one machine takes, by the simulation, for submissions that all come at one moment."""
    beside = (costs.attempt.cpu_us["kafka"] + costs.attempt.cpu_us["mongod"]) / len(WAY)
    stages = [Stage(name, costs.attempt.cpu_us[name], beside, Autoscaler()) for name in WAY[1:]]
    seen = simulate(
        stages,
        lambda at: count / STEP_SECONDS if at == 0 else 0.0,
        seconds=RUSH_SECONDS_MAX,
        step_seconds=STEP_SECONDS,
        cores=cores,
    )
    return max(moment.at for moment in seen[WAY[-1]] if moment.done > 0)


@dataclass(slots=True)
class _Used:
    """CPU and bytes between begin and end."""

    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    kafka_bytes: int = 0
    mongo_bytes: int = 0

    def work(self, count: int) -> Work:
        """What one of so many items has cost."""
        each = microseconds_each(self.cpu_seconds, count)
        return Work(
            cpu_us={KINDS.get(name, name): round(value, 1) for name, value in each.items()},
            kafka_bytes=round(max(0, self.kafka_bytes) / count),
            mongo_bytes=round(max(0, self.mongo_bytes) / count),
        )


@contextmanager
def _used(bench: Bench, *names: str) -> Iterator[_Used]:
    """What these processes, Kafka and MongoDB use until the end of the block, on the disk too."""
    used = _Used()
    bench.flush()
    before = _stored(bench)
    with Meter(bench.lab.pids(*names)) as meter:
        yield used
        bench.flush()
    after = _stored(bench)
    used.cpu_seconds = meter.cpu_seconds()
    used.kafka_bytes, used.mongo_bytes = (then - now for then, now in zip(after, before, strict=True))


def _stored(bench: Bench) -> tuple[int, int]:
    """Bytes of Kafka's log and of our databases with their indexes."""
    log = sum(file.stat().st_size for file in (bench.lab.home / "kafka" / "data").rglob("*.log"))
    client: MongoClient[Any] = MongoClient(bench.lab.stack.mongo)
    try:
        found = [client[name].command("dbStats") for name in DATABASES]
    finally:
        client.close()
    return log, sum(int(one["storageSize"] + one["indexSize"]) for one in found)


def _figures(work: Work) -> dict[str, float]:
    return {
        **{f"CPU of {name}, µs each": value for name, value in work.cpu_us.items()},
        "bytes in Kafka each": work.kafka_bytes,
        "bytes in MongoDB each": work.mongo_bytes,
    }

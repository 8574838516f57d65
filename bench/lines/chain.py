"""
The whole chain: start and submit over HTTP, grade, rank, award, tell, all at once on this machine.

Three parts: what it costs against the sum of its bare parts, which run as a chain of their own under the
same load; minutes at the peak hour's rate; and then the rate raised step by step until it no longer keeps up.
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from bench import people
from bench.bench import Bench, clean, failures, latency_figures
from bench.lags import lags_of, percentile
from bench.load import client
from bench.load.client import Load, Plan, requests_file
from bench.measure import Meter, interleaved, per_ten_thousand
from bench.reading import OURS, LagWatch, Reading, wait_until_read
from bench.report import Outcome
from ops.stack import StackError

TITLE = "start, submit, grade, rank, award, tell"
PARTS = ("quiz-1", "quiz-worker-1", "awards", "notifications")
BARE_PARTS = ("bare_start", "bare_intake", "minimal_grading", "minimal_awards", "minimal_notices")
BARE = (
    Reading("minimal", "bench.submitted.bare"),
    Reading("minimal-awards", "bench.completed"),
    Reading("minimal-notices", "bench.completed"),
    Reading("minimal-notices", "bench.issued", 4),
)
PEAK_RATE = 2_315.0
STEPS = (2_315.0, 2_600.0, 3_000.0, 3_400.0, 3_900.0, 4_500.0)
STEP_SECONDS = 30.0
CONNECTIONS = 2_000
# One in so many asks for the result until it is there; who asks costs the server as well.
WATCH = 20
THINK_MS = 1_000
RESULT_MS_WANTED = 1_000.0
BARE_TIMES_WANTED = 1.5
TARGET_RATE = 3_000.0
MEMORY_GROWTH_WANTED = 1.05
READ_SECONDS_MAX = 120.0
MEMORY_EVERY_SECONDS = 5.0

Moments: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cost:
    """Core-seconds for 10,000 participants, by process."""

    by_process: Mapping[str, float]
    rate: float

    @property
    def total(self) -> float:
        """Without the load client, which is not ours to pay."""
        return sum(value for name, value in self.by_process.items() if name != "client")

    def figures(self) -> dict[str, float]:
        """Each process under a name that both variants share."""
        named = {name: value for name, value in self.by_process.items()}
        return {
            "participants/s": self.rate,
            "all but the client, core-s": self.total,
            **{f"{name}, core-s": value for name, value in named.items()},
        }


def run(bench: Bench) -> Outcome:
    """Measure it."""
    outcome = Outcome("chain", TITLE)
    rate = bench.size(PEAK_RATE, 500.0)
    moments: Moments = (0, 0)
    with clean(bench):
        for round_, variant in interleaved(["ours", "bare parts"], bench.rounds):
            bench.tell(f"what it costs: {variant}, run {round_ + 1} of {bench.rounds}")
            measure = _cost_of_ours if variant == "ours" else _cost_of_bare
            cost = measure(bench, f"{round_}", rate, bench.size(30.0, 6.0), outcome)
            outcome.add(variant, cost.figures())
        with bench.site.running(*PARTS):
            bench.site.put_scheme()
            moments = _steady(bench, rate, bench.size(300.0, 12.0), outcome)
            if not bench.short:
                _ceiling(bench, outcome)
            bench.tell("coming to rest")
            bench.site.settle()
        audit = bench.audit(outcome)
        lags = lags_of(audit.log, *moments)
        for name, seconds in (("award", lags.award), ("notice of the award", lags.notice)):
            shares = {f"p{share:.0%}"[:-1]: percentile(seconds, share) for share in (0.5, 0.99)}
            outcome.details[f"{name}, seconds after the submission"] = shares
            outcome.notes.append(
                f"{name}: {shares['p50']:.2f} s after the submission, p99 {shares['p99']:.2f} s, "
                f"of {len(seconds):,}"
            )
    ours = outcome.median("ours", "all but the client, core-s")
    bare = outcome.median("bare parts", "all but the client, core-s")
    outcome.require("cost : sum of the bare parts", ours / bare, "<=", BARE_TIMES_WANTED)
    return outcome


def _sit(bench: Bench, crowd: str, rate: float, seconds: float) -> Load:
    """A crowd sits the contest at this rate; those who sit are made before the clock runs."""
    sittings = people.write_sittings(bench, crowd, int(rate * seconds))
    load = bench.load(
        Plan(
            targets=(bench.site.target("quiz-1"),),
            sittings=sittings,
            quiz=bench.site.contest.quiz_id,
            rate=rate,
            connections=CONNECTIONS,
            watch=WATCH,
            think_ms=THINK_MS,
            seconds=seconds + 5,
            acknowledged=bench.file("acknowledged"),
        )
    )
    sittings.unlink()
    return load


def _cost_of_ours(bench: Bench, name: str, rate: float, seconds: float, outcome: Outcome) -> Cost:
    kafka = bench.site.stack.kafka
    with bench.site.running(*PARTS):
        bench.site.put_scheme()
        _sit(bench, f"warm-{name}", rate, bench.size(10.0, 3.0))
        wait_until_read(kafka, OURS, READ_SECONDS_MAX)
        with Meter(bench.site.pids(*PARTS)) as meter:
            # Making the crowd costs none of these processes anything but mongod, which counts as ours.
            load = _sit(bench, f"cost-{name}", rate, seconds)
            wait_until_read(kafka, OURS, READ_SECONDS_MAX)
    if failed := failures(load):
        outcome.problems.append(f"ours: {failed} requests failed at {rate:.0f}/s")
    count = load.steps["submit"].count
    each = per_ten_thousand(meter.cpu_seconds() | {"client": load.cpu_seconds}, count)
    return Cost(each, load.rate)


def _cost_of_bare(bench: Bench, name: str, rate: float, seconds: float, outcome: Outcome) -> Cost:
    kafka = bench.site.stack.kafka
    with ExitStack() as stack:
        asides = {
            part: stack.enter_context(
                bench.site.aside(part, topic="bench.submitted.bare", group="minimal")
            )
            for part in BARE_PARTS
        }
        targets = {part: asides[part].target for part in ("bare_start", "bare_intake")}
        with _bare_load(bench, targets, f"warm-{name}", rate, bench.size(10.0, 3.0)) as run_load:
            run_load()
        wait_until_read(kafka, BARE, READ_SECONDS_MAX)
        with _bare_load(bench, targets, f"cost-{name}", rate, seconds) as run_load:
            with Meter(bench.site.pids(asides=asides.values())) as meter:
                starts, submissions = run_load()
                wait_until_read(kafka, BARE, READ_SECONDS_MAX)
    if failed := failures(starts) + failures(submissions):
        outcome.problems.append(f"bare parts: {failed} requests failed at {rate:.0f}/s")
    count = submissions.steps["request"].count
    clients = {"client": starts.cpu_seconds + submissions.cpu_seconds}
    return Cost(per_ten_thousand(meter.cpu_seconds() | clients, count), submissions.rate)


@contextmanager
def _bare_load(bench: Bench, targets: Mapping[str, str], crowd: str, rate: float, seconds: float):  # type: ignore[no-untyped-def]
    """Two clients at once, one that starts and one that submits, both at this rate."""
    count = int(rate * seconds)
    starts = people.write_starts(bench, crowd, count)
    submissions = bench.file(f"bare-{crowd}")
    requests_file(submissions, bench.site.contest.bare_submissions(crowd, count))

    def run_load() -> tuple[Load, Load]:
        plans = (
            Plan(
                targets=(targets[part],),
                requests=path,
                rate=rate,
                connections=CONNECTIONS // 2,
                seconds=seconds + 5,
            )
            for part, path in (("bare_start", starts), ("bare_intake", submissions))
        )
        first, second = [client.start(plan) for plan in plans]
        limit = seconds + client.STOP_SECONDS_MAX
        return first.wait(limit), second.wait(limit)

    try:
        yield run_load
    finally:
        starts.unlink()
        submissions.unlink()


def _steady(bench: Bench, rate: float, seconds: float, outcome: Outcome) -> Moments:
    """Minutes at one rate: latencies, lags, memory; the moments between which it was."""
    bench.tell(f"preparing {rate * seconds:,.0f} people")
    sittings = people.write_sittings(bench, "steady", int(rate * seconds))
    _sit(bench, "steady-warm", rate, bench.size(20.0, 3.0))
    kafka = bench.site.stack.kafka
    bench.tell(f"{seconds:.0f} s at {rate:,.0f}/s")
    began_ms = int(time.time() * 1000)
    meter = Meter(bench.site.pids(*PARTS), every_seconds=bench.size(MEMORY_EVERY_SECONDS, 0.5))
    with meter, LagWatch(kafka, OURS, every_seconds=bench.size(5.0, 2.0)) as watch:
        load = bench.load(
            Plan(
                targets=(bench.site.target("quiz-1"),),
                sittings=sittings,
                quiz=bench.site.contest.quiz_id,
                rate=rate,
                connections=CONNECTIONS,
                watch=WATCH,
                think_ms=THINK_MS,
                seconds=seconds + 5,
                acknowledged=bench.file("acknowledged"),
            )
        )
        ended_ms = int(time.time() * 1000)
    sittings.unlink()
    unread = watch.last()
    wait_until_read(kafka, OURS, READ_SECONDS_MAX)
    failed = failures(load) + load.not_begun
    if failed:
        outcome.problems.append(f"steady: {failed} requests failed or not begun at {rate:.0f}/s")
    result = load.steps["result_wait"].latency_ms
    growth = meter.memory_growth(warm_seconds=seconds / 6)
    outcome.add(
        f"{seconds:.0f} s at {rate:.0f}/s",
        {
            "participants/s": load.rate,
            **latency_figures(load, "start"),
            **latency_figures(load, "submit"),
            **latency_figures(load, "result_wait"),
            "unread at the end, events": max(unread.values(), default=0),
            **{f"{name}, MB at the end": size for name, size in meter.memory_mb().items()},
            **{f"{name}, memory last : first third": ratio for name, ratio in growth.items()},
        },
    )
    outcome.details["timeline"] = [
        {"second": one.second, "submit": one.submit, "p99_ms": one.p99_ms} for one in load.timeline
    ]
    outcome.details["unread"] = [{"second": at, "events": behind} for at, behind in watch.seen]
    outcome.details["memory_mb"] = [
        {name: round(size / 2**20, 1) for name, size in sample.memory_bytes.items()}
        for sample in meter.samples
    ]
    outcome.require("sustained, participants/s", load.rate, ">=", 0.99 * rate)
    outcome.require("from submit to readable result, p99 in ms", result.p99 if result else float("inf"), "<", RESULT_MS_WANTED)
    services = {name: ratio for name, ratio in growth.items() if name in PARTS}
    outcome.require("memory of our processes, last : first third", max(services.values()), "<=", MEMORY_GROWTH_WANTED)
    others = max(ratio for name, ratio in growth.items() if name not in PARTS)
    outcome.require("memory of Kafka and mongod, last : first third", others, "<=", MEMORY_GROWTH_WANTED)
    return began_ms, ended_ms


def _ceiling(bench: Bench, outcome: Outcome) -> None:
    """Raise the rate until it no longer keeps up."""
    reached = 0.0
    for rate in STEPS:
        bench.tell(f"ceiling: {rate:,.0f}/s")
        with LagWatch(bench.site.stack.kafka, OURS, every_seconds=2.0) as watch:
            load = _sit(bench, f"step-{rate:.0f}", rate, STEP_SECONDS)
            unread = max(watch.last().values(), default=0)
        result = load.steps["result_wait"].latency_ms
        p99 = result.p99 if result else float("inf")
        keeps_up = failures(load) + load.not_begun == 0 and p99 < RESULT_MS_WANTED and unread < 2 * rate
        outcome.details.setdefault("ceiling", []).append(
            {"rate": rate, "reached": load.rate, "result_p99_ms": p99, "unread": unread, "keeps_up": keeps_up}
        )
        outcome.notes.append(
            f"at {rate:,.0f}/s: {load.rate:,.0f}/s, result p99 {p99:,.0f} ms, {unread:,} unread at the end"
        )
        try:
            wait_until_read(bench.site.stack.kafka, OURS, READ_SECONDS_MAX)
        except StackError as error:
            outcome.notes.append(str(error))
            break
        if not keeps_up:
            break
        reached = rate
    outcome.require("ceiling, participants/s", reached, ">=", TARGET_RATE)

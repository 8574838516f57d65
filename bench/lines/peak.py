"""
The peak hour: the whole chain for minutes at 2,315 participants a second, then at higher and higher rates.

There is one process of each service. A rate is sustained if nothing failed, results are readable within a
second (p99), and no consumer group is more than two seconds behind at the end.
"""

import time

from bench import crowds
from bench.bench import Bench, clean, failures, latency_figures
from bench.errors import BenchError
from bench.lab import CHAIN
from bench.lags import lags_of, percentile
from bench.load.client import Load
from bench.measure import Meter
from bench.reading import OURS, LagWatch, wait_until_read
from bench.report import Outcome
from bench.taking_part import PEAK_RATE, READ_SECONDS_MAX, take_part, take_part_prepared
from ops.audit.log import Log

TITLE = "the whole chain at the peak hour's rate, and its ceiling"
STEPS = (2_600.0, 3_000.0, 3_400.0, 3_900.0, 4_500.0, 5_200.0)
# The time between two checkpoints of MongoDB. In a shorter step there may be one or none.
STEP_SECONDS = 60.0
BEHIND_SECONDS_MAX = 2.0
RESULT_MS_WANTED = 1_000.0
TARGET_RATE = 3_000.0
RATE_SHARE_WANTED = 0.99
# A process that leaks grows by more than this, from the first to the last third of five minutes.
MEMORY_GROWTH_WANTED = 1.05


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("peak", TITLE)
    rate, seconds = bench.size(PEAK_RATE, 200.0), bench.size(300.0, 2.0)
    with clean(bench):
        with bench.lab.running(*CHAIN):
            bench.lab.put_scheme()
            since_ms, until_ms = _steady(bench, rate, seconds, outcome)
            if not bench.short:
                _climb(bench, outcome)
            bench.tell("coming to rest")
            bench.lab.settle()
        found = bench.audit(outcome)
        _tell_lags(found.log, since_ms, until_ms, outcome)
    return outcome


def _steady(bench: Bench, rate: float, seconds: float, outcome: Outcome) -> tuple[int, int]:
    """Hold one rate for minutes. Returns when they began and ended, in milliseconds since 1970."""
    kafka, count = bench.lab.stack.kafka, int(rate * seconds)
    bench.tell(f"preparing {count:,} people")
    tokens = crowds.write_tokens(bench, "steady", count)
    bench.flush()
    bench.tell("warming up")
    # So long that MongoDB's cache is full. Growth after that is not the cache.
    take_part(bench, "warm", rate, bench.size(120.0, 0.5))
    bench.tell(f"{seconds:.0f} s at {rate:,.0f}/s")
    since_ms = _now_ms()
    with (
        Meter(bench.lab.pids(*CHAIN), every_seconds=bench.size(5.0, 0.2)) as meter,
        LagWatch(kafka, OURS, every_seconds=bench.size(5.0, 0.5)) as watch,
    ):
        load = take_part_prepared(bench, tokens, rate, seconds)
        until_ms = _now_ms()
    unread = watch.last()
    wait_until_read(kafka, OURS, READ_SECONDS_MAX)
    if failed := failures(load) + load.not_begun:
        outcome.problems.append(f"{failed} requests failed or were not begun at {rate:.0f}/s")
    growth = meter.memory_growth(warm_seconds=seconds / 6)
    cores = {name: used / load.seconds for name, used in meter.cpu_seconds().items()}
    outcome.add(
        f"{seconds:.0f} s at {rate:,.0f}/s",
        {
            "participants/s": load.rate,
            **latency_figures(load, "start"),
            **latency_figures(load, "submit"),
            **latency_figures(load, "result_wait"),
            **{f"unread at the end: {name}": behind for name, behind in unread.items()},
            **{f"{name}, cores used": used for name, used in cores.items()},
            "client, cores used": load.cpu_seconds / load.seconds,
            **{f"{name}, MB at the end": size for name, size in meter.memory_mb().items()},
            **{f"{name}, MB in the last : first third": ratio for name, ratio in growth.items()},
        },
    )
    _keep(outcome, load, watch, meter)
    outcome.require("sustained, participants/s", load.rate, ">=", RATE_SHARE_WANTED * rate)
    outcome.require("from submit to readable result, p99 in ms", _result_p99(load), "<", RESULT_MS_WANTED)
    for name, ratio in growth.items():
        outcome.require(f"memory of {name}, last : first third", ratio, "<=", MEMORY_GROWTH_WANTED)
    return since_ms, until_ms


def _climb(bench: Bench, outcome: Outcome) -> None:
    """Raise the rate until the chain no longer keeps up."""
    reached, steps = 0.0, []
    for rate in STEPS:
        bench.tell(f"{STEP_SECONDS:.0f} s at {rate:,.0f}/s")
        tokens = crowds.write_tokens(bench, f"step-{rate:.0f}", int(rate * STEP_SECONDS))
        bench.flush()
        with LagWatch(bench.lab.stack.kafka, OURS, every_seconds=2.0) as watch:
            load = take_part_prepared(bench, tokens, rate, STEP_SECONDS)
        unread, p99 = max(watch.last().values(), default=0), _result_p99(load)
        failed = failures(load) + load.not_begun
        keeps_up = not failed and p99 < RESULT_MS_WANTED and unread < BEHIND_SECONDS_MAX * rate
        steps.append(
            {
                "rate": rate,
                "reached": load.rate,
                "failed": failed,
                "result_p99_ms": p99,
                "unread": unread,
                "keeps_up": keeps_up,
            }
        )
        outcome.notes.append(
            f"asked for {rate:,.0f}/s: {load.rate:,.0f}/s, {failed:,} failed, result p99 {p99:,.0f} ms, "
            f"{unread:,} events unread at the end: {'keeps up' if keeps_up else 'does not keep up'}"
        )
        try:
            wait_until_read(bench.lab.stack.kafka, OURS, READ_SECONDS_MAX)
        except BenchError as error:
            outcome.problems.append(f"after {rate:,.0f}/s: {error}")
            break
        if not keeps_up:
            break
        reached = rate
    outcome.details["ceiling"] = steps
    outcome.require("ceiling, participants/s", reached, ">=", TARGET_RATE)


def _keep(outcome: Outcome, load: Load, watch: LagWatch, meter: Meter) -> None:
    outcome.details["timeline"] = [
        {"second": one.second, "submit": one.submit, "p99_ms": one.p99_ms} for one in load.timeline
    ]
    outcome.details["unread"] = [
        {"second": round(at, 1), "events": list(behind)} for at, behind in watch.seen
    ]
    began = meter.samples[0].at
    outcome.details["memory_mb"] = [
        {"second": round(sample.at - began, 1)}
        | {name: round(size / 2**20, 1) for name, size in sample.memory_bytes.items()}
        for sample in meter.samples
    ]


def _tell_lags(log: Log, since_ms: int, until_ms: int, outcome: Outcome) -> None:
    lags = lags_of(log, since_ms, until_ms)
    for name, seconds in (("award", lags.award), ("notice of the award", lags.notice)):
        p50, p99 = percentile(seconds, 0.5), percentile(seconds, 0.99)
        outcome.details[f"{name}, seconds after the submission"] = {"p50": p50, "p99": p99}
        outcome.notes.append(
            f"{name}: {p50:.2f} s after the submission, p99 {p99:.2f} s ({len(seconds):,} of them)"
        )


def _result_p99(load: Load) -> float:
    latency = load.steps["result_wait"].latency_ms
    return latency.p99 if latency else float("inf")


def _now_ms() -> int:
    return int(time.time() * 1000)

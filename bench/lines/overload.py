"""
Overload: far more submissions a second than one process can take, beside a modest load that goes on.

It is run twice: with senders that give up at a 503, and with senders that come back after its Retry-After.
What was acknowledged must be graded, nothing else may be acknowledged, and within seconds the modest load
must be served as before.
"""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.bench import Bench, clean, failed_of
from bench.lines.intake import write_requests
from bench.load import client
from bench.load.client import Load, Plan
from bench.report import Outcome

TITLE = "one api process far beyond its capacity, beside a modest load"
PARTS = ("quiz-1", "quiz-worker-1")
MODEST_RATE = 200.0
MODEST_CONNECTIONS = 200
# More than the service accepts at one time (load shedding), so that it must refuse some.
CONNECTIONS = 12_000
TIMEOUT_MS = 60_000
CALM_MS = 100.0
BACK_SECONDS_WANTED = 10.0
REPLY_SECONDS_MAX = 20.0
REPLY_BYTES_MAX = 4_096
RETRY_AFTER = re.compile(rb"(?i)\r\nretry-after: *\d+\r\n")


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a few requests from Python got. They look at the headers, which the client does not report."""

    refused: int
    with_retry_after: int


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("overload", TITLE)
    variants = {"give up at 503": False, "come back": True}
    with clean(bench):
        with bench.lab.running(*PARTS):
            for variant, retry in list(variants.items())[: bench.size(2, 1)]:
                bench.tell(f"senders who {variant}")
                outcome.add(variant, _overload(bench, variant, retry, outcome))
            bench.tell("grading what was taken in")
            bench.lab.settle({"quiz-grading"})
        bench.audit(outcome, ["quiz"])
    refused = sum(outcome.values("give up at 503", "refused with 503"))
    if not bench.short:
        # A short flood is over before load shedding begins.
        outcome.require("refused with 503 beyond capacity", refused, ">=", 1)
    looked_at = sum(run.figures["503s looked at for Retry-After"] for run in outcome.runs)
    if looked_at:
        without = sum(run.figures["503s without Retry-After"] for run in outcome.runs)
        outcome.require("503s without Retry-After", without, "=", 0)
    else:
        outcome.notes.append("no 503 came to the senders who look for Retry-After: not judged")
    if not sum(outcome.values("come back", "refused with 503")):
        outcome.notes.append("nobody who comes back was refused, so coming back was not put to the test")
    lost = sum(run.figures["answered neither 202 nor 503"] for run in outcome.runs)
    outcome.require("answered neither 202 nor 503", lost, "=", 0)
    back = max(run.figures["back to normal after its last answer, s"] for run in outcome.runs)
    outcome.require("back to normal after its last answer, s", back, "<=", BACK_SECONDS_WANTED)
    return outcome


@dataclass(frozen=True, slots=True)
class Flood:
    """One flood and the modest load beside it. Seconds count from the start of the modest load."""

    rate: float
    quiet_before: float
    seconds: float
    ended: float
    flooded: Load
    modest: Load
    seen: Refusals


def _overload(bench: Bench, variant: str, retry: bool, outcome: Outcome) -> dict[str, float]:
    flood = _flood(bench, variant.split()[0], retry)
    normal, seen = flood.modest, flood.seen
    step = flood.flooded.steps["request"]
    lost = failed_of(step) - step.by_status.get(503, 0) + failed_of(normal.steps["request"])
    outcome.details[f"modest load: {variant}"] = [
        {"second": one.second, "request": one.request, "failed": one.failed, "p99_ms": one.p99_ms}
        for one in normal.timeline
    ]
    outcome.details[f"flood failed: {variant}"] = dict(step.failed)
    intended_end = flood.quiet_before + flood.seconds
    return {
        "asked for, submissions/s": flood.rate,
        # Requests that found no free connection are sent late, so the flood is longer than planned.
        "flood lasted until its last answer, s": flood.ended - flood.quiet_before,
        "back to normal after its intended end, s": _back_after(normal, flood.quiet_before, intended_end),
        "accepted": step.by_status.get(202, 0),
        "refused with 503": step.by_status.get(503, 0) + step.turned_away,
        "not begun for want of connections": flood.flooded.not_begun,
        "answered neither 202 nor 503": lost,
        "503s without Retry-After": seen.refused - seen.with_retry_after,
        "503s looked at for Retry-After": seen.refused,
        "flood p99, ms": step.latency_ms.p99 if step.latency_ms else float("nan"),
        "back to normal after its last answer, s": _back_after(normal, flood.quiet_before, flood.ended),
    }


def _flood(bench: Bench, name: str, retry: bool) -> Flood:
    """Begin the modest load, flood the service in the middle of it, and wait for both to end."""
    rate, seconds = bench.size(25_000.0, 1_000.0), bench.size(8.0, 0.5)
    quiet_before, quiet_after = bench.size(10.0, 1.0), bench.size(40.0, 1.0)
    target = bench.lab.target("quiz-1")
    requests = write_requests(bench, f"flood-{name}", int(rate * seconds))
    modest_seconds = quiet_before + seconds + quiet_after
    modest = write_requests(bench, f"modest-{name}", int(MODEST_RATE * modest_seconds))
    probes = write_requests(bench, f"probe-{name}", bench.size(60, 10))
    kept = [bench.file("acknowledged-modest"), bench.file("acknowledged-flood")]
    beside = client.start(
        Plan(
            targets=(target,),
            requests=modest,
            rate=MODEST_RATE,
            connections=MODEST_CONNECTIONS,
            seconds=modest_seconds,
            acknowledged=kept[0],
            retry_503=True,
            timeout_ms=TIMEOUT_MS,
        )
    )
    began = time.monotonic()
    time.sleep(quiet_before)
    flooding = client.start(
        Plan(
            targets=(target,),
            requests=requests,
            rate=rate,
            connections=bench.size(CONNECTIONS, 500),
            # A connection that the full backlog refuses would say nothing about the service.
            connect_first=True,
            seconds=seconds,
            acknowledged=kept[1],
            retry_503=retry,
            timeout_ms=TIMEOUT_MS,
        )
    )
    seen = _probe(target, probes.read_bytes(), seconds)
    flooded = flooding.wait(seconds + TIMEOUT_MS / 1000 + client.STOP_SECONDS_MAX)
    ended = time.monotonic() - began
    normal = beside.wait(modest_seconds + TIMEOUT_MS / 1000 + client.STOP_SECONDS_MAX)
    for path in kept:
        bench.promise(path)
    for path in (requests, modest, probes):
        path.unlink()
    return Flood(rate, quiet_before, seconds, ended, flooded, normal, seen)


def _back_after(normal: Load, quiet_before: float, ended: float) -> float:
    """Seconds from the end of the flood until everything is as it was before, and stays so."""
    before = [one.p99_ms for one in normal.timeline[1 : int(quiet_before)] if one.p99_ms is not None]
    calm = max([CALM_MS, *(2 * p99 for p99 in before)])
    last = 0
    for one in normal.timeline:
        upset = one.failed or one.turned_away or (one.p99_ms is not None and one.p99_ms > calm)
        if upset and one.second >= quiet_before:
            last = one.second + 1
    return max(0.0, last - ended)


def _probe(target: str, requests: bytes, seconds: float) -> Refusals:
    """Send a few submissions during the flood, and look at the 503s among the answers."""
    split: list[bytes] = []
    at = 0
    while at < len(requests):
        length = int.from_bytes(requests[at : at + 4], "little")
        split.append(requests[at + 4 : at + 4 + length])
        at += 4 + length
    # A thread for each: they wait long for their answers, and must not wait for each other.
    with ThreadPoolExecutor(len(split)) as pool:
        delays = (seconds * place / len(split) for place in range(len(split)))
        answers = list(pool.map(lambda request, delay: _ask(target, request, delay), split, delays))
    refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503")]
    return Refusals(len(refused), sum(bool(RETRY_AFTER.search(answer)) for answer in refused))


def _ask(target: str, request: bytes, delay_seconds: float) -> bytes:
    host, _, port = target.partition(":")
    time.sleep(delay_seconds)
    try:
        with socket.create_connection((host, int(port)), timeout=REPLY_SECONDS_MAX) as connection:
            connection.sendall(request)
            return connection.recv(REPLY_BYTES_MAX)
    except OSError:
        return b""

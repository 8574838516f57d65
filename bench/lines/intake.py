"""
Intake: one process of our quiz API, against a bare endpoint with the same group commit, and the naive way.

Closed loop: 1,024 connections send again as soon as they have an answer. So the rate is the most that this
machine can do, with Kafka and the client on it too.
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.bench import Bench, clean, failures, latency_figures
from bench.load.client import Load, Plan, requests_file
from bench.measure import Meter, interleaved, microseconds_each
from bench.report import Outcome
from services.quiz.attempts.tokens import AttemptTokens

TITLE = "submissions taken in, one process, closed loop"
CONNECTIONS = 1_024
BARE_SHARE_WANTED = 0.8
NAIVE_TIMES_WANTED = 4.0


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("intake", TITLE)
    count, seconds = bench.size(60_000, 600), bench.size(10.0, 1.0)
    with clean(bench), ExitStack() as stack:
        bare = stack.enter_context(bench.lab.aside("bare_intake", topic="bench.submitted.bare"))
        naive = stack.enter_context(bench.lab.aside("naive_intake", topic="bench.submitted.naive"))
        bench.lab.start("quiz-1")
        targets = {"ours": bench.lab.target("quiz-1"), "bare": bare.target, "naive": naive.target}
        pids = {
            "ours": bench.lab.pids("quiz-1"),
            "bare": bench.lab.pids(asides=[bare]),
            "naive": bench.lab.pids(asides=[naive]),
        }
        if not bench.short:
            _warm_up(bench, targets)
        for round_, name in interleaved(list(targets), bench.rounds):
            bench.tell(f"{name}, run {round_ + 1} of {bench.rounds}")
            # Every run submits other attempts. Only our service would notice repeated ones.
            requests = write_requests(bench, f"{round_}-{name}", count)
            with Meter(pids[name]) as meter:
                load = _load(bench, targets[name], requests, seconds, name)
            done = load.steps["request"].count
            if failed := failures(load):
                outcome.problems.append(f"{name}: {failed} of {done} requests failed")
            each = microseconds_each(meter.cpu_seconds(), done)
            server = next(iter(pids[name]))
            outcome.add(
                name,
                {
                    "submissions/s": load.rate,
                    **latency_figures(load, "request"),
                    "CPU of the server, µs each": each[server],
                    "CPU of Kafka, µs each": each["kafka"],
                    "CPU of the client, µs each": load.cpu_seconds * 1e6 / max(1, done),
                },
            )
        bench.tell("grading what was taken in")
        bench.lab.start("quiz-worker-1")
        bench.lab.settle({"quiz-grading"})
        bench.audit(outcome, ["quiz"])
    outcome.require_ratio(
        "intake : bare endpoint with the same group commit", "submissions/s", "bare", BARE_SHARE_WANTED
    )
    outcome.require_ratio(
        "intake : FastAPI + pydantic + await publish", "submissions/s", "naive", NAIVE_TIMES_WANTED
    )
    outcome.notes.append("all three get the same bytes; bare and naive check no token, to their advantage")
    return outcome


def _warm_up(bench: Bench, targets: Mapping[str, str]) -> None:
    for name, target in targets.items():
        bench.tell(f"{name}, warming up")
        _load(bench, target, write_requests(bench, f"warm-{name}", 20_000), 8.0, name)


def write_requests(bench: Bench, crowd: str, count: int) -> Path:
    """Submissions of a crowd, ready to be sent."""
    path = bench.file(f"requests-{crowd}")
    tokens = AttemptTokens(bench.lab.services.secrets["KEPU_ATTEMPT_KEY"])
    requests_file(path, bench.lab.contest.submissions(crowd, count, tokens))
    return path


def _load(bench: Bench, target: str, requests: Path, seconds: float, name: str) -> Load:
    acknowledged = bench.file("acknowledged") if name == "ours" else None
    load = bench.load(
        Plan(
            targets=(target,),
            requests=requests,
            connections=CONNECTIONS,
            seconds=seconds,
            acknowledged=acknowledged,
        )
    )
    requests.unlink()
    time.sleep(0.2)
    return load

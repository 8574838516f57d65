"""
Autosave: one process of our quiz API that saves answers, against a bare endpoint with the same group commit.

Each request saves another attempt, since an attempt is saved at most once a second. Afterwards a worker keeps
what was saved, and the line says what a save costs there.
"""

import time
from contextlib import ExitStack
from pathlib import Path

from bench.bench import Bench, clean, failures, latency_figures
from bench.load.client import Load, Plan, requests_file
from bench.measure import Meter, interleaved, microseconds_each
from bench.report import Outcome
from services.quiz.attempts.tokens import AttemptTokens

TITLE = "answers saved, one process, closed loop"
CONNECTIONS = 1_024
BARE_SHARE_WANTED = 0.7


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("autosave", TITLE)
    count, seconds = bench.size(60_000, 600), bench.size(8.0, 1.0)
    with clean(bench), ExitStack() as stack:
        bare = stack.enter_context(bench.lab.aside("bare_save_intake", topic="bench.submitted.bare"))
        bench.lab.start("quiz-1")
        targets = {"ours": bench.lab.target("quiz-1"), "bare": bare.target}
        pids = {"ours": bench.lab.pids("quiz-1"), "bare": bench.lab.pids(asides=[bare])}
        if not bench.short:
            for name, target in targets.items():
                bench.tell(f"{name}, warming up")
                _load(bench, target, _requests(bench, f"warm-{name}", 20_000), 6.0)
        saved = 0
        for round_, name in interleaved(list(targets), bench.rounds):
            bench.tell(f"{name}, run {round_ + 1} of {bench.rounds}")
            requests = _requests(bench, f"{round_}-{name}", count)
            with Meter(pids[name]) as meter:
                load = _load(bench, targets[name], requests, seconds)
            done = load.steps["request"].count
            saved += done if name == "ours" else 0
            if failed := failures(load):
                outcome.problems.append(f"{name}: {failed} of {done} requests failed")
            each = microseconds_each(meter.cpu_seconds(), done)
            outcome.add(
                name,
                {
                    "saves/s": load.rate,
                    **latency_figures(load, "request"),
                    "CPU of the server, µs each": each[next(iter(pids[name]))],
                    "CPU of Kafka, µs each": each["kafka"],
                },
            )
        _keep(bench, outcome, saved)
        bench.audit(outcome, ["quiz"])
    outcome.require_ratio(
        "autosave : bare endpoint with the same group commit", "saves/s", "bare", BARE_SHARE_WANTED
    )
    outcome.notes.append("both get the same bytes; bare checks no token, to its advantage")
    return outcome


def _keep(bench: Bench, outcome: Outcome, saved: int) -> None:
    """Let a worker keep what was saved, and note what it costs."""
    bench.tell("keeping what was saved")
    bench.lab.start("quiz-worker-1")
    began = time.monotonic()
    with Meter(bench.lab.pids("quiz-worker-1")) as meter:
        bench.lab.settle({"quiz-saving"})
    seconds = time.monotonic() - began
    each = microseconds_each(meter.cpu_seconds(), max(1, saved))
    outcome.notes.append(
        f"keeping {saved:,} saves took {seconds:.1f} s; for each save the worker took"
        f" {each['quiz-worker-1']:.0f} µs of CPU and mongod {each['mongod']:.0f} µs"
    )


def _requests(bench: Bench, crowd: str, count: int) -> Path:
    path = bench.file(f"requests-{crowd}")
    tokens = AttemptTokens(bench.lab.services.secrets["KEPU_ATTEMPT_KEY"])
    requests_file(path, bench.lab.contest.saves(crowd, count, tokens))
    return path


def _load(bench: Bench, target: str, requests: Path, seconds: float) -> Load:
    plan = Plan(targets=(target,), requests=requests, connections=CONNECTIONS, seconds=seconds)
    load = bench.load(plan)
    requests.unlink()
    time.sleep(0.2)
    return load

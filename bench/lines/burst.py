"""
The burst: 10,000 participants on 10,000 connections start at one moment, and later submit at one moment.

Two processes of the quiz API run, and the rest of the chain behind them.
"""

from bench import crowds
from bench.bench import Bench, clean, failures, latency_figures
from bench.load.client import Plan
from bench.report import Outcome

TITLE = "all start at one moment, and all submit at one moment"
PARTS = ("quiz-1", "quiz-2", "quiz-worker-1", "awards", "notifications")
P99_MS_WANTED = 1_000.0


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("burst", TITLE)
    count = bench.size(10_000, 200)
    variant = f"{count:,} at once"
    with clean(bench):
        with bench.lab.running(*PARTS):
            bench.lab.put_scheme()
            for round_ in range(bench.size(-1, 0), bench.rounds):
                bench.tell("warming up" if round_ < 0 else f"run {round_ + 1} of {bench.rounds}")
                warm = round_ < 0
                some = count // 5 if warm else count
                tokens = crowds.write_tokens(bench, f"burst-{round_}", some)
                load = bench.load(
                    Plan(
                        targets=(bench.lab.target("quiz-1"), bench.lab.target("quiz-2")),
                        participants=tokens,
                        quiz=bench.lab.contest.quiz_id,
                        burst=True,
                        count=some,
                        acknowledged=bench.file("acknowledged"),
                    )
                )
                tokens.unlink()
                failed = failures(load)
                if failed:
                    kinds = {name: (step.by_status, step.failed) for name, step in load.steps.items()}
                    outcome.problems.append(f"{failed} requests failed: {kinds}")
                if not warm:
                    outcome.add(
                        variant,
                        {
                            "failed": failed,
                            "submitted": load.steps["submit"].by_status.get(202, 0),
                            **latency_figures(load, "start"),
                            **latency_figures(load, "submit"),
                        },
                    )
            bench.tell("coming to rest")
            bench.lab.settle()
        bench.audit(outcome)
    outcome.require("failed requests", max(outcome.values(variant, "failed"), default=0), "=", 0)
    for step in ("start", "submit"):
        outcome.require(f"{step}, p99 in ms", outcome.median(variant, f"{step} p99, ms"), "<", P99_MS_WANTED)
    return outcome

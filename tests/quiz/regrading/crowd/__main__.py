"""
Play the crowd on servers of its own, and say what is wrong. Exits with 0 if nothing is.

    .venv/bin/python -m tests.quiz.regrading.crowd --attempts 100000
"""

import argparse
import asyncio
import json
import sys

from tests.quiz.regrading.crowd.crowd import Plan, Report
from tests.quiz.regrading.crowd.played import played, services_of
from tests.support.servers import own_stack

# Of six people come ten attempts.
PEOPLE_OF_TEN = 6


def main() -> int:
    """Play it."""
    parser = argparse.ArgumentParser(
        description="A contest is corrected under load, and everything is killed."
    )
    parser.add_argument("--attempts", type=int, default=100_000)
    parser.add_argument("--visitors", type=int, default=400, help="people who come over HTTP")
    parser.add_argument(
        "--stream-seconds", type=float, default=150.0, help="of the last 40 %% of the attempts"
    )
    parser.add_argument(
        "--settle-seconds", type=float, help="from a correction on; as in the product without it"
    )
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    plan = Plan(
        people=chosen.attempts * PEOPLE_OF_TEN // 10,
        visitors=chosen.visitors,
        stream_seconds=chosen.stream_seconds,
        settle_seconds=chosen.settle_seconds,
        seed=chosen.seed,
    )
    with own_stack() as stack, services_of(stack) as services:
        report = asyncio.run(played(plan, services, _say))
    _tell(report)
    return 1 if report.wrong else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _tell(report: Report) -> None:
    _say(f"killed: {', '.join(report.kills)}")
    for name, (preview, outcome) in zip(
        ("under load", "at rest"), zip(report.previews, report.outcomes, strict=True), strict=True
    ):
        _say(f"preview {name}: {json.dumps(preview['figures'])}, ranks {preview['ranks']}")
        _say(f"outcome {name}: {json.dumps(outcome)}")
    _say(f"figures: {report.figures}; over HTTP: {len(report.receipts)}; seconds: {report.seconds}")
    for words in report.wrong:
        _say(f"WRONG: {words}")
    _say("nothing is wrong" if not report.wrong else f"{len(report.wrong)} things are wrong")


if __name__ == "__main__":
    sys.exit(main())

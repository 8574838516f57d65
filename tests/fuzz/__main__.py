"""
Fuzz everything on servers of its own. Exits with 0 if each input has a verdict and no promise is broken.

    .venv/bin/python -m tests.fuzz --inputs 100000 --seed 1
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from ops.local.services import Services, running
from shared.messaging.create_topics import create_missing
from tests.fuzz.batches import played_apart
from tests.fuzz.play import played
from tests.support.servers import own_stack


def main() -> int:
    """Play it and say how it went."""
    parser = argparse.ArgumentParser(description="Malformed input of every kind, each accounted for.")
    parser.add_argument("--inputs", type=int, default=100_000, help="records and requests in all")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same inputs")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            lines = [played_apart(chosen.inputs // 4, chosen.seed, Path(folder))]
        except AssertionError as error:
            sys.stdout.write(f"WRONG: {error}\n")
            return 1
    with own_stack() as stack:
        asyncio.run(create_missing(stack.kafka))
        with running(Services(stack, detached=False)) as services:
            report = asyncio.run(played(services, inputs=chosen.inputs, seed=chosen.seed))
    lines = [report.title, *lines, *report.lines, *(f"WRONG: {words}" for words in report.wrong)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

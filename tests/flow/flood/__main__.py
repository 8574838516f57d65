"""
Flood every topic on servers of its own. Exits with 0 if no promise is broken.

    .venv/bin/python -m tests.flow.flood --records 10000
"""

import argparse
import asyncio
import sys

from ops.local.services import Services, running
from shared.messaging.create_topics import create_missing
from tests.flow.flood.play import played
from tests.support.servers import own_stack


def main() -> int:
    """Play it and say how it went."""
    parser = argparse.ArgumentParser(description="Malformed records, and a contest meanwhile.")
    parser.add_argument("--records", type=int, default=10_000, help="malformed records into each topic")
    parser.add_argument("--people", type=int, default=100, help="people who sit the contest meanwhile")
    chosen = parser.parse_args()
    with own_stack() as stack:
        asyncio.run(create_missing(stack.kafka))
        with running(Services(stack, detached=False)) as services:
            report = asyncio.run(played(services, records=chosen.records, people=chosen.people))
    lines = [report.title, *report.lines, *(f"WRONG: {words}" for words in report.wrong)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

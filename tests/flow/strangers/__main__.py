"""
Play the three anonymous attacks on servers of their own. Exits with 0 if no promise is broken.

    .venv/bin/python -m tests.flow.strangers --minutes 4
"""

import argparse
import asyncio
import sys

from ops.local.services import Services
from shared.messaging.create_topics import create_missing
from tests.flow.strangers import bomb, book_out, farm
from tests.flow.strangers.week import Report, Week
from tests.support.servers import own_stack

HOLD_MINUTES = 1


async def main() -> int:
    """Play them, one after the other."""
    parser = argparse.ArgumentParser(
        description="Strangers book out the week, bomb mailboxes, farm the contest."
    )
    parser.add_argument("--minutes", type=float, default=4, help="how long the week is booked out")
    parser.add_argument("--honest", type=int, default=20, help="people who want a place meanwhile")
    parser.add_argument("--mailboxes", type=int, default=20, help="mailboxes that are bombed")
    parser.add_argument("--identities", type=int, default=260, help="made-up people for the contest")
    chosen = parser.parse_args()
    wrong: list[str] = []
    with own_stack() as stack:
        await create_missing(stack.kafka)
        services = Services(stack, detached=False, hold_minutes=HOLD_MINUTES)
        try:
            services.up()
            async with Week(services) as week:
                wrong += _told(await bomb.played(week, mailboxes=chosen.mailboxes))
                wrong += _told(await farm.played(week, identities=chosen.identities))
                wrong += _told(await book_out.played(week, minutes=chosen.minutes, honest=chosen.honest))
        finally:
            services.down()
    sys.stdout.write("a promise is broken\n" if wrong else "no promise is broken\n")
    return 1 if wrong else 0


def _told(report: Report) -> list[str]:
    """Show the report of an attack. What is wrong in it."""
    lines = [report.title, *report.lines, *(f"WRONG: {words}" for words in report.wrong), ""]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    return report.wrong


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

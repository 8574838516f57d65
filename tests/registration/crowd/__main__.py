"""
Play the crowd on servers of its own, and say what is wrong. Exits with 0 if nothing is.

    .venv/bin/python -m tests.registration.crowd --people 50000 --kills 20
"""

import argparse
import asyncio
import sys

from shared.storage.mongo import connect
from tests.registration.crowd.crowd import Plan, Report, played
from tests.support.servers import own_stack

# Of one session: more have no place and no wait.
WAITING_MAX = 10_000


async def main() -> int:
    """Play it."""
    parser = argparse.ArgumentParser(description="A crowd at two copies of registration, killed in turn.")
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--twice", type=int, help="so many of them ask twice; all if it is left out")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--capacity", type=int, default=500, help="places of a session")
    parser.add_argument("--sign-ins", type=int, default=4_000, help="second devices that sign in")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=400, help="requests under way")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    plan = Plan(
        people=chosen.people,
        twice=chosen.people if chosen.twice is None else chosen.twice,
        sessions=chosen.sessions,
        capacity=chosen.capacity,
        waiting_max=WAITING_MAX,
        sign_ins=chosen.sign_ins,
        kills=chosen.kills,
        at_once=chosen.at_once,
    )
    with own_stack() as stack:
        async with (
            connect(stack.mongo, "crowd_registration") as registration,
            connect(stack.mongo, "crowd_quiz") as quiz,
        ):
            report = await played(plan, stack.mongo, (registration, quiz), seed=chosen.seed)
    _say(plan, report)
    return 1 if report.wrong else 0


def _say(plan: Plan, report: Report) -> None:
    seconds = {name: round(time) for name, time in report.seconds.items()}
    lines = [
        f"{plan.people} people, {plan.twice} of them twice, {plan.copies} copies, {report.kills} kills",
        f"without an answer and sent again: {report.again}",
        f"answers: {dict(sorted(report.answers.items()))}",
        f"stored: {report.stored}; seconds: {seconds}",
        *(f"WRONG: {words}" for words in report.wrong),
        "nothing is wrong" if not report.wrong else "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

"""
Break guarantees on purpose, one by one, and see that a test notices each.

    python -m tests.mutations [WORD…]        all, or those with one of the words in their names

Exits with 0 only if every mutation was noticed.
"""

import asyncio
import sys
from pathlib import Path

from rich.console import Console

from ops.stack import Stack
from ops.stack.scratch import scratch
from shared.messaging.create_topics import create_missing
from tests.mutations.running import Outcome, Verdict, copy, read, run

ROOT = Path(__file__).parents[2]
LISTS = Path(__file__).parent
COLOURS = {Verdict.noticed: "green", Verdict.survived: "red", Verdict.broken: "red"}
console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    words = sys.argv[1:]
    chosen = [one for one in read(LISTS) if not words or any(word in one.name for word in words)]
    if not chosen:
        console.print(f"no mutation has {' or '.join(words)} in its name; see {LISTS}")
        return 1
    console.print(f"{len(chosen)} mutations, each in a copy of the project; Ctrl-C leaves nothing behind")
    with scratch("kepu-mutations-") as folder:
        copied = copy(ROOT, folder / "project")
        with Stack(folder / "stack", detached=False, tell=console.print) as stack:
            asyncio.run(create_missing(stack.kafka))
            outcomes = run(copied, chosen, {"KEPU_KAFKA": stack.kafka, "KEPU_MONGO": stack.mongo}, _tell)
    amiss = [outcome for outcome in outcomes if outcome.verdict is not Verdict.noticed]
    console.print(f"\n{len(outcomes) - len(amiss)} of {len(outcomes)} were noticed")
    return 1 if amiss else 0


def _tell(outcome: Outcome) -> None:
    verdict = outcome.verdict
    console.print(f"[{COLOURS[verdict]}]{verdict:9}[/] {outcome.mutation.name}")
    if verdict is not Verdict.noticed:
        console.print(f"  in {outcome.mutation.file}, by {', '.join(outcome.mutation.tests)}", markup=False)
        console.print("\n".join(f"  {line}" for line in outcome.said.splitlines()), markup=False)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

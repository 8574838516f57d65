"""What a rebuild has found, on the terminal. No value of a document is shown: it may be personal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.rebuilding.run import Outcome


def show_outcomes(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print a line for each projection, what differs, and the verdict."""
    columns = ("service", "collection", "made again", "missing", "only live", "different")
    table = Table(*columns, box=None, pad_edge=False)
    for one in outcomes:
        found = one.difference
        counts = (found.compared, found.missing_count, found.more_count, found.differing_count)
        table.add_row(one.service, one.collection, *map(str, counts))
    console.print(table)
    for one in outcomes:
        found = one.difference
        examples = {"missing": found.missing, "only live": found.more, "different": found.differing}
        for kind, ids in examples.items():
            if ids:
                may_be_older = kind == "only live" and one.is_short
                note = " (they may be older than what the log keeps)" if may_be_older else ""
                words = f"{one.service}.{one.collection}: {kind}{note}: {'; '.join(ids)}"
                console.print(escape(words), soft_wrap=True)
    wrong = sum(not one.agrees for one in outcomes)
    verdict = f"{wrong} of {len(outcomes)} projections differ" if wrong else "all projections agree"
    console.print(f"[{'red' if wrong else 'green'}]Rebuild: {verdict}[/]")

"""The tables of a run: the faults, what was asked and acknowledged, what was checked, and the verdict."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from ops.chaos.history import KINDS
from ops.chaos.run import Report


def show(found: Report, console: Console) -> None:
    """Print what was suffered, what was checked, and the verdict."""
    console.print(_faults(found))
    console.print(_asked(found))
    console.print(_checked(found))
    audits = found.audit.checks if found.audit else {}
    for name, checks in {"history": found.checks, **audits}.items():
        for check in checks:
            if not check.agrees:
                console.print(f"[red]{name}: {check.name}: {check.examples()}[/]", soft_wrap=True)
    verdict = f"{found.lost} lost, {found.doubled} doubled, {found.wrong} wrong"
    colour = "green" if found.agrees else "red"
    console.print(
        f"[{colour}]Chaos: {verdict}[/] ({len(found.suffered)} faults, {found.restarts} restarts, "
        f"{found.aborted} transactions aborted by hand, seed {found.plan.seed}, {found.seconds:.0f} s)",
        soft_wrap=True,
    )


def _faults(found: Report) -> Table:
    table = Table(title="What broke", title_justify="left", box=None, pad_edge=False)
    table.add_column("fault")
    table.add_column("seconds", justify="right")
    table.add_column("until people are acknowledged again", justify="right")
    table.add_column("")
    for one in found.suffered:
        again = "never" if one.recovered_seconds is None else f"{one.recovered_seconds:.1f}"
        table.add_row(str(one.fault), f"{one.ended_at - one.began_at:.1f}", again, one.note)
    return table


def _asked(found: Report) -> Table:
    counts = Counter((one.kind, one.outcome) for one in found.history)
    table = Table(title="\nWhat was asked", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for heading in ("acknowledged", "refused", "unknown"):
        table.add_column(heading, justify="right")
    for kind in KINDS:
        table.add_row(kind, *(f"{counts[kind, word]:,}" for word in ("ok", "fail", "unknown")))
    return table


def _checked(found: Report) -> Table:
    table = Table(title="\nWhat was checked", title_justify="left", box=None, pad_edge=False)
    table.add_column("statement")
    for heading in ("expected", "found", "lost", "twice", "wrong"):
        table.add_column(heading, justify="right")
    for check in found.checks:
        amiss = (len(check.missing), len(check.duplicated), len(check.wrong))
        counts = (f"{count:,}" for count in (check.expected, check.found, *amiss))
        table.add_row(check.name, *counts, style="" if check.agrees else "red")
    if found.audit:
        statements = sum(len(checks) for checks in found.audit.checks.values())
        table.add_row(
            f"the audit, {statements} statements",
            "",
            "",
            *map(str, (found.audit.missing, found.audit.duplicated, found.audit.wrong)),
            style="" if found.audit.agrees else "red",
        )
    return table

"""A table in Markdown."""

from collections.abc import Iterable, Sequence

# A bar within a cell, also within code.
BAR = "\\|"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The lines of a table."""
    return "\n".join([_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)])


def code(*names: str) -> str:
    """These names as code."""
    return ", ".join(f"`{name}`" for name in names)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', BAR).strip() for cell in cells)} |"

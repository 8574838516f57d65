"""What is counted, and which cells are shown. All functions are pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from shared.runtime.small_cells import hidden_cells, hidden_units

By = Literal["scheme", "tier", "kind", "district", "unit", "audience"]
"""Of what the cells are. A unit is the group of a recipient, or the group that is the recipient."""
OF_PEOPLE: frozenset[By] = frozenset({"district", "unit", "audience"})
"""What is known of the recipient, not of the award. A small cell of these says something about a person."""
# Fewer people are not shown as a cell.
CELL_MIN = 5


class Count(msgspec.Struct, frozen=True):
    """
    Some awards by what has become of them.

    Attributes:
        recipients: how many different people and groups have them; counted only by `OF_PEOPLE`.
        people: those of the recipients who are no groups.
    """

    held: int = 0
    revoked: int = 0
    superseded: int = 0
    recipients: int = 0
    people: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.held + other.held,
            self.revoked + other.revoked,
            self.superseded + other.superseded,
            self.recipients + other.recipients,
            self.people + other.people,
        )


class Row(msgspec.Struct, frozen=True):
    """The awards that have all these names in common; None: they have no such name."""

    names: Mapping[By, str | None]
    count: Count


class Cell(msgspec.Struct, frozen=True):
    """The awards of one name; `count` is None if the cell is hidden."""

    name: str | None
    count: Count | None


def total(rows: Iterable[Row]) -> Count:
    """All of these awards."""
    return sum((row.count for row in rows), Count())


def cells_of(rows: Sequence[Row], by: By) -> list[Cell]:
    """The cells of a kind by name; last those of awards that have no such name."""
    counts = _sums(rows, by)
    hidden = _hidden(rows, by) if by in OF_PEOPLE else set[str | None]()
    names = sorted(counts, key=lambda name: (name is None, name or ""))
    return [Cell(name, None if name in hidden else counts[name]) for name in names]


def _sums(rows: Iterable[Row], by: By) -> dict[str | None, Count]:
    sums: dict[str | None, Count] = {}
    for row in rows:
        name = row.names[by]
        sums[name] = sums.get(name, Count()) + row.count
    return sums


def _hidden(rows: Sequence[Row], by: By) -> set[str | None]:
    """
    The cells of few people, and others that hide them.

    Awards of groups are public, so cells without any person are shown, and hide nobody.
    """
    of_people = [row for row in rows if row.count.people]
    people = _people(of_people, by)
    if by != "unit":
        return hidden_cells(people, CELL_MIN)
    places: dict[tuple[str | None, str | None], int] = {}
    for row in of_people:
        place = row.names["district"], row.names["unit"]
        places[place] = places.get(place, 0) + row.count.people
    triples = ((district, unit, number) for (district, unit), number in places.items())
    return hidden_units(people, _people(of_people, "district"), triples, CELL_MIN)


def _people(rows: Iterable[Row], by: By) -> dict[str | None, int]:
    return {name: count.people for name, count in _sums(rows, by).items()}

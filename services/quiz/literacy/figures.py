"""The figures of a report: those of each cell that may be shown. Pure."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from services.quiz.literacy.rules import (
    Cell,
    Census,
    Interval,
    Measure,
    in_tier,
    mean_of,
    wilson,
)
from shared.runtime.small_cells import hidden_cells, hidden_units

By = Literal["audience", "district", "unit"]


class Figures(NamedTuple):
    """
    What is shown of a cell.

    Attributes:
        name: None for people who have none.
        people: None if the cell is hidden. Then there are no other figures either.
        tiers: for each tier of the measure, the people in it and their share.
    """

    name: str | None
    people: int | None = None
    mean: Interval | None = None
    tiers: Sequence[tuple[int, Interval]] = ()


def of_all(census: Census, measure: Measure) -> Figures:
    """The figures of everybody."""
    everybody = census.all
    return _shown(everybody, census, measure) if everybody.people >= measure.cell_min else Figures(None)


def of_cells(census: Census, measure: Measure, by: By) -> list[Figures]:
    """The figures of all cells of a kind, by name; last those of people who have none."""
    cells = {"audience": census.audiences, "district": census.districts, "unit": census.units}[by]
    if by == "unit":
        units = {cell.name: cell.people for cell in census.units}
        districts = {cell.name: cell.people for cell in census.districts}
        hidden = hidden_units(units, districts, census.places, measure.cell_min)
    else:
        hidden = hidden_cells({cell.name: cell.people for cell in cells}, measure.cell_min)
    return [
        Figures(cell.name) if cell.name in hidden else _shown(cell, census, measure)
        for cell in sorted(cells, key=lambda cell: (cell.name is None, cell.name or ""))
    ]


def _shown(cell: Cell, census: Census, measure: Measure) -> Figures:
    people, most = cell.people, census.half_points_max
    within = [in_tier(cell.points, most, measure.tiers, number) for number in range(len(measure.tiers))]
    tiers = [(number, wilson(number, people)) for number in within]
    return Figures(cell.name, people, mean_of(cell.points, most), tiers)

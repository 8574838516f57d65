"""Counts people by audience, district and unit, as they are read. Pure."""

from collections.abc import Mapping
from typing import TypeAlias

from services.quiz.literacy.rules import Cell, Census
from services.quiz.participants.rules import Profile

# How many districts, units, and pairs of both are counted. People of any others are counted as people without
# one. So what is stored has at most 16 MB, also if each cell has all numbers of points.
CELLS_OF_A_KIND_MAX = 2_000
PLACES_MAX = 10_000

_Cells: TypeAlias = dict[str | None, dict[int, int]]


class Counting:
    """What is counted so far."""

    def __init__(self, half_points_max: int) -> None:
        self._half_points_max = half_points_max
        self._audiences: _Cells = {}
        self._districts: _Cells = {}
        self._units: _Cells = {}
        self._places: dict[tuple[str | None, str | None], int] = {}

    def add(self, profile: Profile, half_points: int) -> None:
        """Count a person."""
        district = _room_for(profile.district, self._districts, CELLS_OF_A_KIND_MAX)
        unit = _room_for(profile.group_id, self._units, CELLS_OF_A_KIND_MAX)
        if (district, unit) not in self._places and len(self._places) >= PLACES_MAX:
            unit = None
        for cells, name in (
            (self._audiences, profile.audience),
            (self._districts, district),
            (self._units, unit),
        ):
            points = cells.setdefault(name, {})
            points[half_points] = points.get(half_points, 0) + 1
        self._places[district, unit] = self._places.get((district, unit), 0) + 1

    def census(self) -> Census:
        """What was counted."""
        places = [(district, unit, people) for (district, unit), people in self._places.items()]
        return Census(
            self._half_points_max,
            _cells(self._audiences),
            _cells(self._districts),
            _cells(self._units),
            places,
        )


def _room_for(name: str | None, cells: Mapping[str | None, object], cells_max: int) -> str | None:
    return name if name in cells or len(cells) < cells_max else None


def _cells(counts: _Cells) -> list[Cell]:
    return [Cell(name, points) for name, points in counts.items()]

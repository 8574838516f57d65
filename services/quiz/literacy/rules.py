"""
What a contest says about people's scientific literacy. All functions are pure.

Each person counts once, by the attempt that stands in the standings. A person is in a tier if the points are
at least its share of all points. The national survey calls people literate from 70 of 100 points on; other
tiers are data (`Measure`).

`wilson` and `mean_of` make shares and means with intervals of 95 %. Which cells are hidden:
`shared/runtime/small_cells.py`.

Source: docs/decisions/0067-literacy.md
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Annotated, NamedTuple, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.checked import Line
from shared.contracts.events import Percent
from shared.runtime.versions import version_of

TIERS_MAX = 10
CELL_MIN_LEAST = 5
CELL_MIN_MOST = 1_000
# Of the normal distribution: 95 % lie within.
Z = 1.959963984540054

# How many people have this number of half points.
Counts: TypeAlias = Mapping[int, int]


class Tier(BaseModel):
    """People with at least this share of all points, and less than the next tier's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line
    from_percent: Percent


class Measure(BaseModel):
    """
    The tiers, lowest first, and the number of people below which a cell is not shown.

    People below the lowest tier are in none.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"tiers": [{"name": "具备科学素质", "from_percent": 70}], "cell_min": 30}]
        },
    )

    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=TIERS_MAX)] = (
        Tier(name="具备科学素质", from_percent=70),
    )
    cell_min: Annotated[int, Field(ge=CELL_MIN_LEAST, le=CELL_MIN_MOST)] = 30

    @property
    def version(self) -> str:
        """The same for the same tiers and cells."""
        return version_of(self.model_dump(mode="json"))

    @model_validator(mode="after")
    def _tiers_rise(self) -> "Measure":
        begins = [tier.from_percent for tier in self.tiers]
        if begins != sorted(set(begins)):
            raise PydanticCustomError("tiers_order", "from_percent does not rise from tier to tier")
        if len({tier.name for tier in self.tiers}) < len(self.tiers):
            raise PydanticCustomError("tiers_alike", "two tiers have the same name")
        return self


class Cell(msgspec.Struct, frozen=True):
    """People of one audience, district or unit; `name` is None for those who have none."""

    name: str | None
    points: dict[int, int]

    @property
    def people(self) -> int:
        return sum(self.points.values())


class Census(msgspec.Struct, frozen=True):
    """
    What was counted of a quiz.

    Attributes:
        half_points_max: of a whole paper.
        places: by district and unit, how many people are of both.
    """

    half_points_max: int
    audiences: list[Cell]
    districts: list[Cell]
    units: list[Cell]
    places: list[tuple[str | None, str | None, int]]

    @property
    def all(self) -> Cell:
        """Everybody."""
        together: dict[int, int] = {}
        for cell in self.audiences:
            for half_points, people in cell.points.items():
                together[half_points] = together.get(half_points, 0) + people
        return Cell(None, together)


class Interval(NamedTuple):
    """An estimate, and the interval in which the true value lies with 95 %; in percent."""

    percent: float
    low: float
    high: float


def wilson(part: int, whole: int) -> Interval:
    """
    A share with its score interval, which is good for few people and near 0 and 100 % too.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927)
    """
    share, square = part / whole, Z * Z
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    half = Z * sqrt(share * (1 - share) / whole + square / (4 * whole * whole)) / (1 + square / whole)
    return Interval(100 * share, max(0.0, 100 * (middle - half)), min(100.0, 100 * (middle + half)))


def mean_of(counts: Counts, half_points_max: int) -> Interval:
    """The mean of the points in percent of all points, with the interval of a normal distribution."""
    people = sum(counts.values())
    total = sum(half_points * number for half_points, number in counts.items())
    squares = sum(half_points * half_points * number for half_points, number in counts.items())
    scale, mean = 100 / half_points_max, total / people
    if people == 1:
        return Interval(scale * mean, 0.0, 100.0)
    variance = (people * squares - total * total) / (people * (people - 1))
    half = Z * sqrt(variance / people)
    return Interval(scale * mean, max(0.0, scale * (mean - half)), min(100.0, scale * (mean + half)))


def in_tier(counts: Counts, half_points_max: int, tiers: Sequence[Tier], number: int) -> int:
    """How many people are in a tier: from its share on, and below the next tier's; nothing is rounded."""
    low = tiers[number].from_percent
    high = tiers[number + 1].from_percent if number + 1 < len(tiers) else None
    return sum(
        people
        for half_points, people in counts.items()
        if 100 * half_points >= low * half_points_max
        and (high is None or 100 * half_points < high * half_points_max)
    )

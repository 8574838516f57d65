"""Tiers by points, intervals as published, and hidden cells that stay hidden."""

import random
from collections.abc import Mapping
from fractions import Fraction

import pytest
from pydantic import ValidationError

from services.quiz.literacy.api import EXPORTED
from services.quiz.literacy.counting import CELLS_OF_A_KIND_MAX, PLACES_MAX, Counting
from services.quiz.literacy.figures import By, of_all, of_cells
from services.quiz.literacy.rules import Census, Measure, Tier, in_tier, mean_of, wilson
from services.quiz.participants.rules import Profile
from shared.runtime.small_cells import hidden_cells

AUDIENCES = ("youth", "farmers", "workers", "elderly", "officials", "other")


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18)],
)
def test_intervals_of_shares_are_those_that_were_published(
    part: int, whole: int, low: float, high: float
) -> None:
    # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17
    # (1998), table I, method 3.
    share = wilson(part, whole)
    assert share.percent == pytest.approx(100 * part / whole)
    assert [round(share.low, 2), round(share.high, 2)] == [low, high]


def test_the_mean_has_the_interval_of_its_standard_error() -> None:
    # 10, 20, 30, 40 of 40 half points: the mean is 25, the standard deviation 12.909944.
    mean = mean_of({10: 1, 20: 1, 30: 1, 40: 1}, 40)
    half = 1.959964 * 12.909944 / 2 / 40 * 100
    assert mean.percent == pytest.approx(62.5)
    assert mean.low == pytest.approx(62.5 - half, abs=1e-4)
    assert mean.high == pytest.approx(62.5 + half, abs=1e-4)


def test_points_decide_the_tier_and_nothing_is_rounded() -> None:
    tiers = (Tier(name="some", from_percent=60), Tier(name="literate", from_percent=70))
    # 25 of 42 are 59.5 percent, 29 of 42 are 69.05, 29.5 of 42 are 70.2.
    counts = {50: 3, 58: 5, 59: 7}
    assert [in_tier(counts, 84, tiers, number) for number in (0, 1)] == [5, 7]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tiers": []},
        {"tiers": [{"name": "a", "from_percent": 70}, {"name": "b", "from_percent": 60}]},
        {"tiers": [{"name": "a", "from_percent": 60}, {"name": "a", "from_percent": 70}]},
        {"tiers": [{"name": "a", "from_percent": 101}]},
        {"cell_min": 4},
    ],
)
def test_impossible_measures_are_refused(wrong: Mapping[str, object]) -> None:
    with pytest.raises(ValidationError):
        Measure.model_validate(wrong)


def census_of(seed: int, people: int, districts: int, units: int, in_a_unit: float = 0.8) -> Census:
    chance = random.Random(seed)  # noqa: S311 (it must be the same in every run)
    counting = Counting(40)
    home = {unit: chance.randrange(districts) for unit in range(units)}
    for _ in range(people):
        # Some units are large, many are small; few people live elsewhere, and some have no unit.
        unit = min(int(chance.expovariate(1.0) * units / 4), units - 1)
        district = home[unit] if in_a_unit == 1 or chance.random() < 0.95 else chance.randrange(districts)
        group = f"unit-{unit}" if chance.random() < in_a_unit else None
        profile = Profile(group, f"district-{district}", audience=chance.choice(AUDIENCES))
        counting.add(profile, chance.randrange(41))
    return counting.census()


def test_cells_of_a_kind_add_up_to_everybody() -> None:
    census = census_of(1, 3_000, 6, 40)
    everybody = census.all
    assert everybody.people == 3_000
    for cells in (census.audiences, census.districts, census.units):
        together: dict[int, int] = {}
        for cell in cells:
            for half_points, people in cell.points.items():
                together[half_points] = together.get(half_points, 0) + people
        assert together == everybody.points


@pytest.mark.parametrize(
    ("people", "hidden"),
    [
        ({"a": 40, "b": 50}, set()),
        # One alone would be what the others lack.
        ({"a": 10, "b": 50, "c": 40}, {"a", "c"}),
        # Two small ones together are fewer than thirty.
        ({"a": 10, "b": 9, "c": 40, "d": 50}, {"a", "b", "c"}),
        ({"a": 20, "b": 19, "c": 40, "d": 50}, {"a", "b"}),
        ({"a": 10}, {"a"}),
    ],
)
def test_a_small_cell_is_hidden_with_others_that_hide_it(
    people: dict[str | None, int], hidden: set[str]
) -> None:
    assert hidden_cells(people, 30) == hidden


@pytest.mark.parametrize("in_a_unit", [0.8, 1.0])
@pytest.mark.parametrize("seed", range(20))
def test_no_hidden_number_can_be_computed_from_those_that_are_shown(seed: int, in_a_unit: float) -> None:
    """All that is shown, as equations: a hidden cell must not follow from them."""
    census = census_of(seed, 200 + 60 * seed, 2 + seed % 7, 5 + 2 * seed, in_a_unit)
    measure = Measure()
    # The unknown numbers: people by district and unit, and by audience.
    unknown = {(district, unit): n for n, (district, unit, _) in enumerate(census.places)}
    first_audience = len(unknown)
    audiences = {cell.name: first_audience + n for n, cell in enumerate(census.audiences)}
    width = first_audience + len(audiences)

    def row(names: list[int]) -> list[Fraction]:
        return [Fraction(int(n in names)) for n in range(width)]

    def of_cell(by: By, name: str | None) -> list[Fraction]:
        if by == "audience":
            return row([audiences[name]])
        place = 0 if by == "district" else 1
        return row([n for pair, n in unknown.items() if pair[place] == name])

    assert of_all(census, measure).people == census.all.people
    known = [row(list(unknown.values())), row(list(audiences.values()))]
    hidden = []
    for by in EXPORTED:
        for figures in of_cells(census, measure, by):
            equation = of_cell(by, figures.name)
            if figures.people is None:
                hidden.append(equation)
            else:
                assert figures.people >= measure.cell_min
                known.append(equation)
    basis = reduced(known)
    for equation in hidden:
        assert any(rest(equation, basis)), "a hidden number follows from those that are shown"


def reduced(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    basis: list[list[Fraction]] = []
    for one in rows:
        left = rest(one, basis)
        if any(left):
            pivot = next(n for n, value in enumerate(left) if value)
            basis.append([value / left[pivot] for value in left])
    return basis


def rest(one: list[Fraction], basis: list[list[Fraction]]) -> list[Fraction]:
    for other in basis:
        pivot = next(n for n, value in enumerate(other) if value)
        if factor := one[pivot]:
            one = [value - factor * by for value, by in zip(one, other, strict=True)]
    return one


def test_cells_are_bounded_and_nobody_is_left_out() -> None:
    counting = Counting(40)
    for number in range(PLACES_MAX + 500):
        counting.add(Profile(f"unit-{number % 2_500}", f"district-{number % 2_499}", audience="youth"), 20)
    census = counting.census()
    assert census.all.people == PLACES_MAX + 500
    assert len(census.units) <= CELLS_OF_A_KIND_MAX + 1
    assert len(census.districts) <= CELLS_OF_A_KIND_MAX + 1
    assert len(census.places) <= PLACES_MAX + CELLS_OF_A_KIND_MAX + 1

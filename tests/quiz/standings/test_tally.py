"""Ranks counted from how many standings there are of each mark."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.quiz.quizzes.blueprint import PAPER_POINTS_MAX
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from services.quiz.standings.rules import TIME_SECONDS_MAX, least_better, order
from services.quiz.standings.tally import (
    CELLS_A_SCORE,
    EXACT_SECONDS,
    WIDE_SECONDS,
    Tally,
    cell_of,
    end_of_cell,
    is_exact,
    packed,
    unpacked,
)

# All that a paper can reach, in half points.
SCORES = HALF_POINTS_A_POINT * PAPER_POINTS_MAX + 1
OPENS = datetime(2026, 5, 20, tzinfo=UTC)
# Around where cells become wide, and anywhere.
SECONDS = st.one_of(
    st.integers(0, 5),
    st.integers(EXACT_SECONDS - 3, EXACT_SECONDS + 3 * WIDE_SECONDS),
    st.integers(0, TIME_SECONDS_MAX),
)
ORDERS = st.builds(
    lambda half_points, seconds, ms: order(half_points, seconds, OPENS + timedelta(milliseconds=ms), OPENS),
    st.sampled_from([0, 1, 80, 399, 400]),
    SECONDS,
    st.integers(0, 10),
)


def tally_of(orders: list[int]) -> Tally:
    tally = Tally()
    tally.add(Counter(map(cell_of, orders)).items())
    return tally


@given(st.lists(ORDERS, max_size=30), ORDERS)
def test_better_cells_and_better_ones_of_the_own_cell_make_the_rank(orders: list[int], own: int) -> None:
    within = sum(least_better(own) <= other < end_of_cell(own) for other in orders)
    assert tally_of(orders).better_cells(own) + within == sum(other >= least_better(own) for other in orders)
    assert within == 0 or not is_exact(own)


@given(st.lists(ORDERS, max_size=30))
def test_a_tally_is_what_was_added_whatever_came_and_went(orders: list[int]) -> None:
    tally = Tally()
    for one in orders:
        tally.add([(cell_of(one), 1)])
    for one in orders[::2]:
        tally.add(unpacked(packed({cell_of(one): -1})))
    left = orders[1::2]
    assert tally.cells() == dict(Counter(map(cell_of, left)))
    assert tally.participants == len(left)


@given(ORDERS, ORDERS)
def test_a_better_cell_holds_better_standings_alone(one: int, other: int) -> None:
    assert (other >= end_of_cell(one)) == (better(other) < better(one))


def better(order_: int) -> tuple[int, int]:
    score, place = divmod(cell_of(order_), CELLS_A_SCORE)
    return -score, place


@given(st.dictionaries(st.integers(0, SCORES * CELLS_A_SCORE - 1), st.integers(-3, 3)))
def test_changes_are_unpacked_as_they_were_packed_without_those_that_change_nothing(
    changes: dict[int, int],
) -> None:
    assert dict(unpacked(packed(changes))) == {cell: count for cell, count in changes.items() if count}


def test_all_cells_of_a_quiz_fit_a_document() -> None:
    assert len(packed(dict.fromkeys(range(SCORES * CELLS_A_SCORE), 1))) < 16_000_000

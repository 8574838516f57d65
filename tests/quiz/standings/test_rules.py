"""Who stands before whom."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.quiz.grading.rules import SKEW
from services.quiz.quizzes.blueprint import PAPER_POINTS_MAX
from services.quiz.quizzes.rules import (
    DURATION_SECONDS_MAX,
    GRACE_SECONDS_MAX,
    QUIZ_DAYS_MAX,
)
from services.quiz.scoring.rules import HALF_POINTS_A_POINT, score_percent
from services.quiz.standings.rules import (
    FINISH_BITS,
    FINISH_MS_MAX,
    HALF_POINTS_BITS,
    HALF_POINTS_MAX,
    TIME_BITS,
    TIME_SECONDS_MAX,
    least_better,
    order,
    parts_of,
    ranked,
)

OPENS = datetime(2026, 5, 20, tzinfo=UTC)
# Half points, seconds used, milliseconds from the opening to the end.
Told = tuple[int, int, int]
RESULTS = st.tuples(
    st.integers(0, HALF_POINTS_MAX), st.integers(0, TIME_SECONDS_MAX), st.integers(0, FINISH_MS_MAX)
)


def of(result: Told) -> int:
    half_points, seconds, finish_ms = result
    return order(half_points, seconds, OPENS + timedelta(milliseconds=finish_ms), OPENS)


def better_first(result: Told) -> tuple[int, int, int]:
    half_points, seconds, finish_ms = result
    return -half_points, seconds, finish_ms


@given(RESULTS)
def test_an_order_tells_what_it_stands_for_and_fits_64_bits(result: Told) -> None:
    back = parts_of(of(result), OPENS)
    found = (
        back.half_points,
        back.time_used_seconds,
        (back.finished_at - OPENS) // timedelta(milliseconds=1),
    )
    assert found == result
    assert 0 <= of(result) < 1 << 63


@given(RESULTS, RESULTS)
def test_more_points_then_less_time_then_earlier_is_a_higher_order(one: Told, other: Told) -> None:
    assert (of(one) > of(other)) == (better_first(one) < better_first(other))


@given(st.lists(RESULTS, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_maximum_is_the_best_result_in_whatever_order_and_however_often(
    results: list[Told], random: Random
) -> None:
    best = of(min(results, key=better_first))
    told = results * 2
    random.shuffle(told)
    assert max(of(result) for result in told) == best


@given(RESULTS, RESULTS)
def test_least_better_parts_those_who_rank_before_from_the_tied(one: Told, other: Told) -> None:
    ranks_before = (-other[0], other[1]) < (-one[0], one[1])
    assert (of(other) >= least_better(of(one))) == ranks_before


def test_whatever_a_quiz_may_be_fits_an_order() -> None:
    assert HALF_POINTS_A_POINT * PAPER_POINTS_MAX <= HALF_POINTS_MAX
    assert DURATION_SECONDS_MAX + GRACE_SECONDS_MAX <= TIME_SECONDS_MAX
    assert (QUIZ_DAYS_MAX * 86_400 + GRACE_SECONDS_MAX + SKEW.seconds) * 1_000 <= FINISH_MS_MAX
    assert HALF_POINTS_BITS + TIME_BITS + FINISH_BITS <= 63


def test_one_right_answer_more_of_two_hundred_ranks_first_whatever_the_time() -> None:
    more, faster = of((240, 3_600, 9)), of((238, 60, 0))
    assert more > faster
    assert least_better(faster) <= more


def test_times_beyond_what_is_kept_are_clipped() -> None:
    long = order(50, TIME_SECONDS_MAX + 1, OPENS - timedelta(days=1), OPENS)
    assert parts_of(long, OPENS).time_used_seconds == TIME_SECONDS_MAX
    assert parts_of(long, OPENS).finished_at == OPENS


def test_ties_share_a_rank_and_the_next_counts_them() -> None:
    results = [("a", (90, 60, 5)), ("b", (80, 60, 1)), ("c", (80, 60, 2)), ("d", (80, 61, 0))]
    standings = ranked([(who, of(result)) for who, result in results], OPENS)
    assert [(standing.participant_id, standing.rank) for standing in standings] == [
        ("a", 1),
        ("b", 2),
        ("c", 2),
        ("d", 4),
    ]


def test_no_results_make_no_standings() -> None:
    assert ranked([], OPENS) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), max_size=30))
def test_a_rank_is_one_more_than_how_many_are_better(results: list[Told]) -> None:
    orders = sorted((of(result) for result in results), reverse=True)
    for standing, order_ in zip(ranked([(str(o), o) for o in orders], OPENS), orders, strict=True):
        assert standing.rank == 1 + sum(other >= least_better(order_) for other in orders)


def test_120_points_are_before_119_whatever_the_percents_and_the_times() -> None:
    # Of 200 points, both were 60 % when percents were rounded.
    opens_at = datetime(2026, 5, 20, tzinfo=UTC)
    slow = order(240, 86_000, opens_at + timedelta(days=300), opens_at)
    fast = order(238, 1, opens_at + timedelta(seconds=1), opens_at)
    assert score_percent(240, 400) == 60 > score_percent(238, 400) == 59
    assert slow > fast
    assert [one.participant_id for one in ranked([("slow", slow), ("fast", fast)], opens_at)] == [
        "slow",
        "fast",
    ]

"""Who is due what: pass marks and tiers by rank."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.awards.issuing.rules import (
    due_by_pass_mark,
    due_by_rank,
    due_by_tie_after_list,
    list_may_miss_winners,
    tie_is_decided,
)
from services.awards.results.rules import Closing, Result
from services.awards.schemes.rules import RankTiers, Scheme
from shared.contracts.events import STANDINGS_MAX, FinalStanding
from tests.awards.builders import NOW, certificate, prizes, scheme, standings


def tiers(of: Scheme, final: tuple[FinalStanding, ...], participants: int | None = None) -> dict[str, str]:
    closing = Closing("contest", len(final) if participants is None else participants, final)
    due = due_by_rank(closing, of)
    assert len({one.recipient_id for one in due}) == len(due)
    return {one.recipient_id: one.tier or "" for one in due}


def result(
    points: float, points_max: float = 100, *, who: str = "p", quiz_id: str = "contest", seconds: int = 60
) -> Result:
    return Result("r", quiz_id, who, points, points_max, seconds, NOW)


def test_exactly_the_pass_mark_passes() -> None:
    of = [certificate("contest", 60)]
    earned = {points: list(due_by_pass_mark(result(points), of)) for points in (59, 59.5, 60, 61)}
    assert [len(earned[points]) for points in (59, 59.5, 60, 61)] == [0, 0, 1, 1]
    assert earned[60][0].cause == "r"


def test_points_decide_where_a_percentage_would_be_rounded() -> None:
    of = [certificate("contest", 60)]
    # 59.52 percent, and 119.5 and 120 of 200.
    assert [bool(list(due_by_pass_mark(result(*points), of))) for points in ((25, 42), (119.5, 200))] == [
        False,
        False,
    ]
    assert list(due_by_pass_mark(result(120, 200), of))


def test_nothing_of_nothing_passes_no_mark() -> None:
    assert list(due_by_pass_mark(result(0, 0), [certificate("contest", 60)])) == []


def test_a_result_earns_by_its_own_quiz_alone() -> None:
    of = [certificate("other", 0), prizes("contest", gold=1), scheme()]
    assert list(due_by_pass_mark(result(100), of)) == []


def test_gold_for_two_and_a_tie_for_second_makes_three_golds_and_no_silver() -> None:
    of = prizes("contest", gold=2, silver=1, bronze=1)
    assert tiers(of, standings(1, 2, 2, 4, 5)) == {"p0": "gold", "p1": "gold", "p2": "gold", "p3": "bronze"}
    assert tiers(prizes("contest", gold=2, silver=1), standings(1, 2, 2, 4)) == {
        "p0": "gold",
        "p1": "gold",
        "p2": "gold",
    }


def test_everyone_first_is_gold_for_everyone() -> None:
    assert set(tiers(prizes("contest", gold=1, silver=2), standings(1, 1, 1, 1)).values()) == {"gold"}


def test_nobody_took_part_and_nobody_is_awarded() -> None:
    assert tiers(prizes("contest", gold=1), ()) == {}


def test_whoever_is_listed_is_awarded_even_if_the_list_is_too_short() -> None:
    of = prizes("contest", gold=1, silver=3)
    final = standings(1, 2, 3, 3)
    assert tiers(of, final, participants=5) == {"p0": "gold", "p1": "silver", "p2": "silver", "p3": "silver"}
    assert list_may_miss_winners(Closing("contest", 5, final), of)


def test_a_tie_of_1_005_at_rank_1_leaves_prizes_for_all_who_are_listed_and_finds_the_others() -> None:
    of = prizes("contest", gold=3)
    closing = Closing("contest", STANDINGS_MAX + 5, standings(*[1] * STANDINGS_MAX))
    assert len(due_by_rank(closing, of)) == STANDINGS_MAX
    tied = [result(90, who=f"q{n}") for n in range(5)]
    others = [result(89.5, who="worse"), result(90, who="slower", seconds=61), result(90, who="p7")]
    due = list(due_by_tie_after_list([*others, *tied], closing, of))
    assert [one.recipient_id for one in due] == ["q0", "q1", "q2", "q3", "q4"]
    assert {(one.tier, one.cause) for one in due} == {("gold", "contest")}
    assert tie_is_decided(closing, of, participants=STANDINGS_MAX + 5)
    assert not tie_is_decided(closing, of, participants=STANDINGS_MAX + 4)


def test_nothing_is_open_where_whoever_is_not_listed_ranks_behind_the_places() -> None:
    of = prizes("contest", gold=3)
    assert not list_may_miss_winners(Closing("contest", 9_000, standings(1, 2, 3, 4)), of)
    assert not list_may_miss_winners(Closing("contest", 3, standings(1, 1, 1)), of)
    assert list_may_miss_winners(Closing("contest", 4, standings(1, 2, 3)), of)
    assert list_may_miss_winners(Closing("contest", 4, ()), of)
    assert not list_may_miss_winners(Closing("contest", 4, ()), certificate("contest"))
    assert (
        list(due_by_tie_after_list([result(90)], Closing("contest", 9_000, standings(1, 2, 3, 4)), of)) == []
    )


def test_a_list_that_ends_before_the_places_is_not_decided_by_a_tie() -> None:
    of = prizes("contest", gold=3)
    assert not tie_is_decided(Closing("contest", 5, standings(1, 2)), of, participants=5)


def ranked(scores: list[int]) -> tuple[FinalStanding, ...]:
    """Standard competition ranking, as quiz gives it."""
    ordered = sorted(scores, reverse=True)
    return tuple(
        FinalStanding(
            rank=ordered.index(score) + 1,
            participant_id=f"p{n}",
            points=score,
            score_percent=score,
            time_used_seconds=1,
        )
        for n, score in enumerate(ordered)
    )


contests = st.lists(st.integers(0, 12), max_size=40).map(ranked)
schemes = st.lists(st.integers(1, 8), min_size=1, max_size=4).map(
    lambda places: prizes("contest", **{f"t{n}": count for n, count in enumerate(places)})
)


@given(contests, schemes, st.randoms())
def test_the_order_of_the_standings_does_not_matter(final, of, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(final)
    random.shuffle(shuffled)
    assert tiers(of, final) == tiers(of, tuple(shuffled))


@given(contests, schemes)
def test_a_better_rank_never_earns_less_and_equals_earn_the_same(
    final: tuple[FinalStanding, ...], of: Scheme
) -> None:
    assert isinstance(of.rule, RankTiers)
    level = {tier.tier: place for place, tier in enumerate(of.rule.tiers)}
    earned = tiers(of, final)
    levels = [level.get(earned.get(one.participant_id, ""), len(level)) for one in final]
    for (one, mine), (other, theirs) in zip(
        zip(final, levels, strict=True), list(zip(final, levels, strict=True))[1:], strict=False
    ):
        assert mine <= theirs
        assert one.rank < other.rank or mine == theirs


@given(contests, schemes)
def test_within_each_tier_only_a_tie_exceeds_its_places(final: tuple[FinalStanding, ...], of: Scheme) -> None:
    assert isinstance(of.rule, RankTiers)
    rank = {one.participant_id: one.rank for one in final}
    earned = tiers(of, final)
    counts, reach = Counter(earned.values()), 0
    for tier in of.rule.tiers:
        reach += tier.places
        last = [id_ for id_, name in earned.items() if name == tier.tier]
        tied = Counter(rank[id_] for id_ in last)
        worst = max(tied, default=0)
        assert counts[tier.tier] - (tied[worst] - 1 if worst else 0) <= tier.places
    assert len(earned) >= min(reach, len(final))


@given(contests, schemes)
def test_nobody_is_awarded_twice_even_if_listed_twice(final: tuple[FinalStanding, ...], of: Scheme) -> None:
    worse = tuple(one.model_copy(update={"rank": one.rank + 1}) for one in final)
    assert tiers(of, final + worse) == tiers(of, final)

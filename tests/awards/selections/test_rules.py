"""Who judges whom, how means and ranks come about, who becomes a candidate, and who wins."""

from collections import Counter
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.awards.choosing.rules import Ballot, candidates_of, check_votes, winners_of
from services.awards.judging.ranking import mean_of, outliers, ranked, severity, weighted
from services.awards.judging.rules import DeclaredConflict, Panel, assigned, points_of, without
from services.awards.selections.rules import (
    Course,
    Nominator,
    check_change,
    check_terms,
    nominated,
    phase_of,
    withdrawn,
)
from shared.runtime.errors import Rejected
from tests.awards.selections.builders import selection

OF = selection(places=2, candidates_at_most=3)
IDS = [f"p{number:02d}" for number in range(30)]


def refused(code: str) -> Any:
    return pytest.raises(Rejected, check=lambda error: error.code == code)


def points(**of: tuple[int, ...]) -> dict[str, dict[str, tuple[int, ...]]]:
    """By nominee, what experts give for work; all get 25 of 50 for spread."""
    return {name: {f"e{n}": (work, 25) for n, work in enumerate(works)} for name, works in of.items()}


def test_the_phase_follows_from_times_and_decisions() -> None:
    second = timedelta(seconds=1)
    course = Course(1)
    for at, phase in (
        (OF.nominations_from - second, "preparing"),
        (OF.nominations_from, "nominating"),
        (OF.nominations_until, "scoring"),
        (OF.scoring_until, "ranking"),
    ):
        assert phase_of(OF, course, at) == phase
    until = OF.scoring_until + timedelta(days=7)
    course = course._replace(notice_until=until)
    assert phase_of(OF, course, until - second) == "notice"
    assert phase_of(OF, course, until) == "deciding"
    assert phase_of(OF, course._replace(decided_at=until), until) == "decided"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"places": 10, "candidates_at_most": 11}, "candidates_too_few"),
        ({"nominations_until": OF.nominations_from}, "selection_times"),
        ({"scoring_until": OF.nominations_until}, "selection_times"),
        ({"criteria": (OF.criteria[0], OF.criteria[0])}, "criteria_alike"),
    ],
)
def test_a_selection_that_could_not_be_held_is_refused(changes: dict[str, Any], code: str) -> None:
    check_terms(OF)
    check_terms(selection(places=10, candidates_at_most=12))
    with refused(code):
        check_terms(OF.model_copy(update=changes))


def test_what_people_rely_on_does_not_change() -> None:
    more_places = OF.model_copy(update={"places": 1})
    other_criteria = OF.model_copy(update={"criteria": OF.criteria[:1]})
    later = OF.model_copy(update={"scoring_until": OF.scoring_until + timedelta(days=1)})
    check_change(OF, Course(1), more_places)
    check_change(OF, Course(1, nominees=1), other_criteria)
    check_change(OF, Course(1, nominees=1, scored=True), later)
    with refused("selection_in_use"):
        check_change(OF, Course(1, nominees=1), more_places)
    with refused("selection_in_use"):
        check_change(OF, Course(1, nominees=1, scored=True), other_criteria)
    with refused("selection_shortlisted"):
        check_change(OF, Course(1, notice_until=OF.scoring_until), later)


def test_who_has_withdrawn_is_not_nominated_again_but_who_was_withdrawn_by_others_is() -> None:
    now = OF.nominations_from
    first = nominated(OF, Course(1), None, "p1", now)
    assert nominated(OF, Course(1), first, "p1", now) is first
    by_others = withdrawn(first, now, by_nominee=False)
    assert withdrawn(by_others, now, by_nominee=False) is by_others
    assert nominated(OF, Course(1), by_others, "p1", now).version == 3
    own = withdrawn(by_others, now, by_nominee=True)
    assert (own.withdrew, own.version) == (True, by_others.version)
    with refused("nominee_withdrew"):
        nominated(OF, Course(1), own, "p1", now)
    with refused("too_many_nominees"):
        nominated(OF, Course(1, nominees=100), None, "p2", now)
    # Whoever registers cannot take the places of those whom organisers know.
    shares: tuple[tuple[Nominator, int], ...] = (("person", 60), ("group", 80), ("organiser", 100))
    for by, most in shares:
        assert nominated(OF, Course(1, nominees=most - 1), None, "p2", now, by)
        with refused("too_many_nominees"):
            nominated(OF, Course(1, nominees=most), None, "p2", now, by)


@given(
    nominees=st.integers(1, 20), experts=st.integers(1, 15), most=st.integers(1, 5), seed=st.integers(0, 9)
)
def test_an_assignment_is_balanced_and_the_same_each_time(
    nominees: int, experts: int, most: int, seed: int
) -> None:
    panel = Panel(f"selection-{seed}", tuple(f"e{n:02d}" for n in range(experts)))
    found = assigned(panel, IDS[:nominees], (), most)
    assert assigned(panel, reversed(IDS[:nominees]), (), most) == found
    assert assigned(found, IDS[:nominees], (), most) == found
    assert all(len(set(by)) == len(by) == min(most, experts) for by in found.assigned.values())
    load = Counter(dict.fromkeys(panel.expert_ids, 0))
    load.update(one for by in found.assigned.values() for one in by)
    assert max(load.values()) - min(load.values()) <= 1


@given(pairs=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40), gone=st.integers(0, 5))
def test_nobody_judges_whom_they_must_not_and_those_who_may_go_on(
    pairs: set[tuple[int, int]], gone: int
) -> None:
    panel = Panel("s", tuple(f"e{n}" for n in range(6)))
    before = assigned(panel, IDS[:10], (), 3)
    declared = [DeclaredConflict(f"e{by}", IDS[of], "other") for by, of in sorted(pairs)]
    half = len(declared) // 2
    panel = Panel("s", before.expert_ids, tuple(declared[:half]), before.assigned)
    barred = {(one.expert_id, one.participant_id) for one in declared}
    after = assigned(without(panel, f"e{gone}"), IDS[:10], barred, 3)
    for nominee, by in after.assigned.items():
        may = {one for one in before.expert_ids if one != f"e{gone}" and (one, nominee) not in barred}
        assert set(by) <= may
        assert len(by) == min(3, len(may))
        assert set(before.assigned[nominee]) & may <= set(by)


def test_an_expert_judges_no_nominee_of_that_name() -> None:
    assert assigned(Panel("s", ("p00",)), ["p00"], (), 1).assigned == {"p00": ()}


def test_points_are_for_each_criterion_and_within_its_bounds() -> None:
    assert points_of(OF.criteria, {"spread": 50, "work": 0}) == (0, 50)
    for wrong, code in (
        ({"work": 10}, "criteria_differ"),
        ({"work": 10, "spread": 10, "other": 1}, "criteria_differ"),
        ({"work": 101, "spread": 10}, "points_out_of_range"),
        ({"work": 10, "spread": 51}, "points_out_of_range"),
    ):
        with refused(code):
            points_of(OF.criteria, wrong)


def test_criteria_count_by_their_weights_whatever_their_points_are() -> None:
    assert weighted(OF.criteria, (100, 50)) == 100
    assert weighted(OF.criteria, (50, 0)) == 30
    assert weighted(OF.criteria, (0, 50)) == 40


def test_the_extremes_are_dropped_from_five_scores_on_if_the_selection_says_so() -> None:
    five = [Fraction(n) for n in (0, 50, 60, 70, 100)]
    assert mean_of(five, drop_extremes=True) == 60
    assert mean_of(five, drop_extremes=False) == 56
    assert mean_of(five[:4], drop_extremes=True) == 45


def test_equal_means_share_a_rank_and_the_next_one_counts_them() -> None:
    found = ranked(OF.criteria, points(a=(50, 70), b=(60,), c=(70, 51), d=(1,), e=()), drop_extremes=False)
    assert [(one.rank, one.participant_id) for one in found] == [(1, "c"), (2, "a"), (2, "b"), (4, "d")]


def test_a_score_far_from_the_others_is_shown_and_so_is_a_severe_expert() -> None:
    of = points(a=(80, 82, 78, 10), b=(70, 70, 72, 72), c=(50, 90))
    [one] = outliers(OF.criteria, of)
    assert (one.expert_id, one.participant_id) == ("e3", "a")
    apart = severity(OF.criteria, of)
    assert min(apart, key=lambda expert: apart[expert]) == "e3"


def test_candidates_are_the_best_and_a_tie_at_the_border_is_named_by_people() -> None:
    best = ranked(OF.criteria, points(a=(90,), b=(80,), c=(70,), d=(60,)), drop_extremes=False)
    assert candidates_of(OF, best, None, allow_fewer=False) == ("a", "b", "c")
    tied = ranked(OF.criteria, points(a=(90,), b=(80,), c=(70,), d=(70,)), drop_extremes=False)
    with refused("candidates_tied"):
        candidates_of(OF, tied, None, allow_fewer=False)
    with refused("shortlist_too_short"):
        candidates_of(OF, tied, ("a", "b"), allow_fewer=False)
    assert candidates_of(OF, tied, ("b", "a"), allow_fewer=True) == ("a", "b")
    for named, code in (
        (("a", "c"), "candidate_passed_over"),
        (("a", "b", "c"), "candidate_passed_over"),
        (("a", "b", "x"), "candidate_not_ranked"),
        (("a", "b", "c", "d"), "too_many_candidates"),
    ):
        with refused(code):
            candidates_of(OF, tied, named, allow_fewer=True)
    with refused("shortlist_too_short"):
        candidates_of(OF, [], None, allow_fewer=True)


def ballots(**votes: int) -> list[Ballot]:
    return [Ballot(name, number, 0, 0) for name, number in votes.items()]


def test_more_than_half_of_the_members_elect_and_most_votes_come_first() -> None:
    assert winners_of(ballots(a=5, b=7, c=6), 9, 2) == ("b", "c")
    assert winners_of(ballots(a=4, b=7), 8, 2) == ("b",)
    assert winners_of(ballots(a=4), 9, 2) == ()
    with refused("votes_tied"):
        winners_of(ballots(a=7, b=6, c=6), 9, 2)


def test_votes_are_about_all_who_are_left_and_of_the_members_alone() -> None:
    check_votes({"a", "b"}, ballots(a=9, b=0), 9)
    for about, code in (
        (ballots(a=9), "votes_differ"),
        (ballots(a=9, b=1, c=1), "votes_differ"),
        ([*ballots(a=1, b=1), *ballots(a=1)], "votes_differ"),
        ([Ballot("a", 5, 4, 1), *ballots(b=1)], "votes_too_many"),
    ):
        with refused(code):
            check_votes({"a", "b"}, about, 9)

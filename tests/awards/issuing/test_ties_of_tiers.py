"""What a tie at the end of a tier does, by each policy: who gets what, here and in the audit."""

from datetime import timedelta
from typing import Any

import pytest

from ops.audit import tiers
from services.awards.issuing.rules import due_by_rank, due_by_tie_after_list, list_may_miss_winners
from services.awards.results.rules import Closing, Result
from services.awards.schemes.rules import RankTiers, Scheme
from shared.contracts.events import STANDINGS_MAX, FinalStanding
from tests.awards.builders import NOW, prizes, standing

POLICIES = ("widen", "share", "earlier_finish", "lots")
PLACES = {"gold": 2, "silver": 1, "bronze": 2}


def by(policy: str, **places: int) -> Scheme:
    of = prizes("contest", **(places or PLACES))
    return of.model_copy(update={"rule": of.rule.model_copy(update={"ties": policy})})


def final(*ranks: int) -> list[FinalStanding]:
    """p0, p1, … with these ranks; each has finished a second before the next one."""
    return [
        standing(rank, f"p{place}").model_copy(update={"finished_at": NOW + timedelta(seconds=place)})
        for place, rank in enumerate(ranks)
    ]


def given(of: Scheme, listed: list[FinalStanding], participants: int = 0) -> dict[str, str]:
    """By participant the tier, with a star if it is shared. The audit has to say the same."""
    closing = Closing("contest", participants or len(listed), listed)
    due = due_by_rank(closing, of)
    found = {one.recipient_id: f"{one.tier}{'*' * one.shared}" for one in due}
    rule: dict[str, Any] = of.rule.model_dump(mode="json")
    body = {
        "quiz_id": "contest",
        "participants": closing.participants,
        "standings": [one.model_dump(mode="json") for one in listed],
    }
    audited = {
        one.standing["participant_id"]: f"{one.tier}{'*' * one.shared}"
        for one in tiers.earned({"rule": rule}, body)
        if one.tier
    }
    assert audited == found
    return found


@pytest.mark.parametrize(
    ("policy", "ranks", "expected"),
    [
        # No tie at the end of a tier: no policy has anything to say.
        *[(policy, (1, 1, 3, 4), "gold gold silver bronze") for policy in POLICIES],
        ("widen", (1, 2, 2, 4, 5), "gold gold gold bronze bronze"),
        ("share", (1, 2, 2, 4, 5), "gold gold* gold* bronze bronze"),
        ("earlier_finish", (1, 2, 2, 4, 5), "gold gold silver bronze bronze"),
        ("lots", (1, 2, 2, 4, 5), "gold - - bronze bronze"),
        # A tie over three tiers.
        ("widen", (1, 2, 2, 2, 2, 6), "gold gold gold gold gold -"),
        ("share", (1, 2, 2, 2, 2, 6), "gold gold* gold* gold* gold* -"),
        ("earlier_finish", (1, 2, 2, 2, 2, 6), "gold gold silver bronze bronze -"),
        ("lots", (1, 2, 2, 2, 2, 6), "gold - - - - -"),
        # A tie at the end of the last tier.
        ("widen", (1, 2, 3, 4, 5, 5), "gold gold silver bronze bronze bronze"),
        ("share", (1, 2, 3, 4, 5, 5), "gold gold silver bronze bronze* bronze*"),
        ("earlier_finish", (1, 2, 3, 4, 5, 5), "gold gold silver bronze bronze -"),
        ("lots", (1, 2, 3, 4, 5, 5), "gold gold silver bronze - -"),
        # Everybody is first.
        ("share", (1,) * 7, " ".join(["gold*"] * 7)),
        ("earlier_finish", (1,) * 7, "gold gold silver bronze bronze - -"),
        ("lots", (1,) * 7, "- - - - - - -"),
    ],
)  # fmt: skip
def test_who_gets_what(policy: str, ranks: tuple[int, ...], expected: str) -> None:
    found = given(by(policy), final(*ranks))
    assert " ".join(found.get(f"p{place}", "-") for place in range(len(ranks))) == expected


def test_who_finished_at_the_same_moment_still_shares_a_rank_and_the_tier_gets_larger() -> None:
    listed = [one.model_copy(update={"finished_at": NOW}) for one in final(1, 1, 1)]
    assert set(given(by("earlier_finish", gold=1, silver=1), listed).values()) == {"gold"}
    # Without times nobody is before the others.
    listed = [one.model_copy(update={"finished_at": None}) for one in final(1, 1, 1)]
    assert set(given(by("earlier_finish", gold=1, silver=1), listed).values()) == {"gold"}


@pytest.mark.parametrize(
    ("policy", "listed_get", "late", "same", "may_miss"),
    [
        ("widen", STANDINGS_MAX, True, True, True),
        ("share", STANDINGS_MAX, True, True, True),
        ("earlier_finish", 3, False, False, False),
        ("lots", 0, False, False, False),
    ],
)
def test_a_tie_that_goes_on_after_the_list(
    policy: str, listed_get: int, *, late: bool, same: bool, may_miss: bool
) -> None:
    of, listed = by(policy, gold=3), final(*[1] * STANDINGS_MAX)
    closing = Closing("contest", STANDINGS_MAX + 2, listed)
    assert len(given(of, listed, STANDINGS_MAX + 2)) == listed_get
    assert list_may_miss_winners(closing, of) == may_miss
    ends = listed[-1].finished_at
    assert ends is not None
    results = [
        Result(name, "contest", name, 90, 100, 60, at)
        for name, at in (("late", ends + timedelta(seconds=1)), ("same", ends))
    ]
    due = {one.recipient_id: one.shared for one in due_by_tie_after_list(results, closing, of)}
    assert ("late" in due, "same" in due) == (late, same)
    assert set(due.values()) <= {policy == "share"}


def test_of_those_who_finished_with_the_last_listed_one_all_get_the_last_place() -> None:
    of = by("earlier_finish", gold=STANDINGS_MAX)
    assert isinstance(of.rule, RankTiers)
    listed = final(*[1] * STANDINGS_MAX)
    closing = Closing("contest", STANDINGS_MAX + 2, listed)
    assert list_may_miss_winners(closing, of)
    ends = listed[-1].finished_at
    assert ends is not None
    results = [
        Result(name, "contest", name, 90, 100, 60, at)
        for name, at in (("late", ends + timedelta(seconds=1)), ("same", ends))
    ]
    assert [one.recipient_id for one in due_by_tie_after_list(results, closing, of)] == ["same"]

"""The running order, and what may be marked as handed over."""

import msgspec
import pytest
from pydantic import ValidationError

from services.awards.ceremonies.rules import (
    GROUP,
    ROUNDS_MAX,
    Handed,
    Item,
    Proxy,
    attendance,
    check_tiers,
    handed_over,
    running_order,
    undone,
)
from services.awards.schemes.rules import RankTiers, Scheme
from shared.runtime.errors import Conflict, Rejected
from tests.awards.builders import NOW, prizes, scheme
from tests.awards.ceremonies.builders import LATER, award, ceremony

PRIZES = prizes("quiz", gold=1, silver=2, bronze=30)
ALL = Item(scheme_id=PRIZES.scheme_id)


def order(item: Item, *tiers: str, of: Scheme = PRIZES) -> list[tuple[str | None, int, int, int]]:
    awards = [award(of.scheme_id, nth, tier) for nth, tier in enumerate(tiers)]
    calls = running_order(ceremony(item), {of.scheme_id: of}, [awards])
    assert [call.number for call in calls] == list(range(1, len(calls) + 1))
    return [(call.tier, call.part, call.parts, len(call.awards)) for call in calls]


def test_the_lowest_tier_is_called_first_and_the_best_last() -> None:
    assert isinstance(PRIZES.rule, RankTiers)
    assert order(ALL, "gold", "bronze", "silver", "silver") == [
        ("bronze", 1, 1, 1),
        ("silver", 1, 1, 2),
        ("gold", 1, 1, 1),
    ]


def test_an_organiser_may_call_the_best_tier_first() -> None:
    item = Item(scheme_id=PRIZES.scheme_id, order="highest_first")
    assert [tier for tier, *_ in order(item, "bronze", "gold")] == ["gold", "bronze"]


def test_an_item_says_the_order_of_tiers_that_no_rule_names() -> None:
    drawn = scheme(rule={"type": "drawn"})
    item = Item(scheme_id=drawn.scheme_id, tiers=("一等奖", "二等奖", "三等奖"))
    check_tiers(item, drawn)
    called = order(item, "二等奖", "一等奖", "三等奖", of=drawn)
    assert [tier for tier, *_ in called] == ["三等奖", "二等奖", "一等奖"]


def test_so_many_come_at_once_as_a_group_has() -> None:
    called = order(ALL, *["bronze"] * (2 * GROUP + 1))
    assert called == [("bronze", 1, 3, GROUP), ("bronze", 2, 3, GROUP), ("bronze", 3, 3, 1)]
    assert order(ALL, *["bronze"] * GROUP) == [("bronze", 1, 1, GROUP)]


def test_the_order_does_not_depend_on_the_order_of_reading() -> None:
    awards = [award(PRIZES.scheme_id, nth, "bronze") for nth in range(5)]
    schemes = {PRIZES.scheme_id: PRIZES}
    of = ceremony(ALL)
    assert running_order(of, schemes, [awards]) == running_order(of, schemes, [awards[::-1]])


def test_no_award_is_called_twice() -> None:
    id_ = PRIZES.scheme_id
    gold, silver = Item(scheme_id=id_, tiers=("gold",)), Item(scheme_id=id_, tiers=("silver",))
    ceremony(gold, silver, Item(scheme_id="other"))
    for items in (
        (gold, gold),
        (ALL, gold),
        (gold, ALL),
        (ALL, ALL),
        (Item(scheme_id=id_, tiers=("a", "a")),),
    ):
        with pytest.raises(ValidationError, match="twice"):
            ceremony(*items)


def test_a_tier_that_a_scheme_does_not_have_is_refused() -> None:
    check_tiers(Item(scheme_id=PRIZES.scheme_id, tiers=("gold",)), PRIZES)
    with pytest.raises(Rejected, match="no tier"):
        check_tiers(Item(scheme_id=PRIZES.scheme_id, tiers=("tin",)), PRIZES)


@pytest.mark.parametrize("said", [{}, {"receiver_id": "p", "receiver_name": "李大明"}])
def test_a_proxy_is_an_id_or_a_name(said: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either"):
        Proxy.model_validate(said)


def test_a_recipient_who_has_come_needs_no_proxy() -> None:
    of, without = ceremony(ALL), ceremony(ALL, session_id=None)
    assert attendance(of, present=True, proxy=True) == "present"
    assert attendance(of, present=False, proxy=True) == "proxy"
    assert attendance(of, present=False, proxy=False) == "absent"
    assert attendance(without, present=False, proxy=False) == "unknown"


def over(before: Handed | None = None, **changes: object) -> Handed | None:
    one = award(PRIZES.scheme_id, 1, "gold", **changes)
    return handed_over(ceremony(ALL), one, before, LATER, by_proxy=False, erased=False)


def test_an_award_is_handed_over_undone_and_handed_over_again() -> None:
    first = over()
    assert first is not None
    assert (first.version, first.handed_over, first.at) == (1, True, LATER)
    assert over(first) is None
    back = undone(ceremony(ALL), first, NOW, erased=False)
    assert back is not None
    assert (back.version, back.handed_over, back.at) == (2, False, NOW)
    assert undone(ceremony(ALL), back, NOW, erased=False) is None
    assert undone(ceremony(ALL), None, NOW, erased=False) is None
    again = over(back)
    assert again is not None
    assert again.version == 3


def refused(before: Handed | None = None, **changes: object) -> str:
    with pytest.raises(Conflict) as why:
        over(before, **changes)
    return why.value.code


def test_what_cannot_be_handed_over_here_is_refused() -> None:
    assert refused(revoked_at=NOW) == "award_not_held"
    assert refused(scheme_id="another") == "award_not_called"
    first = over()
    assert first is not None
    elsewhere = undone(ceremony(ALL, ceremony_id="other"), first, NOW, erased=False)
    assert elsewhere is None, "it is undone where it was marked"
    other = ceremony(ALL, ceremony_id="other")
    with pytest.raises(Conflict) as why:
        handed_over(other, award(PRIZES.scheme_id, 1, "gold"), first, NOW, by_proxy=False, erased=False)
    assert why.value.code == "handed_over_elsewhere"
    last = msgspec.structs.replace(first, version=2 * ROUNDS_MAX, handed_over=False)
    assert refused(last) == "handed_over_too_often"
    assert over(msgspec.structs.replace(last, version=2 * ROUNDS_MAX - 1)) is not None


def test_nothing_is_noted_about_an_erased_person() -> None:
    first = over()
    with pytest.raises(Conflict):
        handed_over(ceremony(ALL), award(PRIZES.scheme_id, 1), None, NOW, by_proxy=False, erased=True)
    with pytest.raises(Conflict):
        undone(ceremony(ALL), first, NOW, erased=True)

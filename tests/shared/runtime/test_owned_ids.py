"""Derived ids: the same on every repeat, and an owner's in one range."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.ids import ordered_id
from shared.runtime.owned_ids import beginnings_of, ids_in, member_id, owned_id

words = st.text(max_size=40)


@given(words, words)
def test_an_id_is_a_uuid_the_same_on_every_repeat(owner: str, thing: str) -> None:
    made = UUID(owned_id(owner, thing))
    assert (made.version, made.variant) == (8, "specified in RFC 4122")
    assert owned_id(owner, thing) == str(made)


@given(words, words, words)
def test_ids_of_one_owner_are_one_range_and_nobody_elses_are_in_it(
    owner: str, other: str, thing: str
) -> None:
    beginnings = beginnings_of(owner)
    assert owned_id(owner, thing).startswith(beginnings)
    if other != owner:
        assert not owned_id(other, thing).startswith(beginnings)


@given(words, words, words)
def test_things_are_told_apart(owner: str, thing: str, other: str) -> None:
    assert (owned_id(owner, thing) == owned_id(owner, other)) == (thing == other)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)), words)  # noqa: DTZ001 (hypothesis wants bare ones)
def test_things_of_owners_who_came_at_one_time_lie_together(moment: datetime, thing: str) -> None:
    at = moment.replace(tzinfo=UTC)
    before, owner, after = [ordered_id(at + timedelta(hours=hours)) for hours in (-5, 0, 5)]
    made = owned_id(owner, thing)
    assert UUID(made).version == 8
    assert made.startswith(beginnings_of(owner))
    assert owned_id(before, thing) < made < owned_id(after, thing)


def test_owners_that_begin_alike_are_not_in_the_range_of_each_other() -> None:
    owner = ordered_id(datetime(2026, 11, 26, tzinfo=UTC))
    made_up = [f"{owner[:24]}{number:012x}" for number in range(1_000)]
    assert not [one for one in made_up if owned_id(one, "thing").startswith(beginnings_of(owner))]


def test_ids_of_before_are_still_found() -> None:
    owner = "019ab4d5-e000-7c2d-8e12-3456789abcde"
    # Made by an earlier release.
    assert "019ab4d5-e000-8c2d-a1b2-0123456789ab".startswith(beginnings_of(owner))


def test_ids_counted_up_by_another_system_do_not_lie_in_one_place() -> None:
    one, other = (f"00000000-0000-0000-0000-{number:012}" for number in (1, 2))
    assert beginnings_of(one) != beginnings_of(other)


@given(words, words, words, words)
def test_what_a_group_has_for_its_members_is_one_range_and_told_apart(
    group: str, member: str, other_group: str, other: str
) -> None:
    above, below = ids_in(group)
    made = member_id(group, member)
    assert UUID(made).version == 8
    assert above < made < below
    same = (group, member) == (other_group, other) or f"{group}/{member}" == f"{other_group}/{other}"
    assert same or member_id(other_group, other) != made


def test_what_a_group_has_for_members_who_came_later_lies_behind() -> None:
    at = datetime(2026, 5, 20, tzinfo=UTC)
    members = [ordered_id(at + timedelta(minutes=minutes)) for minutes in range(5)]
    made = [member_id("contest-certificate", member) for member in members]
    assert made == sorted(made)

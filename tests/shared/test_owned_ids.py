"""Derived ids: the same on every repeat, and an owner's in one range."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.owned_ids import ids_of, owned_id

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
    above, below = ids_of(owner)
    assert above < owned_id(owner, thing) < below
    if other != owner:
        assert not above < owned_id(other, thing) < below


@given(words, words, words)
def test_things_are_told_apart(owner: str, thing: str, other: str) -> None:
    assert (owned_id(owner, thing) == owned_id(owner, other)) == (thing == other)

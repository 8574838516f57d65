"""Ids, derived and random."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.ids import derived_id, joined, ordered_id, random_id

NAMESPACE = UUID("6f2a0a3e-8b56-5c0e-9d0c-0b7f4a1c2e55")
# Few characters, so that tuples that look alike come often.
PARTS = st.lists(st.text("a/%2F5 1:", max_size=4), min_size=1, max_size=4)


@given(st.uuids(), st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_derived_id_is_the_uuid_of_version_5(namespace: UUID, parts: list[str]) -> None:
    assert derived_id(namespace, *parts) == str(uuid5(namespace, joined(*parts)))


@given(PARTS, PARTS)
def test_other_parts_give_another_id(some: list[str], others: list[str]) -> None:
    assert (derived_id(NAMESPACE, *some) == derived_id(NAMESPACE, *others)) == (some == others)


@pytest.mark.parametrize(
    ("some", "others"),
    [
        (("a/b", "c"), ("a", "b/c")),
        (("a/b",), ("a", "b")),
        (("a%2Fb",), ("a/b",)),
        (("a", ""), ("a",)),
        (("", "a"), ("a", "")),
    ],
)
def test_where_a_part_ends_is_never_lost(some: tuple[str, ...], others: tuple[str, ...]) -> None:
    assert derived_id(NAMESPACE, *some) != derived_id(NAMESPACE, *others)


def test_ids_of_ours_are_joined_as_they_are() -> None:
    # Other systems make the ids of attempts themselves, by this rule (`QuizPublished.attempt_ids`).
    assert joined("contest", "wang-1", "2026-05-20", "1") == "contest/wang-1/2026-05-20/1"


def test_random_ids_are_uuids_of_version_4_and_differ() -> None:
    ids = [random_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert all((UUID(id_).version, UUID(id_).variant, str(UUID(id_))) == (4, RFC_4122, id_) for id_ in ids)


def test_ordered_ids_are_uuids_of_version_7_and_sort_by_their_seconds() -> None:
    noon = datetime(2023, 5, 20, 12, 0, 0, 123_456, tzinfo=UTC)
    seconds = [noon + timedelta(seconds=number) for number in range(100)]
    ids = [ordered_id(at) for at in seconds]
    assert ids == sorted(ids)
    assert all((UUID(id_).version, UUID(id_).variant, str(UUID(id_))) == (7, RFC_4122, id_) for id_ in ids)
    assert len({ordered_id(noon) for _ in range(1_000)}) == 1_000
    assert UUID(ids[0]).int >> 80 == int(noon.timestamp()) * 1000

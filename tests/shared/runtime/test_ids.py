"""Ids, derived and random."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.ids import derived_id, ordered_id, random_id


@given(st.uuids(), st.text(st.characters(exclude_categories=["Cs"])))
def test_derived_id_is_the_uuid_of_version_5(namespace: UUID, name: str) -> None:
    assert derived_id(namespace, name) == str(uuid5(namespace, name))


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

"""Ids, derived and random."""

from uuid import RFC_4122, UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import derived_id, random_id


@given(st.uuids(), st.text(st.characters(exclude_categories=["Cs"])))
def test_derived_id_is_the_uuid_of_version_5(namespace: UUID, name: str) -> None:
    assert derived_id(namespace, name) == str(uuid5(namespace, name))


def test_random_ids_are_uuids_of_version_4_and_differ() -> None:
    ids = [random_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert all((UUID(id_).version, UUID(id_).variant, str(UUID(id_))) == (4, RFC_4122, id_) for id_ in ids)

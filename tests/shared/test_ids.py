"""Ids that derive."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import derived_id


@given(st.uuids(), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_derived_id_is_the_librarys_uuid5(namespace: UUID, name: str) -> None:
    assert derived_id(namespace, name) == str(uuid5(namespace, name))

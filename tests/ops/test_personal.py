"""The audit knows personal fields by their names, new ones too."""

import pytest

from ops.audit.erasure import personal_in


@pytest.mark.parametrize(
    "name", ["ticket_hash", "comment_locked", "comment", "fingerprint", "contact_name", "district"]
)
def test_a_personal_field_is_found_by_the_end_of_its_name(name: str) -> None:
    assert personal_in({"_id": "p", "stars": 5, name: "text"}) == [name]


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_an_emptied_field_holds_nothing_personal(nothing: object) -> None:
    assert personal_in({"_id": "p", "comment_locked": nothing, "scheme_title": "奖", "code": "x"}) == []

"""The audit finds a profile by which awards would count wrongly."""

from typing import Any

import pytest

from ops.audit.log import Entry
from ops.audit.names import wrong_profiles
from tests.awards.builders import joined

PROFILE = {"group_id": "school", "district": "华龙区", "audience": "youth"}


@pytest.mark.parametrize(
    ("stored", "is_right"),
    [
        (PROFILE, True),
        ({"erased": True}, True),
        (PROFILE | {"district": "范县"}, False),
        ({"group_id": "school"}, False),
        ({"erased": True, "district": "华龙区"}, False),
    ],
    ids=["right", "erased", "another district", "missing", "left of an erasure"],
)
def test_a_wrong_profile_is_found(stored: dict[str, Any], *, is_right: bool) -> None:
    value = joined("wang", **PROFILE).model_dump_json().encode()
    entry = Entry("participant.joined", 0, 0, "wang", value, None, {}, None, 0)
    assert list(wrong_profiles({"wang": entry}, {"wang": stored})) == ([] if is_right else ["wang"])

"""A deployment is described by what opens it, and says which address is not known."""

import pytest

from ops.deployment.description import AddressUnknown, Apis


def test_a_service_without_an_address_is_named_with_the_way_out() -> None:
    apis = Apis({"quiz": "http://quiz"}, "k" * 16)
    assert apis.quiz == "http://quiz"
    with pytest.raises(AddressUnknown, match=r"awards has no address: .*kepu up.*--awards"):
        _ = apis.awards


def test_an_organisers_request_carries_the_key() -> None:
    assert Apis({}, "k" * 16).organiser == {"X-Organiser-Key": "k" * 16}

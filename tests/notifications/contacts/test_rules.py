"""How participants are reached, and in which language."""

from services.notifications.contacts.rules import (
    Preferences,
    Recipient,
    language_of,
    latest_keys,
    latest_profiles,
    reach_of,
)
from tests.notifications.builders import joined, keyed


def test_language_is_what_is_asked_then_chosen_then_the_profiles() -> None:
    profile = Recipient("p", language="en")
    assert language_of("zh-CN", Preferences(language="en"), profile) == "zh-CN"
    assert language_of(None, Preferences(language="zh-CN"), profile) == "zh-CN"
    assert language_of(None, Preferences(), profile) == "en"
    assert language_of(None, None, None) == "zh-CN"


def test_recipients_show_no_contact() -> None:
    assert "AAAA" not in repr(Recipient("p", contact_sealed="AAAA"))


def test_an_erasure_counts_before_everything_and_a_key_only_where_there_is_a_contact() -> None:
    assert reach_of(erased=True, has_contact=True, has_key=True, verified=True) == "erased"
    assert reach_of(erased=False, has_contact=False, has_key=True, verified=True) == "unaddressed"
    assert reach_of(erased=False, has_contact=True, has_key=False, verified=True) == "keyless"
    assert reach_of(erased=False, has_contact=True, has_key=True, verified=True) == "addressed"
    assert reach_of(erased=False, has_contact=True, has_key=True, verified=False) == "unverified"


def test_the_highest_version_holds_and_a_destroyed_key_for_good() -> None:
    old, new = joined("p", version=1), joined("p", version=2)
    assert latest_profiles([new, old]) == latest_profiles([old, new]) == [new]
    key, destroyed, later = keyed("p"), keyed("p", version=2, key_sealed=None), keyed("p", version=3)
    assert latest_keys([key, later]) == latest_keys([later, key]) == [later]
    assert latest_keys([key, destroyed, later]) == latest_keys([later, destroyed]) == [destroyed]

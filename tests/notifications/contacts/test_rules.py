"""How participants are reached, and in which language."""

from services.notifications.contacts.rules import Preferences, Recipient, language_of


def test_language_is_what_is_asked_then_chosen_then_the_profiles() -> None:
    profile = Recipient("p", language="en")
    assert language_of("zh-CN", Preferences(language="en"), profile) == "zh-CN"
    assert language_of(None, Preferences(language="zh-CN"), profile) == "zh-CN"
    assert language_of(None, Preferences(), profile) == "en"
    assert language_of(None, None, None) == "zh-CN"


def test_recipients_show_no_contact() -> None:
    assert "AAAA" not in repr(Recipient("p", contact_sealed="AAAA"))

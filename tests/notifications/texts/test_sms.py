"""The texts of SMS: one for each kind that goes by SMS, in both languages, with few enough parts."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from services.notifications.texts.policy import CODE_KIND, KINDS, NOTICES, Fact, goes_by_sms
from services.notifications.texts.sms import SMS_PARTS_MAX, SmsTexts, parts_of, short
from shared.contracts.events import Language
from shared.runtime.errors import Rejected

TEXTS = SmsTexts()
LANGUAGES: tuple[Language, ...] = get_args(Language)
BY_SMS = sorted(kind for kind, event in KINDS.items() if NOTICES[event].sms)
LATEST = datetime(2099, 12, 31, 15, 59, tzinfo=UTC)
CODES = {"registration_cancelled": "cancelled_by_organiser"}


def worst(kind: str, letter: str) -> dict[str, Fact]:
    """Facts of this kind, all as long as the contracts allow."""
    facts: dict[str, Fact] = dict.fromkeys(NOTICES[KINDS[kind]].facts)
    facts |= {
        name: letter * 200 for name in ("activity_title", "venue", "venue_before", "reason") if name in facts
    }
    facts |= {
        name: LATEST
        for name in ("starts_at", "until", "expires_at", "starts_at_before", "changed_at")
        if name in facts
    }
    return facts | {
        "places": 60,
        "promoted": True,
        "ticket_code": "W" * 40,
        "code": CODES.get(kind, "WWWW-WWWW"),
    }


def test_each_kind_that_goes_by_sms_has_a_text_in_both_languages_and_no_other_has() -> None:
    for language in LANGUAGES:
        assert sorted(TEXTS.kinds(language)) == BY_SMS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", BY_SMS)
# One unit of 16 bits, and two.
@pytest.mark.parametrize("letter", ["科", "𠮷"])
def test_no_text_has_more_parts_than_declared(kind: str, language: Language, letter: str) -> None:
    text = TEXTS.render(kind, worst(kind, letter), language)
    assert parts_of(text) <= (1 if kind == CODE_KIND else SMS_PARTS_MAX), len(text)
    assert "\n" not in text
    without_code = {**worst(kind, letter), "ticket_code": None}
    assert parts_of(TEXTS.render(kind, without_code, language)) <= SMS_PARTS_MAX


@pytest.mark.parametrize(("units", "parts"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)])
def test_a_text_of_70_units_is_one_part_and_longer_ones_have_67_in_each(units: int, parts: int) -> None:
    assert parts_of("科" * units) == parts
    if units % 2 == 0:
        assert parts_of("𠮷" * (units // 2)) == parts


def test_what_is_too_long_is_shortened_between_characters() -> None:
    assert short("科普宣传一条街", 7) == "科普宣传一条街"
    assert short("科普宣传一条街", 6) == "科普宣传一…"
    assert short("𠮷𠮷𠮷", 5) == "𠮷𠮷…"
    assert short("𠮷𠮷𠮷", 4) == "𠮷…"


def test_facts_that_do_not_fit_are_a_failure_of_their_own() -> None:
    with pytest.raises(Rejected) as refused:
        TEXTS.render("registration_moved", {}, "en")
    assert refused.value.code == "sms_unmakeable"


def test_cancelled_by_oneself_is_not_worth_an_sms() -> None:
    assert goes_by_sms("registration_cancelled", {"code": "session_cancelled"})
    assert not goes_by_sms("registration_cancelled", {"code": "cancelled_by_participant"})
    assert not goes_by_sms("award_issued", {})
    assert not goes_by_sms("of another version", {})

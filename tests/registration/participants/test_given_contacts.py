"""Contacts as people give them: one number has one form, and what is no mobile number is refused."""

import subprocess
import sys

import pytest

from services.registration.participants.given_contacts import GivenContacts
from shared.runtime.errors import Rejected
from tests.registration.builders import CODES

NUMBER = "+8613800138000"
SPELLINGS = (
    "13800138000",
    "138 0013 8000",
    "+86 138-0013-8000",
    "0086 13800138000",
    "１３８　００１３　８０００",
    "＋８６（１３８）００１３－８０００",
    "+86 (138) 0013\u20148000",
    "\u200b138.0013.8000 ",
    "8613800138000",
)
GIVEN = GivenContacts(["CN", "HK"])


def refused(typed: str, given: GivenContacts = GIVEN) -> str | None:
    with pytest.raises(Rejected) as raised:
        given.phone(typed)
    assert typed not in str(raised.value)
    return raised.value.code


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_number_has_one_form_however_it_is_typed(typed: str) -> None:
    assert GIVEN.phone(typed) == NUMBER


@pytest.mark.parametrize(
    "typed",
    [
        "12345",
        "1380013800",
        "138001380000",
        # Of a house in Beijing.
        "010-12345678",
        "13800138000 ext 5",
        "13800138000;ext=5",
        "tel:13800138000",
        "138OO138OOO",
        "1-800-FLOWERS",
        "li@example.org",
        "13800138000\n13800138001",
        "+",
        "------",
        "+99913800138000",
    ],
)
def test_what_is_no_mobile_number_is_refused(typed: str) -> None:
    assert refused(typed) == "phone_invalid"


def test_numbers_of_the_named_regions_are_taken_and_no_others() -> None:
    assert GIVEN.phone("+852 5123 4567") == "+85251234567"
    assert refused("+1 202 555 0123") == "phone_region"
    assert refused("+852 5123 4567", GivenContacts(["CN"])) == "phone_region"
    # The first region is that of numbers without a country code.
    assert GivenContacts(["HK", "CN"]).phone("5123 4567") == "+85251234567"
    with pytest.raises(ValueError, match="XX"):
        GivenContacts(["XX"])


def test_without_a_region_no_numbers_are_taken_and_their_rules_are_not_loaded() -> None:
    assert refused("13800138000", GivenContacts()) == "phone_unsupported"
    code = (
        "import sys; import services.registration.app as app; from services.registration.participants"
        ".given_contacts import GivenContacts; GivenContacts().contact('n', 'li@example.org', None);"
        "sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_either_an_address_or_a_number_is_given() -> None:
    assert GIVEN.contact("李", "li@example.org", None).address == "li@example.org"
    assert GIVEN.contact("李", None, "13800138000").address == NUMBER
    for email, phone, code in [
        (None, None, "contact_missing"),
        ("li@example.org", "13800138000", "contact_ambiguous"),
    ]:
        with pytest.raises(Rejected) as raised:
            GIVEN.contact("李", email, phone)
        assert raised.value.code == code


def test_a_number_and_an_address_are_never_the_same_contact() -> None:
    hashes = {CODES.hash_of(one) for one in (NUMBER, f"{NUMBER}@example.org", f"tel:{NUMBER}@example.org")}
    assert len(hashes) == 3

"""Contacts as keyed hashes, and codes computed from them."""

from datetime import UTC, datetime, timedelta

import pytest

from services.registration.participants.codes import ContactCodes, expires_at
from shared.contracts import checked
from shared.contracts.sealing import Contact, decrypt_contact, decrypt_words, new_key

CODES = ContactCodes(b"a secret of the service")
NOON = datetime(2023, 5, 20, 12, tzinfo=UTC)
ADDRESS = "li@example.org"
HASH = CODES.hash_of(ADDRESS)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("li@example.org", "Li@EXAMPLE.org", True),
        ("li@example.org", "ｌｉ＠ｅｘａｍｐｌｅ．ｏｒｇ", True),
        ("li@example.org", "  li@example.org ", True),
        ("li@example.org", "li+week@example.org", True),
        ("li@例子.中国", "li@xn--fsqu00a.xn--fiqs8s", True),
        ("o'brien@example.org", "O'Brien@example.org", True),
        ("l.i@gmail.com", "li+week@googlemail.com", True),
        ("l.i@example.org", "li@example.org", False),
        ("+@example.org", "li@example.org", False),
        ("li@example.org", "li@example.com", False),
        ("o'brien@example.org", "obrien@example.org", False),
        ("groß@example.org", "gross@example.org", False),
        ("ſam@example.org", "sam@example.org", True),
        ("Ö@example.org", "ö@example.org", False),
    ],
)
def test_spellings_of_a_mailbox_are_one_contact(one: str, other: str, same: bool) -> None:
    assert (CODES.hash_of(checked.email(one)) == CODES.hash_of(checked.email(other))) is same


def test_another_secret_makes_other_hashes_and_codes() -> None:
    other = ContactCodes(b"another secret")
    assert other.hash_of("li@example.org") != HASH
    assert other.code(ADDRESS, 1, NOON) != CODES.code(ADDRESS, 1, NOON)


@pytest.mark.parametrize("written", ["{}", " {} ", "{lower}", "{wide}", "{dashed}"])
def test_a_code_is_accepted_as_people_type_it(written: str) -> None:
    code = CODES.code(ADDRESS, 1, NOON)
    plain = code.replace("-", "")
    wide = "".join(chr(ord(c) + 0xFEE0) for c in plain)
    typed = written.format(code, lower=code.lower(), wide=wide, dashed="—".join(plain).replace("0", "O"))
    assert CODES.accepts(typed, ADDRESS, 1, NOON)


@pytest.mark.parametrize(
    "other",
    ["wang@example.org", "li+week@example.org", "Li@example.org", "lí@example.org"],
)
def test_a_code_is_good_for_its_address_and_round_alone(other: str) -> None:
    code = CODES.code(ADDRESS, 1, NOON)
    assert not CODES.accepts(code, other, 1, NOON)
    assert not CODES.accepts(code, ADDRESS, 2, NOON)
    assert not CODES.accepts("", ADDRESS, 1, NOON)
    assert not CODES.accepts(code[:-1], ADDRESS, 1, NOON)


def test_a_code_is_good_until_the_next_day_ends() -> None:
    code, end = CODES.code(ADDRESS, 1, NOON), expires_at(NOON)
    assert end == datetime(2023, 5, 22, tzinfo=UTC)
    assert CODES.accepts(code, ADDRESS, 1, end - timedelta(seconds=1))
    assert not CODES.accepts(code, ADDRESS, 1, end)


def test_only_the_participants_key_opens_the_code_for_the_mail() -> None:
    key = new_key()
    contact = Contact(name="李小明", email=ADDRESS)
    proof = CODES.proof(contact, key, NOON)
    assert proof.contact_hash == HASH
    assert decrypt_contact(proof.contact_locked, key, private_key="") == contact
    assert decrypt_words(proof.code_locked, key) == CODES.code(ADDRESS, 1, NOON)

"""What a signed ticket says, and that nobody else can say it."""

from base64 import b32decode, b32encode, b64decode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ops.door.verifier import read_ticket
from services.registration.booking.tickets import new_ticket_code
from services.registration.tickets.keys import TicketKey
from services.registration.tickets.rules import (
    PREFIX,
    TICKET_TEXT_CHARS_MAX,
    SignedTicket,
    body_of,
    looks_signed,
    ticket_of,
)
from shared.runtime.errors import Conflict
from tests.registration.builders import NOW, session
from tests.registration.check_in.scenes import KEY, OTHERS_KEY, holder, session_at
from tests.support.service import TOKEN_PRIVATE_KEY

TICKET = ticket_of(holder(3), session_at(), KEY.public.key_id)
TEXT = KEY.sign(TICKET)

tickets = st.builds(
    SignedTicket,
    key_id=st.just(KEY.public.key_id),
    registration_id=st.uuids().map(str),
    round=st.integers(1, 0xFFFF),
    places=st.integers(1, 500),
    valid_from=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(  # noqa: DTZ001 (UTC below)
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    ),
    valid_until=st.just(NOW),
    session_id=st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True),
)


@given(tickets)
def test_a_ticket_is_read_as_it_was_written(ticket: SignedTicket) -> None:
    text = KEY.sign(ticket)
    assert KEY.read(text) == ticket
    assert len(text) <= TICKET_TEXT_CHARS_MAX
    # The characters that a QR code packs best, and that scanners type right on every keyboard.
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


@pytest.mark.parametrize(("places", "form"), [(1, 1), (255, 1), (256, 2), (500, 2)])
def test_only_a_ticket_for_many_has_the_form_for_many_and_doors_read_both(places: int, form: int) -> None:
    ticket = ticket_of(holder(places), session_at(), KEY.public.key_id)
    assert body_of(ticket)[0] == form
    keys = {KEY.public.key_id: b64decode(KEY.public.public_key)}
    read = read_ticket(KEY.sign(ticket), keys)
    assert read is not None
    assert (read.places, read.session_id) == (places, ticket.session_id)


def test_a_ticket_of_a_usual_session_has_less_than_two_hundred_characters() -> None:
    usual = ticket_of(holder(), session(session_id="outreach-street-0520-am"), KEY.public.key_id)
    assert len(KEY.sign(usual)) < 200


@given(st.integers(0, 8 * 118), st.data())
def test_a_ticket_with_any_bit_changed_is_nobodys(bit: int, data: st.DataObject) -> None:
    letters = TEXT.removeprefix(PREFIX)
    signed = bytearray(b32decode(letters + "=" * (-len(letters) % 8)))
    bit %= 8 * len(signed)
    signed[bit // 8] ^= 1 << bit % 8
    changed = PREFIX + b32encode(bytes(signed)).decode().rstrip("=")
    assert KEY.read(changed) is None


@given(st.text(max_size=300))
def test_any_text_is_read_without_harm(text: str) -> None:
    assert KEY.read(text) is None
    assert KEY.read(PREFIX + text) is None


def test_a_ticket_signed_with_another_key_is_nobodys() -> None:
    assert KEY.read(OTHERS_KEY.sign(TICKET)) is None


def test_what_scanners_add_does_not_matter() -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in TEXT)
    for typed in (TEXT.lower(), f"  {TEXT}\r\n", wide, f"{TEXT[:20]} {TEXT[20:]}"):
        assert KEY.read(typed) == TICKET


def test_no_second_text_is_the_same_ticket() -> None:
    # The last letter of base32 has spare bits; a decoder that ignores them reads several letters alike.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    good = [last for last in letters if KEY.read(TEXT[:-1] + last) is not None]
    assert good == [TEXT[-1]]


def test_no_typed_code_is_taken_for_a_signed_ticket() -> None:
    assert not any(looks_signed(new_ticket_code()) for _ in range(1_000))
    assert looks_signed(TEXT)


def test_the_key_is_derived_from_the_services_key_and_signs_nothing_as_it_does() -> None:
    one, same = TicketKey.from_private_key(TOKEN_PRIVATE_KEY), TicketKey.from_private_key(TOKEN_PRIVATE_KEY)
    assert one.public == same.public
    ticket = replace(TICKET, key_id=one.public.key_id)
    assert same.read(one.sign(ticket)) == ticket
    # A list of a door begins with other words: its signature is no ticket's.
    assert one.signature_of(b"kepu-door-list-1\n" + body_of(ticket)) not in one.sign(ticket)


@pytest.mark.parametrize("status", ["waitlisted", "cancelled"])
def test_without_a_place_there_is_no_ticket(status: str) -> None:
    with pytest.raises(Conflict) as refused:
        ticket_of(replace(holder(), status=status), session_at(), KEY.public.key_id)
    assert refused.value.code == "ticket_missing"


def test_it_is_valid_while_the_door_is_open() -> None:
    of = session_at()
    assert TICKET.valid_from == of.starts_at - timedelta(hours=3)
    assert TICKET.valid_until == of.ends_at + timedelta(hours=2)

"""Ticket codes are unguessable and survive being read aloud; what is locked opens with its key alone."""

import re

import pytest

from services.registration.booking.tickets import TicketOffice, new_ticket_code, opened_ticket
from shared.contracts.sealing import new_key
from shared.runtime.errors import Rejected
from tests.registration.builders import SEALER, TICKETS


def test_codes_are_ten_characters_without_look_alikes() -> None:
    codes = {new_ticket_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", code) for code in codes)
    assert len(set("".join(codes))) == 33


@pytest.mark.parametrize(
    "typed",
    [
        "10a1b-vwxyz",
        "1OAIB VWXYZ",
        "ioalbvwxyz",
        " 1 0 A 1 B - V W X Y Z ",
        "１０ａ１ｂ－ｖｗｘｙｚ",
        "10A1B—VWXYZ",
        "10A1B−VWXYZ",
    ],
)
def test_a_ticket_is_found_however_its_code_is_typed(typed: str) -> None:
    assert TICKETS.hash_of(typed) == TICKETS.hash_of("10A1B-VWXYZ")


def test_a_tickets_hash_cannot_be_computed_without_the_secret() -> None:
    other = TicketOffice(b"another")
    assert other.hash_of("10A1B-VWXYZ") != TICKETS.hash_of("10A1B-VWXYZ")


def test_a_ticket_opens_with_its_holders_key_alone() -> None:
    key = SEALER.new_key()
    ticket = TICKETS.new_ticket(key.key)
    assert opened_ticket(ticket.encrypted, key.key) == ticket.code
    assert opened_ticket(ticket.encrypted, None) is None
    assert ticket.code.encode() not in ticket.encrypted.encode()
    with pytest.raises(Rejected):
        opened_ticket(ticket.encrypted, new_key())

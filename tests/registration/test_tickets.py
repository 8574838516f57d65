"""Ticket codes are unguessable and survive being read aloud."""

import re

import pytest

from services.registration.tickets import as_written, new_ticket_code


def test_codes_are_ten_characters_without_look_alikes() -> None:
    codes = {new_ticket_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", code) for code in codes)


@pytest.mark.parametrize("spoken", ["10a1b-vwxyz", "1OAIB VWXYZ", "ioalbvwxyz", " 1 0 A 1 B - V W X Y Z "])
def test_a_code_is_understood_however_it_is_written_down(spoken: str) -> None:
    assert as_written(spoken) == "10A1B-VWXYZ"

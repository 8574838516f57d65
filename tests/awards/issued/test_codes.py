"""Award codes: what people type is read as meant, and a typing error is found."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.awards.issued.codes import ALPHABET, award_code, award_id, read_code
from shared.runtime.errors import Rejected

KEY = b"a key of some length, for the tests"
codes = st.uuids().map(lambda id_: award_code(str(id_), KEY))


@given(codes)
def test_a_code_has_the_form_that_we_promise_and_is_read_back(code: str) -> None:
    assert re.fullmatch(f"KW-[{ALPHABET}]{{5}}-[{ALPHABET}]{{5}}", code)
    assert read_code(code) == code


@given(codes)
def test_case_hyphens_spaces_and_look_alikes_do_not_matter(code: str) -> None:
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read_code(f" {typed} ") == code
    assert read_code(code.replace("-", "").replace("1", "i")) == code


@given(codes)
def test_full_width_characters_and_any_dash_do_not_matter(code: str) -> None:
    wide = "".join(chr(ord(one) + 0xFEE0) if one != "-" else one for one in code)
    for dash in "-\u2010\u2013\u2014\u2212\uff0d\u3000":
        assert read_code(wide.replace("-", dash)) == code
        assert read_code(code.replace("-", dash)) == code


@given(codes, st.integers(0, 9), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_found(code: str, place: int, symbol: str) -> None:
    symbols = list(code[3:].replace("-", ""))
    if symbols[place] == symbol:
        return
    symbols[place] = symbol
    with pytest.raises(Rejected) as refused:
        read_code("KW" + "".join(symbols))
    assert refused.value.code == "award_code_malformed"


@given(codes, st.integers(0, 9), st.integers(0, 9))
def test_every_two_swapped_characters_are_found(code: str, one: int, other: int) -> None:
    symbols = list(code[3:].replace("-", ""))
    if symbols[one] == symbols[other]:
        return
    symbols[one], symbols[other] = symbols[other], symbols[one]
    with pytest.raises(Rejected):
        read_code("KW" + "".join(symbols))


@pytest.mark.parametrize(
    "typed", ["", "KW", "KW-7Q2MA", "XY-7Q2MA-X4D0P", "KW-7Q2MA-X4D0U", "KW-7Q2MA-X4D0P9", "ＫＷ"]
)
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_code(typed)
    assert refused.value.code == "award_code_malformed"


def test_a_code_depends_on_award_key_and_turn_alone() -> None:
    id_ = award_id("contest-certificate", "p1")
    assert award_code(id_, KEY) == award_code(id_, KEY)
    assert len({award_code(id_, KEY), award_code(id_, KEY, 1), award_code(id_, KEY * 2)}) == 3


def test_an_award_id_names_scheme_and_recipient() -> None:
    assert award_id("s", "p") == award_id("s", "p")
    assert len({award_id("s", "p"), award_id("s", "q"), award_id("t", "p")}) == 3

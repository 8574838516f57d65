"""What opens a submission, and what does not."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.quiz.attempts.tokens import (
    SIGNATURE_BYTES,
    TIME_MS_MAX,
    TOKEN_CHARS_MAX,
    AttemptClaims,
    AttemptTokens,
)
from shared.contracts.checked import ID_PATTERN, YEARS
from shared.runtime.errors import NotAuthenticated

TOKENS = AttemptTokens("a-secret-of-at-least-thirty-two-characters")
CLAIMS = AttemptClaims("a-1", "contest", "wang", 1, 1_779_000_000_000, 1_779_001_205_000, None, "华龙区", 1)
TOKEN = TOKENS.sign(CLAIMS)

IDS = st.from_regex(ID_PATTERN, fullmatch=True)
LINES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


def refused(token: str) -> bool:
    try:
        TOKENS.verify(token)
    except NotAuthenticated as why:
        return why.code == "attempt_token_invalid"
    return False


@given(
    st.builds(
        AttemptClaims,
        IDS,
        IDS,
        IDS,
        st.integers(1, 100),
        st.integers(0, TIME_MS_MAX),
        st.integers(0, TIME_MS_MAX),
        st.none() | IDS,
        st.none() | LINES,
        st.integers(1, 2**53),
    )
)
def test_a_token_gives_back_its_claims(claims: AttemptClaims) -> None:
    assert TOKENS.verify(TOKENS.sign(claims)) == claims


def test_the_longest_claims_fit_a_token() -> None:
    long = AttemptClaims(
        "a" * 64, "q" * 64, "p" * 64, 100, TIME_MS_MAX, TIME_MS_MAX, "g" * 64, "𠀀" * 200, 2**53
    )
    assert TOKENS.verify(TOKENS.sign(long)) == long


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "not-a-token",
        "....",
        "華龍區",
        TOKEN + "é",
        TOKEN + "A",
        TOKEN + "====",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN[:8] + "!" + TOKEN[8:],
        "A" * TOKEN_CHARS_MAX,
        "A" * (TOKEN_CHARS_MAX + 4),
        "\ud800",
        AttemptTokens("another-secret-of-thirty-two-characters").sign(CLAIMS),
    ],
)
def test_what_we_did_not_write_is_refused(token: str) -> None:
    assert refused(token)


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_a_truncated_token_is_refused(length: int) -> None:
    assert refused(TOKEN[:length])


@settings(max_examples=200)
@given(st.integers(0, len(urlsafe_b64decode(TOKEN)) * 8 - 1))
def test_a_token_with_any_bit_changed_is_refused(bit: int) -> None:
    signed = bytearray(urlsafe_b64decode(TOKEN))
    signed[bit // 8] ^= 1 << bit % 8
    assert refused(urlsafe_b64encode(bytes(signed)).decode())


def test_claims_with_somebody_elses_signature_are_refused() -> None:
    signature = urlsafe_b64decode(TOKEN)[:SIGNATURE_BYTES]
    longer = msgspec.msgpack.encode(msgspec.structs.replace(CLAIMS, deadline_ms=CLAIMS.deadline_ms + 1))
    assert refused(urlsafe_b64encode(signature + longer).decode())
    assert refused(urlsafe_b64encode(longer).decode())
    assert refused(urlsafe_b64encode(bytes(SIGNATURE_BYTES) + longer).decode())


@pytest.mark.parametrize(
    "changes",
    [
        {"started_ms": 1 << 62},
        {"started_ms": -1},
        {"deadline_ms": TIME_MS_MAX + 1},
        {"number": 0},
        {"quiz_version": 0},
    ],
)
def test_claims_that_no_clock_or_counter_can_have_are_refused(changes: dict[str, int]) -> None:
    assert refused(TOKENS.sign(msgspec.structs.replace(CLAIMS, **changes)))


@given(st.integers(0, TIME_MS_MAX))
def test_every_time_that_a_token_may_carry_is_a_time(milliseconds: int) -> None:
    assert datetime.fromtimestamp(milliseconds / 1000, UTC).year <= YEARS.stop

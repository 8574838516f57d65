"""
Award ids, and the codes on certificates, which people type in.

A code is "KW-XXXXX-XXXXX": nine characters of Crockford's base32, which has no I, L, O or U, and a check
character. The check is a weighted sum over GF(32); the weights are the powers of a primitive element. It
finds every single wrong character and every two swapped characters.

Source: docs/decisions/0009-award-ids-and-ties.md
"""

import hmac
from collections.abc import Iterable

from shared.contracts.typed_codes import typed_code
from shared.runtime.errors import Rejected
from shared.runtime.owned_ids import member_id

PREFIX = "KW"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SYMBOLS = 10
SYMBOL_BITS = 5
CODE_CHARS_MAX = 40
# x^5 + x^2 + 1 is primitive over GF(2): the powers of x run through all 31 weights.
POLYNOMIAL = 0b100101
_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}


def award_id(scheme_id: str, recipient_id: str) -> str:
    """
    The id of the one award that a recipient can have from a scheme; all ids of a scheme are near each other.
    """
    return member_id(scheme_id, recipient_id)


def award_code(id_: str, key: bytes, try_number: int = 0) -> str:
    """
    The code of the award with this id; nobody without the key can compute it.

    Args:
        try_number: 0 at first. If another award has the code already, the next number gives another code.
    """
    digest = hmac.digest(key, f"{id_}/{try_number}".encode(), "sha256")
    number = int.from_bytes(digest[:8], "big")
    check = 0
    text = ""
    for weighted in _WEIGHTED:
        check ^= weighted[number & 31]
        text += ALPHABET[number & 31]
        number >>= SYMBOL_BITS
    return f"{PREFIX}-{text[:5]}-{text[5:]}{ALPHABET[check]}"


def read_code(typed: str) -> str:
    """
    A typed code in our standard form.

    Case, spaces, dashes and full-width characters make no difference; O is read as 0, and I and L as 1.

    Raises:
        Rejected: it does not look like a code, or has a typing error.
    """
    text = typed_code(typed)
    symbols = text.removeprefix(PREFIX)
    has_prefix = len(text) == len(PREFIX) + len(symbols)
    if not has_prefix or len(symbols) != SYMBOLS or any(symbol not in _VALUES for symbol in symbols):
        raise Rejected("an award code looks like KW-7Q2MA-X4D0P", code="award_code_malformed")
    if _weighted(_VALUES[symbol] for symbol in symbols) != 0:
        raise Rejected("the award code has a typing error", code="award_code_malformed")
    return f"{PREFIX}-{symbols[:5]}-{symbols[5:]}"


def _weighted(values: Iterable[int]) -> int:
    total = 0
    for value in values:
        total = _times_x(total) ^ value
    return total


def _times_x(value: int) -> int:
    value <<= 1
    return value ^ POLYNOMIAL if value & 0b100000 else value


def _weighted_at(place: int) -> list[int]:
    """
    What each symbol adds to the check if it stands at this place.

    The check is the sum of one such value for each place. So the values are computed once, as a table.
    """
    return [_times_x(_weighted([value] + [0] * (SYMBOLS - 2 - place))) for value in range(len(ALPHABET))]


_WEIGHTED = [_weighted_at(place) for place in range(SYMBOLS - 1)]

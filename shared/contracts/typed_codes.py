"""Codes that people type in: of tickets, awards, contacts and claims."""

import unicodedata

TYPED_CHARS_MAX = 64
_HEARD = str.maketrans("OIL", "011")


def typed_code(text: str) -> str:
    """
    A code that somebody typed, as capital letters and digits.

    Full-width characters become plain ones. Dashes of any kind and spaces are removed. O is read as 0, and
    I and L as 1, as in Crockford's base32.
    """
    text = unicodedata.normalize("NFKC", text[:TYPED_CHARS_MAX])
    kept = (
        c for c in text if unicodedata.category(c) not in ("Pd", "Zs", "Cc", "Cf") and c not in "\u2212\u30fc"
    )
    return "".join(kept).upper().translate(_HEARD)

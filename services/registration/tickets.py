"""
Ticket codes: unguessable, and short enough to be read aloud at the door.

Ten characters of Crockford's base32 (no I, L, O or U) hold 50 random bits; the service
answers far too few look-ups for anybody to find one of them by trying.
"""

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HALF_CHARS = 5
TICKET_CHARS_MAX = 32

_HEARD = str.maketrans("OIL", "011")
_PUNCTUATION = re.compile(r"[\s-]+")


def new_ticket_code() -> str:
    """A fresh code, such as 7K3QX-M0R9T."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(2 * HALF_CHARS))
    return f"{letters[:HALF_CHARS]}-{letters[HALF_CHARS:]}"


def as_written(spoken: str) -> str:
    """The code as it was given out: whatever case, spaces and look-alike letters it comes back with."""
    letters = _PUNCTUATION.sub("", spoken).upper().translate(_HEARD)
    return f"{letters[:HALF_CHARS]}-{letters[HALF_CHARS:]}"

"""
Ticket codes: unguessable, and short enough to be read aloud at the door.

Ten characters of Crockford's base32 (no I, L, O or U) hold 50 random bits; the service
answers far too few look-ups for anybody to find one of them by trying.
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HALF_CHARS = 5
# As somebody types it: with spaces and dashes in between.
TICKET_CHARS_MAX = 32


def new_ticket_code() -> str:
    """A fresh code, such as 7K3QX-M0R9T."""
    bits = secrets.randbits(5 * 2 * HALF_CHARS)
    letters = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(2 * HALF_CHARS))
    return f"{letters[:HALF_CHARS]}-{letters[HALF_CHARS:]}"

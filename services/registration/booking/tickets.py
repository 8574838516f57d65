"""
Tickets: a code that nobody can guess, short enough to be read aloud at the door.

Ten characters of Crockford's base32 (no I, L, O or U) hold 50 random bits. The service answers so few
look-ups that nobody can find a code by trying.
"""

import hashlib
import hmac
import secrets

import msgspec

from shared.contracts import sealing
from shared.contracts.typed_codes import typed_code

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HALF_CHARS = 5
# Characters of a code as people type it, with spaces and dashes.
TICKET_CHARS_MAX = 32


class Ticket(msgspec.Struct, frozen=True):
    """
    A new ticket.

    Attributes:
        code: what the holder shows.
        hash: check-in finds the registration by this hash.
        encrypted: the code, encrypted with its holder's key.
    """

    code: str
    hash: str
    encrypted: str


class TicketOffice:
    """
    Makes tickets.

    Args:
        secret: makes the hashes. With another secret, check-in does not find earlier tickets.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def from_private_key(cls, private_key_pem: str) -> "TicketOffice":
        """Its secret is computed from the token key of the service. So operators need no further secret."""
        return cls(hmac.digest(private_key_pem.encode(), b"kepu registration tickets", "sha256"))

    def new_ticket(self, key: bytes) -> Ticket:
        """A new ticket for the holder of this key."""
        code = new_ticket_code()
        return Ticket(code, self.hash_of(code), sealing.encrypt_words(code, key))

    def hash_of(self, typed: str) -> str:
        """The hash of a ticket. The code may be typed with spaces, dashes or small letters."""
        return hashlib.blake2b(typed_code(typed).encode(), key=self._secret, digest_size=32).hexdigest()


def new_ticket_code() -> str:
    """A new code, such as 7K3QX-M0R9T."""
    bits = secrets.randbits(5 * 2 * HALF_CHARS)
    letters = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(2 * HALF_CHARS))
    return f"{letters[:HALF_CHARS]}-{letters[HALF_CHARS:]}"


def opened_ticket(encrypted: str | None, key: bytes | None) -> str | None:
    """The code of an encrypted ticket; None if there is no ticket, or the key was deleted."""
    return sealing.decrypt_words(encrypted, key) if encrypted is not None and key is not None else None

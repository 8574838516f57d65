"""
What registration holds only locked: contacts and ticket codes, with each participant's own key.

The key goes to notifications once, sealed, and lies here in a collection of its own (`contact_keys`).
On erasure it is deleted: nobody can open any more what it locked (docs/decisions/0016-contact-keys.md).
"""

import hashlib
import hmac

import msgspec

from services.registration.booking.tickets import new_ticket_code
from shared.contracts import sealing
from shared.contracts.checked import typed_code


class ContactKey(msgspec.Struct, frozen=True):
    """A participant's own key, and the same sealed for notifications."""

    key: bytes
    sealed: str


class Ticket(msgspec.Struct, frozen=True):
    """A code as its holder is told it, for the door to be found by, and locked with the holder's key."""

    code: str
    hash: str
    locked: str


class Lockbox:
    """
    Makes keys and tickets.

    Args:
        secret: the door finds tickets by a hash with it: with another secret those given out before
            are unknown there.
        contact_public_key: notifications', base64.
    """

    def __init__(self, secret: bytes, contact_public_key: str) -> None:
        self._secret = secret
        self._contact_public_key = contact_public_key

    @classmethod
    def from_private_key(cls, private_key_pem: str, contact_public_key: str) -> "Lockbox":
        """A secret of its own from the service's token key, so that there is one less to keep."""
        secret = hmac.digest(private_key_pem.encode(), b"kepu registration tickets", "sha256")
        return cls(secret, contact_public_key)

    def new_key(self) -> ContactKey:
        """A fresh key: the one public-key operation that a newcomer costs."""
        return self.sealed(sealing.new_key())

    def sealed(self, key: bytes) -> ContactKey:
        """A key that is there already, sealed once more."""
        return ContactKey(key, sealing.seal_key(key, self._contact_public_key))

    def new_ticket(self, key: bytes) -> Ticket:
        """A fresh ticket for the holder of this key."""
        code = new_ticket_code()
        return Ticket(code, self.ticket_hash(code), sealing.lock_words(code, key))

    def ticket_hash(self, typed: str) -> str:
        """What the ticket of this code is found by, however somebody typed it."""
        return hashlib.blake2b(typed_code(typed).encode(), key=self._secret, digest_size=32).hexdigest()


def opened_ticket(locked: str | None, key: bytes | None) -> str | None:
    """The code of a locked ticket; None without a ticket, or once the key is deleted."""
    return sealing.unlock_words(locked, key) if locked is not None and key is not None else None

"""
The key that signs tickets and the lists of doors.

It is derived from the service's token key, so operators keep no further secret. It is another key than the
token key, so nobody can use the signature of a ticket as the signature of a token
(docs/decisions/0032-signed-tickets.md).
"""

import hashlib
import hmac
import unicodedata
from base64 import b64encode

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from services.registration.tickets.rules import (
    SIGNATURE_BYTES,
    SIGNED_AS,
    SignedTicket,
    body_of,
    signed_in,
    text_of,
    ticket_in,
)

KEY_PURPOSE = b"kepu registration ticket signatures"
KEY_ID_BYTES = 4


class PublicKey(msgspec.Struct, frozen=True):
    """What a door needs to check tickets: Ed25519, base64."""

    key_id: str
    public_key: str


class TicketKey:
    """
    Signs and checks.

    Args:
        seed: 32 secret bytes. If the seed changes, doors do not accept tickets that were printed before.
    """

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)
        public = bytes(self._key.verify_key)
        self.public = PublicKey(
            hashlib.sha256(public).digest()[:KEY_ID_BYTES].hex(), b64encode(public).decode()
        )

    @classmethod
    def from_private_key(cls, private_key_pem: str) -> "TicketKey":
        """Derived from the token key of the service."""
        return cls(hmac.digest(private_key_pem.encode(), KEY_PURPOSE, "sha256"))

    def sign(self, ticket: SignedTicket) -> str:
        """A ticket as text for a QR code."""
        body = body_of(ticket)
        return text_of(body + self._key.sign(SIGNED_AS + body).signature)

    def read(self, text: str) -> SignedTicket | None:
        """
        The ticket of a scanned text; None if the text is not a ticket, or is not signed with this key.

        Full-width characters, small letters and spaces make no difference.
        """
        signed = signed_in(plain(text))
        if signed is None or len(signed) <= SIGNATURE_BYTES:
            return None
        body, signature = signed[:-SIGNATURE_BYTES], signed[-SIGNATURE_BYTES:]
        try:
            self._key.verify_key.verify(SIGNED_AS + body, signature)
        except (BadSignatureError, ValueError):
            return None
        return ticket_in(body)

    def signature_of(self, content: bytes) -> str:
        """The signature of other content, in base64. The content must begin by saying what it is."""
        return b64encode(self._key.sign(content).signature).decode()


def plain(text: str) -> str:
    """A scanned text in plain capital letters, without spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()

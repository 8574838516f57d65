"""
Contacts as keyed hashes, and the code that proves whose one is.

A code is computed from the hash of the contact, its round and the day, and stored nowhere: not even in
hashed form. All requests for the same contact within a day get the same code. So if a mail is not sent,
because somebody else has asked for one an hour ago, a good code is in the mailbox already. When a code is
used, the contact's next round begins, and the code is worth nothing any more
(docs/decisions/0024-one-contact-one-participant.md).
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import msgspec

from shared.contracts import sealing
from shared.contracts.checked import typed_code
from shared.contracts.sealing import mailbox

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HALF_CHARS = 4
CODE_BITS = 5 * 2 * HALF_CHARS
# As somebody types it: with spaces and dashes in between.
CODE_CHARS_MAX = 32
PERIOD = timedelta(days=1)


class Proof(msgspec.Struct, frozen=True):
    """
    What a contact is proved by.

    Attributes:
        contact_hash: the contact as registration knows it.
        code_locked: the code for the mail, encrypted with the participant's key.
        expires_at: when the code ends.
    """

    contact_hash: str
    code_locked: str
    expires_at: datetime


class ContactCodes:
    """
    Hashes contacts and computes codes.

    Args:
        secret: with another secret, no contact is known any more.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def from_private_key(cls, private_key_pem: str) -> "ContactCodes":
        """With a secret computed from the token key of the service. So operators need no further secret."""
        return cls(hmac.digest(private_key_pem.encode(), b"kepu registration contacts", "sha256"))

    def hash_of(self, address: str) -> str:
        """The hash of an e-mail address; the same for all spellings of one mailbox."""
        return hashlib.blake2b(mailbox(address).encode(), key=self._secret, digest_size=32).hexdigest()

    def proof(self, address: str, key: bytes, now: datetime) -> Proof:
        """What a newcomer's address is proved by."""
        hash_ = self.hash_of(address)
        return self.proof_of(hash_, 1, key, now)

    def proof_of(self, hash_: str, round_: int, key: bytes, now: datetime) -> Proof:
        """What this contact is proved by in this round."""
        return Proof(hash_, sealing.encrypt_words(self.code(hash_, round_, now), key), expires_at(now))

    def code(self, contact_hash: str, round_: int, now: datetime) -> str:
        """The code of this contact now, such as 7K3Q-M0R9."""
        return self._code(contact_hash, round_, _period(now))

    def accepts(self, typed: str, contact_hash: str, round_: int, now: datetime) -> bool:
        """Whether this is the contact's code of today or of yesterday. Spaces and dashes do not matter."""
        given = typed_code(typed).encode()
        good = [typed_code(self._code(contact_hash, round_, _period(now) - back)).encode() for back in (0, 1)]
        # Both are compared, in constant time.
        return any([hmac.compare_digest(given, code) for code in good])  # noqa: C419

    def _code(self, contact_hash: str, round_: int, period: int) -> str:
        content = f"code {contact_hash} {round_} {period}".encode()
        digest = hashlib.blake2b(content, key=self._secret, digest_size=CODE_BITS // 8).digest()
        bits = int.from_bytes(digest)
        letters = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(2 * HALF_CHARS))
        return f"{letters[:HALF_CHARS]}-{letters[HALF_CHARS:]}"


def expires_at(now: datetime) -> datetime:
    """When the code of this moment ends: with the next day."""
    return datetime.fromtimestamp((_period(now) + 2) * PERIOD.total_seconds(), UTC)


def _period(now: datetime) -> int:
    return int(now.timestamp() // PERIOD.total_seconds())

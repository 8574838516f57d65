"""
Contacts as keyed hashes, and the code that proves whose one is.

A code is computed from the address, the contact's round and the day, and stored nowhere: not even in hashed
form. So all requests for an address within a day get the same code, whoever asks: if a mail is not sent,
because somebody else has asked for one an hour ago, a good code is in the mailbox already. When a code is
used, the contact's next round begins, and the code is worth nothing any more, also after an erasure
(docs/decisions/0041-codes-of-addresses.md).
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from shared.contracts import sealing
from shared.contracts.sealing import Contact, decrypt_contact, mailbox
from shared.contracts.typed_codes import typed_code

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HALF_CHARS = 4
# Two letters for each ten bits, the lower five bits first.
_PAIRS = [ALPHABET[bits & 31] + ALPHABET[bits >> 5] for bits in range(1 << 10)]
CODE_BITS = 5 * 2 * HALF_CHARS
# As somebody types it: with spaces and dashes in between.
CODE_CHARS_MAX = 32
PERIOD = timedelta(days=1)
PERIOD_SECONDS = PERIOD.total_seconds()


class Proof(msgspec.Struct, frozen=True):
    """
    What a contact is proved by.

    Attributes:
        contact_hash: the contact as registration knows it.
        contact_locked: the contact that the code is for, encrypted with the participant's key.
        code_locked: the code for the mail, encrypted likewise.
        expires_at: when the code ends.
    """

    contact_hash: str
    contact_locked: str
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
        """The hash of an e-mail address or phone number; the same for all spellings of one mailbox."""
        return hashlib.blake2b(mailbox(address).encode(), key=self._secret, digest_size=32).hexdigest()

    def proof(
        self, contact: Contact, key: bytes, now: datetime, *, locked: str | None = None, round_: int = 1
    ) -> Proof:
        """
        What a contact is proved by.

        Args:
            contact: with the spelling that the code is sent to: the plain one if nobody has proved another.
            key: of the participant who gets the mail.
            locked: the contact, if it is encrypted with this key already.
        """
        address = contact.address or ""
        code = self.code(address, round_, now)
        return Proof(
            self.hash_of(address),
            locked or sealing.encrypt_contact(contact, key),
            sealing.encrypt_words(code, key),
            expires_at(now),
        )

    def code(self, address: str, round_: int, now: datetime) -> str:
        """
        The code for this address now, such as 7K3Q-M0R9.

        Two spellings of one mailbox may be two mailboxes at some servers. So the code is that of the address
        to which it is mailed, letter for letter: of a contact that nobody has proved, its plain spelling.
        """
        return self._code(address, round_, _period(now))

    def accepts(self, typed: str, address: str, round_: int, now: datetime) -> bool:
        """Whether this is the code of today or of yesterday. Spaces and dashes do not matter."""
        given, today = typed_code(typed).encode(), _period(now)
        good = [typed_code(self._code(address, round_, day)).encode() for day in (today, today - 1)]
        # Both are compared, in constant time.
        return any([hmac.compare_digest(given, code) for code in good])  # noqa: C419

    def _code(self, address: str, round_: int, period: int) -> str:
        content = f"code {round_} {period} {address}".encode()
        digest = hashlib.blake2b(content, key=self._secret, digest_size=CODE_BITS // 8).digest()
        bits = int.from_bytes(digest)
        first, second, third, fourth = bits & 1023, bits >> 10 & 1023, bits >> 20 & 1023, bits >> 30
        return f"{_PAIRS[first]}{_PAIRS[second]}-{_PAIRS[third]}{_PAIRS[fourth]}"


def address_of(contact_locked: str | None, key: bytes) -> str:
    """
    The e-mail address or phone number to which the codes of this contact go.

    Raises:
        Rejected: the key does not fit, or another system has sealed the contact. Such a one has no hash.
    """
    return decrypt_contact(contact_locked or "", key, private_key="").address or ""


def expires_at(now: datetime) -> datetime:
    """When the code of this moment ends: with the next day."""
    return _end_of(_period(now) + 1)


@lru_cache(maxsize=4)
def _end_of(period: int) -> datetime:
    return datetime.fromtimestamp((period + 1) * PERIOD_SECONDS, UTC)


def _period(now: datetime) -> int:
    return int(now.timestamp() // PERIOD_SECONDS)

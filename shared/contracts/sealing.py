"""
Personal data is sent encrypted, and only notifications can open it.

Each participant has a key of its own. Registration makes the key, encrypts the contact and the ticket codes
with it, and sends it once, sealed for notifications (`participant.keyed`). On erasure both services delete
the key. Then nobody can open the data that is still in topics and backups.

    key       32 random bytes
    sealed    a libsodium sealed box for KEPU_CONTACT_PUBLIC_KEY, in base64. A key may also be sealed in two
              boxes, one after the other in one base64 text: a sealed box with an hourly key, and a secret
              box with that hourly key (`KeyBox`)
    encrypted a libsodium secret box (XSalsa20-Poly1305) with the participant's key, in base64

Other systems do not have the participant's key: they seal a contact, as JSON
{"name": …, "email": …}, for KEPU_CONTACT_PUBLIC_KEY, and registration encrypts that box once more.
"""

import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from nacl.bindings import crypto_secretbox_easy
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contracts.checked import Email, Name, PersonalLine, Phone
from shared.runtime.errors import Rejected
from shared.runtime.random_bytes import random_bytes

KEYS_MAX = 16
_GOOGLE = ("gmail.com", "googlemail.com")
# Other letters keep their case: "ß" in other case is "ss", which is somebody else's.
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
KEY_BYTES = SecretBox.KEY_SIZE
# A sealed box is 48 bytes longer than its content.
SEALED_KEY_BYTES = KEY_BYTES + 48
HOURLY_KEY_SECONDS = 3_600.0
# A few copies of registration, each with a key an hour; the log brings them in order.
HOURLY_KEYS_REMEMBERED = 64
# The first byte of encrypted content says what it is.
_CONTACT, _SEALED_CONTACT, _WORDS = b"c", b"s", b"w"


class Contact(BaseModel):
    """
    How to reach a participant, with the name.

    By e-mail, by a mobile phone number, or not at all. With both, the e-mail address is used.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Name
    email: Email | None = None
    # Left out where there is none: a contact of an earlier release is the same text.
    phone: Phone | None = Field(None, exclude_if=lambda phone: phone is None)

    @property
    def address(self) -> str | None:
        """The e-mail address, or the phone number; None: there is neither."""
        return self.email or self.phone

    @property
    def plainly(self) -> "Contact":
        """The same contact with the plain spelling of its address (`plain`)."""
        if self.email is None or (spelling := plain(self.email)) == self.email:
            return self
        return self.model_copy(update={"email": spelling})

    def __repr__(self) -> str:
        # A log or a traceback must not show a contact.
        return "Contact(sealed)"

    __str__ = __repr__


class _KeptContact(Contact):
    # Its name was checked when it was taken. A stricter check of names must not make it unreadable.
    name: PersonalLine


def plain(address: str) -> str:
    """
    The plain spelling of an e-mail address: the one that belongs to its mailbox nearly everywhere.

    Nearly every provider ignores the case of a to z before the @, and delivers what follows a + to the same
    person (RFC 5233). Google ignores dots too, and has two domains. So this finds doubles. It proves nothing:
    at some servers these are two mailboxes. A phone number has one spelling.
    """
    local, at, domain = address.rpartition("@")
    if not at:
        return address
    local = (local.partition("+")[0] or local).translate(_LOWER)
    if domain in _GOOGLE:
        # https://support.google.com/mail/answer/7436150 and .../10313
        return f"{local.replace('.', '') or local}@gmail.com"
    return f"{local}@{domain}"


def mailbox(address: str) -> str:
    """What addresses of one mailbox have in common; of a phone number, its one form."""
    # No address begins like this and has no "@".
    return plain(address) if "@" in address else f"tel:{address}"


def new_key() -> bytes:
    """A participant's own key."""
    return random_bytes(KEY_BYTES)


def seal(contact: Contact, public_key: str) -> str:
    """Seal a contact as other systems do; `public_key` is base64."""
    return _sealed(contact.model_dump_json().encode(), public_key)


def seal_key(key: bytes, public_key: str) -> str:
    """Seal a participant's key for notifications; `public_key` is base64."""
    return _sealed(key, public_key)


class KeyBox:
    """
    Seals many participants' keys for notifications, each in 4 us instead of 50.

    A key is made every hour and sealed, and participants' keys are encrypted with it
    (docs/decisions/0037-hourly-keys.md).

    Args:
        public_key: notifications' public key, in base64.
        hourly_key_seconds: how long such a key is used.
    """

    def __init__(self, public_key: str, *, hourly_key_seconds: float = HOURLY_KEY_SECONDS) -> None:
        self._public_key = public_key
        self._hourly_key_seconds = hourly_key_seconds
        self._ends_at = 0.0

    def seal(self, key: bytes) -> str:
        """A participant's key, sealed."""
        now = time.monotonic()
        if now >= self._ends_at:
            hourly_key = new_key()
            self._hourly_key = hourly_key
            self._hourly_sealed = _box(self._public_key).encrypt(hourly_key)
            self._ends_at = now + self._hourly_key_seconds
        return b64encode(self._hourly_sealed + _boxed(key, self._hourly_key)).decode()


def unseal_key(sealed: str, private_key: str) -> bytes:
    """
    A participant's key; `private_key` is base64.

    Raises:
        Rejected: the content was not sealed for this key, or is no participant's key (`key_unreadable`).
    """
    try:
        content = b64decode(sealed, validate=True)
        sealed_box, encrypted = content[:SEALED_KEY_BYTES], content[SEALED_KEY_BYTES:]
        key = (
            _hourly_box(sealed_box, private_key).decrypt(encrypted)
            if encrypted
            else _opened(sealed_box, private_key)
        )
    except (CryptoError, Base64Error, ValueError, TypeError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Rejected("the participant's key cannot be opened with this key", code="key_unreadable")
    return key


def encrypt_contact(contact: Contact, key: bytes) -> str:
    """Lock a contact with its participant's key."""
    return _locked(_CONTACT + contact.model_dump_json().encode(), key)


def lock_sealed(sealed: str, key: bytes) -> str:
    """
    Lock a contact that another system sealed.

    Raises:
        Rejected: the sealed text is no base64 (`contact_unreadable`).
    """
    return _locked(_SEALED_CONTACT + sealed_bytes(sealed), key)


def sealed_bytes(sealed: str) -> bytes:
    """
    What another system sealed, still sealed.

    Raises:
        Rejected: it is no base64 (`contact_unreadable`).
    """
    try:
        return b64decode(sealed, validate=True)
    except Base64Error:
        raise _unreadable() from None


def encrypt_words(words: str, key: bytes) -> str:
    """Lock a ticket's code, or another text only for this participant."""
    return _locked(_WORDS + words.encode(), key)


def decrypt_contact(encrypted: str, key: bytes, private_key: str) -> Contact:
    """
    The contact; `private_key` (base64) opens what another system sealed.

    Raises:
        Rejected: the keys do not fit, or the content is no contact (`contact_unreadable`).
    """
    opened = _decrypted(encrypted, key)
    try:
        if opened[:1] == _CONTACT:
            return Contact.model_construct(**dict(_KeptContact.model_validate_json(opened[1:])))
        if opened[:1] == _SEALED_CONTACT:
            content = _unsealed(b64encode(opened[1:]).decode(), private_key)
            return Contact.model_validate_json(content or b"")
    except ValidationError:
        # Without the cause, which has the contact in it.
        raise _unreadable() from None
    raise _unreadable()


def decrypt_words(encrypted: str, key: bytes) -> str:
    """
    The words that `encrypt_words` has encrypted.

    Raises:
        Rejected: the key does not fit (`contact_unreadable`).
    """
    opened = _decrypted(encrypted, key)
    if opened[:1] != _WORDS:
        raise _unreadable()
    return opened[1:].decode(errors="replace")


def check_pair(public_key: str, private_key: str) -> None:
    """
    Check at the start of a process, and not only at the first mail, that two keys are a pair.

    Raises:
        ValueError: they are no pair, or one of them is no key.
    """
    key = new_key()
    if _unsealed(_sealed(key, public_key), private_key) != key:
        raise ValueError("KEPU_CONTACT_PUBLIC_KEY and KEPU_CONTACT_PRIVATE_KEY are not a pair")


def public_key_of(private_key: str) -> str:
    """
    The public key that belongs to a private one, both in base64.

    Raises:
        ValueError: the text is no X25519 key in base64.
    """
    try:
        return b64encode(bytes(PrivateKey(b64decode(private_key, validate=True)).public_key)).decode()
    except (CryptoError, Base64Error, ValueError, TypeError):
        raise ValueError(
            "KEPU_CONTACT_PRIVATE_KEY is no X25519 key in base64; `kepu keys` makes one"
        ) from None


def new_key_pair() -> tuple[str, str]:
    """A fresh pair in base64: private, public."""
    private = PrivateKey.generate()
    return b64encode(bytes(private)).decode(), b64encode(bytes(private.public_key)).decode()


def _sealed(content: bytes, public_key: str) -> str:
    return b64encode(_box(public_key).encrypt(content)).decode()


@lru_cache(maxsize=KEYS_MAX)
def _box(public_key: str) -> SealedBox[PublicKey]:
    return SealedBox(PublicKey(b64decode(public_key)))


@lru_cache(maxsize=HOURLY_KEYS_REMEMBERED)
def _hourly_box(sealed: bytes, private_key: str) -> SecretBox:
    return SecretBox(_opened(sealed, private_key))


def _opened(sealed: bytes, private_key: str) -> bytes:
    return SealedBox(PrivateKey(b64decode(private_key))).decrypt(sealed)


def _unsealed(sealed: str, private_key: str) -> bytes | None:
    try:
        return _opened(b64decode(sealed, validate=True), private_key)
    except (CryptoError, Base64Error, ValueError, TypeError):
        return None


def _locked(content: bytes, key: bytes) -> str:
    return b64encode(_boxed(content, key)).decode()


def _boxed(content: bytes, key: bytes) -> bytes:
    """`SecretBox(key).encrypt(content)` in half the time: a newcomer has three boxes."""
    nonce = random_bytes(SecretBox.NONCE_SIZE)
    return nonce + crypto_secretbox_easy(content, nonce, key)


def _decrypted(encrypted: str, key: bytes) -> bytes:
    try:
        return SecretBox(key).decrypt(b64decode(encrypted, validate=True))
    except (CryptoError, Base64Error, ValueError, TypeError):
        raise _unreadable() from None


def _unreadable() -> Rejected:
    return Rejected("the contact cannot be opened with this key", code="contact_unreadable")

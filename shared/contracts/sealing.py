"""
Contacts travel sealed: whoever has the public key can close the box, notifications alone can open it.

A contact is JSON, {"name": …, "email": …}, in a libsodium sealed box, in base64.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from functools import lru_cache

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.runtime.errors import Rejected

KEYS_MAX = 16
EMAIL_PATTERN = r"^[^@\s<>,;:\"']{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,188}[A-Za-z0-9])?$"


class Contact(BaseModel):
    """How to reach a participant, and by which name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\r\n]*$")
    email: str | None = Field(None, max_length=254, pattern=EMAIL_PATTERN)

    def __repr__(self) -> str:
        # A contact that lands in a log or a traceback must not tell anything.
        return "Contact(sealed)"

    __str__ = __repr__


def seal(contact: Contact, public_key: str) -> str:
    """Close the box; `public_key` is base64."""
    return b64encode(_box(public_key).encrypt(contact.model_dump_json().encode())).decode()


@lru_cache(maxsize=KEYS_MAX)
def _box(public_key: str) -> SealedBox[PublicKey]:
    return SealedBox(PublicKey(b64decode(public_key)))


def unseal(sealed: str, private_key: str) -> Contact:
    """
    Open the box; `private_key` is base64.

    Raises:
        Rejected: it was not sealed for this key, or holds no contact.
    """
    try:
        opened = SealedBox(PrivateKey(b64decode(private_key))).decrypt(b64decode(sealed, validate=True))
        return Contact.model_validate_json(opened)
    except (CryptoError, Base64Error, ValueError, ValidationError):
        # Without the cause: a validation error would carry the contact itself.
        raise Rejected(
            "the sealed contact cannot be opened with this key", code="contact_unreadable"
        ) from None


def new_key_pair() -> tuple[str, str]:
    """A fresh pair in base64: private, public."""
    private = PrivateKey.generate()
    return b64encode(bytes(private)).decode(), b64encode(bytes(private.public_key)).decode()

"""
Secrets of endpoints: made here, shown once, and stored only encrypted.

A secret is `whsec_` and base64, as Standard Webhooks writes it. In the database it is in a libsodium secret
box, whose key is made of `KEPU_WEBHOOK_KEY`. Whoever has a copy of the database cannot sign.
"""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from services.webhooks.endpoints.rules import SECRET_BYTES, SECRET_PREFIX
from shared.runtime.random_bytes import random_bytes

_PERSON = b"kepu webhooks v1"
assert len(_PERSON) <= hashlib.blake2b.PERSON_SIZE  # noqa: S101


class SecretUnreadable(Exception):
    """A stored secret cannot be opened: it was encrypted with another `KEPU_WEBHOOK_KEY`."""


class SecretLock:
    """
    Makes secrets, encrypts and opens them.

    Args:
        key: `KEPU_WEBHOOK_KEY`.
    """

    def __init__(self, key: str) -> None:
        self._box = SecretBox(hashlib.blake2b(key.encode(), digest_size=32, person=_PERSON).digest())

    def new(self) -> str:
        """A new secret, as a partner gets it."""
        return SECRET_PREFIX + b64encode(random_bytes(SECRET_BYTES)).decode()

    def lock(self, secret: str) -> str:
        """A secret, as it is stored."""
        nonce = random_bytes(SecretBox.NONCE_SIZE)
        return b64encode(bytes(self._box.encrypt(secret.encode(), nonce))).decode()

    def open(self, locked: str) -> bytes:
        """
        The bytes that sign.

        Raises:
            SecretUnreadable: this key does not open it.
        """
        try:
            secret = self._box.decrypt(b64decode(locked, validate=True)).decode()
            return b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except (CryptoError, Base64Error, ValueError, TypeError):
            raise SecretUnreadable from None

"""Receipts: what was agreed to, by a signature that the public key of tokens checks."""

from datetime import datetime

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.runtime.settings import pem

# Another issuer than that of tokens: a receipt is never a token.
ISSUER = "kepu-registration-consents"
ALGORITHM = "EdDSA"


class Receipts:
    """Signs receipts. Only ids, the version and the hash of the text, and the time are in them."""

    def __init__(self, private_key_pem: str) -> None:
        self._key = load_pem_private_key(pem(private_key_pem), password=None)

    def sign(self, member_id: str, group_id: str, version: str, text_hash: str, at: datetime) -> str:
        """A receipt as a JWS: iss, sub (the member), group, version, text_sha256, iat."""
        said = {
            "iss": ISSUER,
            "sub": member_id,
            "group": group_id,
            "version": version,
            "text_sha256": text_hash,
            "iat": int(at.timestamp()),
        }
        return jwt.encode(said, self._key, algorithm=ALGORITHM, headers={"typ": "consent+jwt"})  # type: ignore[arg-type]

"""
The attempt token: all that intake must know to judge a submission, signed with quiz's own key.

MessagePack and HMAC-SHA256 in base64: made and checked within microseconds, so that
intake looks nothing up (docs/decisions/0006-tokens.md).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

import msgspec

from shared.errors import NotAuthenticated

# Ids of 64 characters and a district of 200 four-byte ones make 1,440.
TOKEN_CHARS_MAX = 2_048
SIGNATURE_BYTES = 16


class AttemptClaims(msgspec.Struct, frozen=True, array_like=True):
    """What the token carries; times in milliseconds since 1970."""

    attempt_id: str
    quiz_id: str
    participant_id: str
    number: int
    started_ms: int
    deadline_ms: int
    group_id: str | None
    district: str | None


_claims = msgspec.msgpack.Decoder(AttemptClaims)
_encoder = msgspec.msgpack.Encoder()


class AttemptTokens:
    """Makes and checks attempt tokens with one secret key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def sign(self, claims: AttemptClaims) -> str:
        """The token of an attempt."""
        body = _encoder.encode(claims)
        return urlsafe_b64encode(self._signature(body) + body).decode()

    def verify(self, token: str) -> AttemptClaims:
        """
        What the token carries.

        Raises:
            NotAuthenticated: it is malformed or not ours.
        """
        try:
            if len(token) > TOKEN_CHARS_MAX:
                raise ValueError("too long")
            signed = urlsafe_b64decode(token)
            # The decoder drops what is no base64: without this many texts would be one token.
            if urlsafe_b64encode(signed).decode() != token:
                raise ValueError("not as we write it")
            signature, body = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
            if not hmac.compare_digest(signature, self._signature(body)):
                raise ValueError("signature")
            return _claims.decode(body)
        except (ValueError, Base64Error, msgspec.MsgspecError):
            raise NotAuthenticated(
                "the attempt token is not one of ours", code="attempt_token_invalid"
            ) from None

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:SIGNATURE_BYTES]

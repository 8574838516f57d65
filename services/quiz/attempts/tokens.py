"""
The attempt token: everything that intake must know about an attempt, signed with quiz's own key.

MessagePack and keyed BLAKE2b (RFC 7693) in base64: made and checked within microseconds. So intake makes no
query (docs/decisions/0006-tokens.md).
"""

from binascii import a2b_base64, b2a_base64
from datetime import UTC, datetime
from hashlib import blake2b, sha512
from hmac import compare_digest
from typing import Annotated

import msgspec

from shared.contracts.checked import YEARS
from shared.runtime.errors import NotAuthenticated

# Ids of 64 characters and a district of 200 four-byte characters need 1,440.
TOKEN_CHARS_MAX = 2_048
SIGNATURE_BYTES = 16
TIME_MS_MAX = int(datetime(YEARS.stop, 1, 1, tzinfo=UTC).timestamp()) * 1_000

# Only we sign, but somebody else may have got the key by mistake. A number beyond the years of the calendar
# would raise OverflowError where it becomes a time.
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=TIME_MS_MAX)]


class AttemptClaims(msgspec.Struct, frozen=True, array_like=True):
    """The content of the token; times in milliseconds since 1970."""

    attempt_id: str
    quiz_id: str
    participant_id: str
    number: Annotated[int, msgspec.Meta(ge=1, le=100)]
    started_ms: Milliseconds
    deadline_ms: Milliseconds
    group_id: str | None
    district: str | None
    quiz_version: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


# Base64 for URLs; base64.py does the same with more steps.
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_claims = msgspec.msgpack.Decoder(AttemptClaims)
_encoder = msgspec.msgpack.Encoder()


class AttemptTokens:
    """Makes and checks attempt tokens with one secret key."""

    def __init__(self, key: str) -> None:
        # Hashed, since BLAKE2b takes no key of more than 64 bytes.
        self._mac = blake2b(key=sha512(key.encode()).digest(), digest_size=SIGNATURE_BYTES)

    def sign(self, claims: AttemptClaims) -> str:
        """The token of an attempt."""
        body = _encoder.encode(claims)
        return _encoded(self._signature(body) + body).decode()

    def verify(self, token: str) -> AttemptClaims:
        """
        What the token carries.

        Raises:
            NotAuthenticated: it is malformed, or not signed with our key.
        """
        try:
            if len(token) > TOKEN_CHARS_MAX:
                raise ValueError("too long")
            text = token.encode("ascii")
            signed = a2b_base64(text.translate(_FROM_URL))
            # The decoder ignores characters that are not base64, so many texts would be the same token.
            if _encoded(signed) != text:
                raise ValueError("not as we write it")
            signature, body = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
            if not compare_digest(signature, self._signature(body)):
                raise ValueError("signature")
            return _claims.decode(body)
        except (ValueError, msgspec.MsgspecError):
            raise NotAuthenticated(
                "the attempt token is not one of ours", code="attempt_token_invalid"
            ) from None

    def _signature(self, body: bytes) -> bytes:
        # A copy contains the key already: half the cost of a new one.
        mac = self._mac.copy()
        mac.update(body)
        return mac.digest()


def _encoded(signed: bytes) -> bytes:
    return b2a_base64(signed, newline=False).translate(_TO_URL)

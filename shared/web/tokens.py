"""
Participants' signed tokens.

Registration signs a participant's token with its Ed25519 private key. Every service checks it with the public
key, without a call to registration (docs/decisions/0006-tokens.md).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from shared.runtime.errors import NotAuthenticated
from shared.runtime.settings import pem

ALGORITHM = "EdDSA"
ISSUER = "kepu-registration"
# Ids of 64 characters and a district of 200 four-byte characters need about 1,600.
TOKEN_CHARS_MAX = 2_048
TOKEN_DAYS = 30
TOKEN_SECONDS = TOKEN_DAYS * 86_400
VERIFIED_MAX = 20_000
ASK_FOR_TOKEN = "give your token in the header Authorization: Bearer …"  # noqa: S105 (no secret)
# {"alg":"EdDSA","typ":"JWT"}, as registration's tokens begin.
OUR_HEADER = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9"


class _Claims(msgspec.Struct, omit_defaults=True):
    iss: str
    sub: str
    exp: int
    group: str | None = None
    district: str | None = None
    iat: int | None = None
    verified: bool = False
    roster: bool = False


_claims = msgspec.json.Decoder(_Claims)
_claims_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Participant:
    """
    The participant of a verified token, with the parts of the profile that other services need.

    `verified`: whether the participant has a verified contact. `issued_at`: in seconds since 1970.
    `on_roster`: whether a school, unit or service team had the participant as a member then.
    """

    participant_id: str
    group_id: str | None
    district: str | None
    expires_at: int
    verified: bool = False
    issued_at: int = 0
    on_roster: bool = False


class TokenSigner:
    """Signs participants' tokens. Only registration has one."""

    def __init__(self, private_key_pem: str) -> None:
        key = load_pem_private_key(pem(private_key_pem), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("KEPU_TOKEN_PRIVATE_KEY is no Ed25519 key; `kepu keys` makes one")  # noqa: TRY004
        # libsodium signs in 20 us, OpenSSL in 34; the signature is the same.
        self._key = SigningKey(key.private_bytes_raw())

    def sign(
        self,
        participant_id: str,
        group_id: str | None,
        district: str | None,
        now: datetime,
        *,
        verified: bool = False,
        on_roster: bool = False,
    ) -> str:
        """A token that is valid for `TOKEN_DAYS`."""
        issued = int(now.timestamp())
        expires = issued + TOKEN_SECONDS
        claims = _Claims(ISSUER, participant_id, expires, group_id, district, issued, verified, on_roster)
        # The same as PyJWT makes, in a fifth of its time without the signature: a rush signs one for each
        # newcomer. In UTF-8, because JSON's escapes would make a Chinese district three times as long.
        signed = f"{OUR_HEADER}.{_encoded(_claims_encoder.encode(claims))}"
        return f"{signed}.{_encoded(self._key.sign(signed.encode()).signature)}"


class TokenVerifier:
    """
    Checks participants' tokens. It remembers tokens that it has verified, up to `VERIFIED_MAX`.

    Attributes:
        is_ended: whether a participant's token that was issued then (in seconds since 1970) has ended.
    """

    def __init__(self, public_key_pem: str) -> None:
        key = load_pem_public_key(pem(public_key_pem))
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("KEPU_TOKEN_PUBLIC_KEY is no Ed25519 key; `kepu keys` makes one")  # noqa: TRY004
        self._key = key
        self.is_ended: Callable[[str, int], bool] = _none_is_ended
        self._fast_key = VerifyKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
        self._verified = lru_cache(maxsize=VERIFIED_MAX)(self._verify)

    def verify(self, token: str, now: datetime) -> Participant:
        """
        The participant of a token.

        Raises:
            NotAuthenticated: the token is malformed, forged, expired or ended.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise NotAuthenticated("the token is too long", code="token_invalid")
        participant = self._verified(token)
        if participant.expires_at <= now.timestamp():
            raise NotAuthenticated("the token has expired; sign in to get a new one", code="token_expired")
        if self.is_ended(participant.participant_id, participant.issued_at):
            raise NotAuthenticated("the token was ended; sign in to get a new one", code="token_ended")
        return participant

    def _verify(self, token: str) -> Participant:
        """For tokens of registration's own form, in half of the time: by libsodium, header undecoded."""
        head, _, rest = token.partition(".")
        body, _, signature = rest.partition(".")
        if head != OUR_HEADER or "." in signature:
            return self._verify_any(token)
        try:
            self._fast_key.verify(f"{head}.{body}".encode(), _decoded(signature))
            claims = _claims.decode(_decoded(body))
            if claims.iss != ISSUER:
                raise ValueError("issuer")
        except (BadSignatureError, ValueError, msgspec.MsgspecError) as error:
            raise NotAuthenticated("the token is not one of ours", code="token_invalid") from error
        return Participant(
            claims.sub,
            claims.group,
            claims.district,
            claims.exp,
            claims.verified,
            claims.iat or 0,
            claims.roster,
        )

    def _verify_any(self, token: str) -> Participant:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                # `verify` checks the expiry at each use, also of a remembered token.
                options={"require": ["sub", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, UnsupportedAlgorithm) as error:
            raise NotAuthenticated("the token is not one of ours", code="token_invalid") from error
        return Participant(
            claims["sub"],
            claims.get("group"),
            claims.get("district"),
            int(claims["exp"]),
            claims.get("verified") is True,
            int(claims.get("iat") or 0),
            claims.get("roster") is True,
        )


def _none_is_ended(participant_id: str, issued_at: int) -> bool:
    return False


def _encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def bearer(authorization: bytes, *, missing: str = ASK_FOR_TOKEN, code: str = "token_missing") -> str:
    """
    The token of an Authorization header.

    Raises:
        NotAuthenticated: there is none. The error has this message and code.
    """
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(missing, code=code)
    return token.strip()


def new_key_pair() -> tuple[str, str]:
    """A fresh Ed25519 pair as PEM on one line each ("\\n" written out): private, public."""
    private = Ed25519PrivateKey.generate()
    private_pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public_pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private_pem.strip().replace("\n", "\\n"), public_pem.strip().replace("\n", "\\n")

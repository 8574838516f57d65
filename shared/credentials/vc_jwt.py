"""
A credential as a signed token (VC-JWT), with the algorithm EdDSA.

The header carries the public key too, so a reader who cannot resolve a DID can check the signature. Whether
that key is the issuer's is another question: `kid` names it in the issuer's DID document.

Source: 1EdTech, Open Badges 3.0, section 8.2 (JSON Web Token Proof Format); RFC 8037
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import datetime
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from shared.credentials.canonical import Json
from shared.credentials.proofs import Signer

ALGORITHM = "EdDSA"
TYPE = "JWT"
PARTS = 3


class NotToken(Exception):
    """The text is no token of this kind."""


def to_jwt(credential: Json, signer: Signer, method: str) -> str:
    """
    The credential, without a proof, as a token.

    Args:
        method: the URL of the signer's key in the issuer's DID document.
    """
    key = {"kty": "OKP", "crv": "Ed25519", "x": _text(signer.public_key)}
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": method, "jwk": key}
    claims = _claims(credential) | {"vc": credential}
    signed = f"{_json(header)}.{_json(claims)}"
    return f"{signed}.{_text(signer.sign(signed.encode()))}"


def read_jwt(token: str) -> tuple[Json, Json]:
    """
    The header and the claims of a token; nothing is verified.

    Raises:
        NotToken: it is none.
    """
    parts = token.strip().split(".")
    if len(parts) != PARTS:
        raise NotToken("it does not have three parts")
    try:
        header, claims = (json.loads(_bytes(part)) for part in parts[:2])
    except (ValueError, Base64Error, RecursionError):
        raise NotToken("its parts are no JSON") from None
    if not isinstance(header, dict) or not isinstance(claims, dict) or not isinstance(claims.get("vc"), dict):
        raise NotToken("it contains no credential")
    return header, claims


def is_signed(token: str, public_key: bytes) -> bool:
    """Whether the token was signed with this key."""
    signed, _, signature = token.strip().rpartition(".")
    try:
        VerifyKey(public_key).verify(signed.encode(), _bytes(signature))
    except (BadSignatureError, ValueError, Base64Error):
        return False
    return True


def claims_differ(claims: Json) -> list[str]:
    """The claims that do not say what the credential in the token says. There must be none."""
    own = _claims(claims["vc"])
    return sorted(name for name in {"iss", "jti", "nbf", "exp", *own} if claims.get(name) != own.get(name))


def _claims(credential: Json) -> Json:
    issuer, subject = credential.get("issuer"), credential.get("credentialSubject")
    claims = {
        "iss": issuer.get("id") if isinstance(issuer, dict) else issuer,
        "jti": credential.get("id"),
        "nbf": _seconds(credential.get("validFrom")),
        "exp": _seconds(credential.get("validUntil")),
        "sub": subject.get("id") if isinstance(subject, dict) else None,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _seconds(text: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


def _json(value: Json) -> str:
    return _text(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))

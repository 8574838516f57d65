"""
The verdict on a badge. Nothing is fetched here: what is known of issuers and lists is given.

Three questions are asked, in this order: is it a badge? Has its issuer signed it? Does it still hold?

A signature says only which key made it. A key is the issuer's if the issuer's DID document, which was got
from the issuer's own host, says so. Without that document the verdict on a good signature is `unattested`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from shared.credentials import vc_jwt
from shared.credentials.baking import NotBaked, read_baked
from shared.credentials.canonical import Json, NotCanonical, canonical_and_unsigned
from shared.credentials.checks import STATUS_ENTRY, issuer_of, problem_of_badge, problem_of_list, time_of
from shared.credentials.multikey import public_key_of, public_key_of_did_key
from shared.credentials.proofs import PROOF_TYPE, PURPOSE, SUITE, is_proved
from shared.credentials.status_list import decoded, is_set, place_of
from shared.credentials.vc_jwt import NotToken

CREDENTIAL_BYTES_MAX = 1_048_576
PROOFS_MAX = 8
REVOCATION = "revocation"
SUPERSEDED = "superseded"

Code = Literal[
    "held",
    "genuine",
    "unattested",
    "revoked",
    "superseded",
    "expired",
    "not_yet_valid",
    "forged",
    "key_unknown",
    "list_unsound",
    "malformed",
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What is to be said of a badge.

    Attributes:
        code: `held`: its issuer has signed it, and the issuer's list says that it holds. `genuine`: its
            issuer has signed it, and whether it still holds was not checked. All other codes: do not rely on
            it.
        unsigned: the names of fields that the signature does not cover. Ignore what they say.
    """

    code: Code
    why: str
    unsigned: Sequence[str] = ()

    @property
    def is_good(self) -> bool:
        """True if the badge can be relied on."""
        return self.code in ("held", "genuine")


@dataclass(frozen=True, slots=True)
class Known:
    """
    What the verifier knows beforehand.

    Attributes:
        documents: DID documents, by the id of their issuer.
        keys: public keys that are trusted whatever issuer names them.
        lists: status lists, by their URLs.
    """

    documents: Mapping[str, Json] = field(default_factory=dict)
    keys: frozenset[bytes] = frozenset()
    lists: Mapping[str, Json] = field(default_factory=dict)


class _Refused(Exception):
    def __init__(self, code: Code, why: str) -> None:
        super().__init__(why)
        self.code: Code = code
        self.why = why


def verify(content: bytes, known: Known, now: datetime) -> Verdict:
    """
    The verdict on a file: a badge as JSON, as a token, or in a picture.

    Args:
        known: what is known of issuers and lists; see `wanted` for what is needed.
    """
    unsigned: Sequence[str] = ()
    try:
        badge, token = _read(content)
        if problem := problem_of_badge(badge):
            raise _Refused("malformed", problem)
        unsigned, is_attested = _check_signed(badge, token, known, now)
        _check_times(badge, now)
        checked = _check_status(badge, known, now)
    except _Refused as refused:
        return Verdict(refused.code, refused.why, unsigned)
    if not is_attested:
        return Verdict(
            "unattested", "the signature is right, but nothing shows that the key is the issuer's", unsigned
        )
    if not checked:
        return Verdict(
            "genuine", "its issuer has signed it; whether it still holds was not checked", unsigned
        )
    return Verdict("held", "its issuer has signed it, and the issuer's list says that it holds", unsigned)


def wanted(content: bytes) -> tuple[str, list[str]]:
    """The id of the issuer of a badge, and the URLs of its status lists, for whoever wants to fetch them."""
    try:
        badge, _ = _read(content)
    except _Refused:
        return "", []
    lists = [str(entry.get("statusListCredential", "")) for entry in _entries(badge)]
    return issuer_of(badge), [url for one in lists for url in (one, f"{one}/{SUPERSEDED}")]


def _read(content: bytes) -> tuple[Json, str | None]:
    if len(content) > CREDENTIAL_BYTES_MAX:
        raise _Refused("malformed", f"it has more than {CREDENTIAL_BYTES_MAX} bytes")
    try:
        start = content.lstrip()[:1]
        text = content.decode() if start in (b"{", b"e") else read_baked(content)
        if text.lstrip().startswith("{"):
            badge = json.loads(text)
            return badge, None
        _, claims = vc_jwt.read_jwt(text)
    except NotBaked as error:
        raise _Refused("malformed", str(error)) from None
    except NotToken as error:
        raise _Refused("malformed", str(error)) from None
    except (ValueError, RecursionError):
        raise _Refused("malformed", "it is no JSON") from None
    return claims["vc"], text.strip()


def _check_signed(badge: Json, token: str | None, known: Known, now: datetime) -> tuple[Sequence[str], bool]:
    """Fields that are not signed, and whether the key is the issuer's."""
    if token is not None:
        return (), _check_token(token, issuer_of(badge), known)
    try:
        unsigned = canonical_and_unsigned({name: badge[name] for name in badge if name != "proof"})[1]
        return sorted(set(unsigned)), _check_proofs(badge, known, now)
    except NotCanonical as error:
        raise _Refused("malformed", str(error)) from None


def _check_token(token: str, issuer: str, known: Known) -> bool:
    header, claims = vc_jwt.read_jwt(token)
    if header.get("alg") != vc_jwt.ALGORITHM:
        raise _Refused("key_unknown", "the algorithm of the token is not EdDSA")
    if differing := vc_jwt.claims_differ(claims):
        raise _Refused("malformed", f"the token and its credential differ: {', '.join(differing)}")
    key, is_attested = _key(header.get("kid"), issuer, known)
    if not vc_jwt.is_signed(token, key):
        raise _Refused("forged", "the signature of the token is wrong")
    return is_attested


def _check_proofs(document: Json, known: Known, now: datetime) -> bool:
    """Whether the key of a good proof is the issuer's. One good proof is enough; ours are of one suite."""
    proofs = document.get("proof")
    ours = [
        proof
        for proof in (proofs if isinstance(proofs, list) else [proofs])[:PROOFS_MAX]
        if isinstance(proof, dict) and proof.get("type") == PROOF_TYPE and proof.get("cryptosuite") == SUITE
    ]
    if not proofs:
        raise _Refused("malformed", "it has no proof")
    if not ours:
        raise _Refused("key_unknown", f"none of its proofs is of the suite {SUITE}")
    refused: _Refused | None = None
    for proof in ours:
        try:
            _check_proof(proof, now)
            key, is_attested = _key(proof.get("verificationMethod"), issuer_of(document), known)
            if is_proved(document, proof, key):
                return is_attested
            raise _Refused("forged", "the signature is wrong: something was changed, or another key made it")
        except _Refused as why:
            refused = refused or why
    assert refused is not None  # noqa: S101 (there is at least one proof)
    raise refused


def _check_proof(proof: Json, now: datetime) -> None:
    if proof.get("proofPurpose") != PURPOSE:
        raise _Refused("forged", "the proof was not made for an assertion")
    if "expires" in proof:
        if (ends := time_of(proof["expires"])) is None:
            raise _Refused("forged", "the end of the proof is no time")
        if ends <= now:
            raise _Refused("expired", f"the proof was valid until {proof['expires']}")


def _key(method: Any, issuer: str, known: Known) -> tuple[bytes, bool]:
    """The key that a proof names, and whether it is the issuer's."""
    if not isinstance(method, str) or ":" not in method:
        raise _Refused("key_unknown", "the proof names no key")
    controller, _, fragment = method.partition("#")
    if (document := known.documents.get(controller)) is not None:
        if controller != issuer:
            raise _Refused("forged", "the key is not the issuer's")
        return _key_in(document, method), True
    try:
        key = public_key_of_did_key(method) if controller.startswith("did:key:") else public_key_of(fragment)
    except (ValueError, TypeError):
        raise _Refused("key_unknown", f"the key {method[:200]} is not known") from None
    return key, key in known.keys or (controller.startswith("did:key:") and controller == issuer)


def _key_in(document: Json, method: str) -> bytes:
    methods, allowed = (_list_in(document, name) for name in ("verificationMethod", PURPOSE))
    for entry in methods:
        if isinstance(entry, dict) and entry.get("id") == method and method in allowed:
            try:
                return public_key_of(entry["publicKeyMultibase"])
            except (ValueError, KeyError, TypeError, AttributeError):
                break
    raise _Refused("key_unknown", "the issuer's DID document does not have the key, or has it no longer")


def _list_in(document: Json, name: str) -> list[Any]:
    found = document.get(name)
    return found if isinstance(found, list) else []


def _check_times(credential: Json, now: datetime) -> None:
    begins, ends = time_of(credential.get("validFrom")), time_of(credential.get("validUntil"))
    if begins is not None and now < begins:
        raise _Refused("not_yet_valid", f"it is valid from {credential['validFrom']}")
    if ends is not None and ends <= now:
        raise _Refused("expired", f"it was valid until {credential['validUntil']}")


def _entries(badge: Json) -> list[Json]:
    entries = badge.get("credentialStatus")
    return [one for one in (entries if isinstance(entries, list) else [entries]) if isinstance(one, dict)]


def _check_status(badge: Json, known: Known, now: datetime) -> bool:
    """
    Whether a list says that the badge holds; False if no list was given, or the badge has no status.

    Of several entries each one counts.
    """
    checked = False
    for entry in _entries(badge):
        url = str(entry.get("statusListCredential"))
        status_list = known.lists.get(url)
        if entry.get("type") != STATUS_ENTRY or status_list is None:
            continue
        if _is_set(status_list, entry, entry["statusPurpose"], issuer_of(badge), known, now):
            later = known.lists.get(f"{url}/{SUPERSEDED}")
            if later is not None and _is_set(later, entry, SUPERSEDED, issuer_of(badge), known, now):
                raise _Refused(
                    "superseded", "the award has changed since: ask the issuer for the credential of now"
                )
            raise _Refused("revoked", "the issuer has revoked it")
        checked = True
    return checked


def _is_set(status_list: Json, entry: Json, purpose: str, issuer: str, known: Known, now: datetime) -> bool:
    if problem := problem_of_list(status_list):
        raise _Refused("list_unsound", f"the status list: {problem}")
    subject = status_list["credentialSubject"]
    if subject.get("statusPurpose") != purpose:
        raise _Refused("list_unsound", f"the status list is not about: {purpose}")
    if issuer_of(status_list) != issuer:
        raise _Refused("list_unsound", "the status list has another issuer")
    try:
        _check_proofs(status_list, known, now)
        _check_times(status_list, now)
        return is_set(decoded(subject["encodedList"]), place_of(entry.get("statusListIndex")))
    except _Refused as refused:
        raise _Refused("list_unsound", f"the status list: {refused.why}") from None
    except (NotCanonical, ValueError) as error:
        raise _Refused("list_unsound", f"the status list: {error}") from None

"""
What the credential of an award says, and when there is one. All functions are pure.

A credential names nobody. It has a salted hash of the recipient's pseudonymous id: whoever knows the id can
check that the credential is about it. A recipient who asks with a did:key of their own gets that instead.

It has no points. A correction can change points without changing the award: then a signed number would be
wrong, and the status list would say that it holds.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import quote
from uuid import UUID

from services.awards.issued.rules import Award
from services.awards.schemes.rules import Conferred, PassMark, RankTiers, Scheme, Selected
from shared.credentials.canonical import BADGE_CONTEXT, VC_CONTEXT, Json
from shared.credentials.checks import BADGES, CREDENTIAL, STATUS_ENTRY, STATUS_LIST
from shared.credentials.did_web import did_of
from shared.credentials.multikey import public_key_of_did_key
from shared.credentials.proofs import PURPOSE, moment
from shared.credentials.status_list import LENGTH, encoded
from shared.credentials.verify import REVOCATION, SUPERSEDED
from shared.runtime.errors import Conflict, Forbidden, NotFound, Rejected
from shared.runtime.ids import derived_id

# A list that is nearly full has few free places, which are found by trying.
PLACES_USED_MAX = LENGTH * 3 // 4
# A verifier asks for the list again after this time.
TTL_MS = 60_000
LIST_VALID = timedelta(days=1)
SALT_CHARS = 32
_IDS = UUID("4f1c9c0e-6a37-5a0e-9d0c-2b7f6a3f1d55")
_TYPES = {"certificate": "Certificate"}
_BADGE = max(BADGES)


@dataclass(frozen=True, slots=True)
class CredentialIssuer:
    """
    Who issues the credentials.

    Attributes:
        url: where the awards service is reached from outside, without a slash at the end.
    """

    url: str
    name: str

    @property
    def did(self) -> str:
        """The did:web of this URL."""
        return did_of(self.url)

    def method(self, key_name: str) -> str:
        """The URL of one of the issuer's keys."""
        return f"{self.did}#{key_name}"

    def status_list(self, number: int) -> str:
        """The URL of a status list."""
        return f"{self.url}/credentials/status/{number}"


@dataclass(frozen=True, slots=True)
class Changed:
    """A credential whose award has changed since: the bit of its place is set."""

    place: int
    is_superseded: bool


def check_held(award: Award, *, erased: bool) -> None:
    """
    Check that there is a credential of this award.

    Raises:
        NotFound: the recipient was erased.
        Conflict: the award is revoked.
    """
    if erased:
        raise NotFound(
            "the recipient of this award was erased: there is no credential of it any more",
            code="recipient_erased",
        )
    if not award.is_valid:
        raise Conflict(
            f"award {award.award_code} is revoked: look its code up to see why", code="credential_revoked"
        )


def check_holder(award: Award, holder: str, participant_id: str) -> None:
    """
    Check that a credential may name this did:key.

    Args:
        participant_id: whose token the request has. Without this check anybody with the code, which stands on
            the certificate, could get a credential in their own name.

    Raises:
        Rejected: it is no did:key of an Ed25519 key.
        Forbidden: the token is not the recipient's.
    """
    try:
        if "#" in holder:
            raise ValueError
        public_key_of_did_key(holder)
    except ValueError:
        raise Rejected(
            "holder has to be a did:key of an Ed25519 key, like did:key:z6Mk…", code="holder_malformed"
        ) from None
    if participant_id != award.recipient_id:
        raise Forbidden(
            "only the recipient of an award gets its credential for a did:key", code="holder_not_recipient"
        )


def salt_of(award_id: str, key: bytes) -> str:
    """The salt of an award's hash: the same each time, and nobody without the key can compute it."""
    return hmac.digest(key, f"credential-salt/{award_id}".encode(), "sha256").hex()[:SALT_CHARS]


def credential_of(
    award: Award,
    scheme: Scheme,
    issuer: CredentialIssuer,
    *,
    place: int,
    salt: str,
    holder: str | None = None,
) -> Json:
    """
    The credential of a held award, without a proof.

    Args:
        place: in the status lists together.
        holder: the recipient's did:key.
    """
    number, index = divmod(place, LENGTH)
    status_list = issuer.status_list(number)
    subject = f"urn:uuid:{derived_id(_IDS, 'recipient', award.award_id)}"
    credential_id = derived_id(_IDS, "credential", award.award_id, str(award.version), holder or "")
    name = f"{award.scheme_title} · {award.tier}" if award.tier else award.scheme_title
    return {
        "@context": [VC_CONTEXT, BADGE_CONTEXT],
        "id": f"urn:uuid:{credential_id}",
        "type": [CREDENTIAL, _BADGE],
        "name": name,
        "issuer": {"id": issuer.did, "type": ["Profile"], "name": issuer.name, "url": issuer.url},
        "validFrom": moment(award.issued_at),
        "credentialSubject": {
            "id": holder or subject,
            "type": ["AchievementSubject"],
            "identifier": [_identity(award.recipient_id, salt)],
            "achievement": _achievement(award, scheme, issuer),
            **({"result": [_result(scheme, issuer, award.tier)]} if award.tier else {}),
        },
        "credentialStatus": {
            "id": f"{status_list}#{index}",
            "type": STATUS_ENTRY,
            "statusPurpose": REVOCATION,
            "statusListIndex": str(index),
            "statusListCredential": status_list,
        },
    }


def criteria_of(scheme: Scheme) -> str:
    """The scheme's rule in words, in Chinese and English."""
    rule = scheme.rule
    if isinstance(rule, PassMark):
        return (
            f"竞赛 {rule.quiz_id} 的得分不低于满分的 {rule.score_percent}%。\n"
            f"At least {rule.score_percent}% of the points of the quiz {rule.quiz_id}."
        )
    if isinstance(rule, RankTiers):
        ranks, first = [], 1
        for tier in rule.tiers:
            ranks.append(f"{tier.tier}: {first}–{first + tier.places - 1}")
            first += tier.places
        return (
            f"按竞赛 {rule.quiz_id} 的最终名次：{'；'.join(ranks)}。\n"
            f"By rank in the final standings of the quiz {rule.quiz_id}: {'; '.join(ranks)}."
        )
    if isinstance(rule, Conferred):
        return "由主办方决定授予。\nConferred by the organisers."
    if isinstance(rule, Selected):
        return (
            "由专家评分、公示并经评审委员会表决产生。\n"
            "Chosen by a committee after experts' scores and a public notice."
        )
    return f"按方案 {scheme.scheme_id} 的规则授予。\nAwarded by the rule of the scheme {scheme.scheme_id}."


def status_list_of(
    issuer: CredentialIssuer, number: int, purpose: str, changed: Iterable[Changed], now: datetime
) -> Json:
    """
    A status list as a credential, without a proof.

    Args:
        purpose: `revocation` has the bits of all changed credentials; `superseded` only those whose award is
            still held, in another version.
    """
    url = issuer.status_list(number) + ("" if purpose == REVOCATION else f"/{SUPERSEDED}")
    places = [one.place % LENGTH for one in changed if purpose == REVOCATION or one.is_superseded]
    return {
        "@context": [VC_CONTEXT],
        "id": url,
        "type": [CREDENTIAL, STATUS_LIST],
        "issuer": issuer.did,
        "validFrom": moment(now),
        "validUntil": moment(now + LIST_VALID),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "ttl": TTL_MS,
            "encodedList": encoded(places),
        },
    }


def did_document_of(issuer: CredentialIssuer, key_names: Iterable[str]) -> Json:
    """The issuer's DID document: the keys whose signatures are valid, also older ones."""
    methods = {name: issuer.method(name) for name in key_names}
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": issuer.did,
        "verificationMethod": [
            {"id": method, "type": "Multikey", "controller": issuer.did, "publicKeyMultibase": name}
            for name, method in methods.items()
        ],
        PURPOSE: list(methods.values()),
    }


def _identity(recipient_id: str, salt: str) -> Json:
    hashed = sha256(f"{recipient_id}{salt}".encode()).hexdigest()
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${hashed}",
        "identityType": "systemId",
        "salt": salt,
    }


def _achievement(award: Award, scheme: Scheme, issuer: CredentialIssuer) -> Json:
    criteria = criteria_of(scheme)
    achievement: Json = {
        "id": f"{issuer.url}/schemes/{quote(scheme.scheme_id)}",
        "type": ["Achievement"],
        "achievementType": _TYPES.get(award.kind, "Award"),
        "name": award.scheme_title,
        "description": criteria.splitlines()[0],
        "criteria": {"narrative": criteria},
    }
    if isinstance(scheme.rule, RankTiers):
        achievement["resultDescription"] = [
            {
                "id": _tiers_id(scheme, issuer),
                "type": ["ResultDescription"],
                "name": "等次 (tier)",
                "resultType": "PerformanceLevel",
                "allowedValue": [tier.tier for tier in scheme.rule.tiers],
            }
        ]
    return achievement


def _result(scheme: Scheme, issuer: CredentialIssuer, tier: str) -> Json:
    result: Json = {"type": ["Result"], "value": tier}
    if isinstance(scheme.rule, RankTiers):
        result["resultDescription"] = _tiers_id(scheme, issuer)
    return result


def _tiers_id(scheme: Scheme, issuer: CredentialIssuer) -> str:
    return f"{issuer.url}/schemes/{quote(scheme.scheme_id)}#tiers"

"""
The ready-made badges of 1EdTech's validator get its verdicts, as far as they need no network.

Source: 1EdTech/digital-credentials-public-validator, inspector-vc/src/test/resources/ob30, and OB30Tests.java
beside it. Each test names its file. The badges are built from the lines that matter. Where a file has an
older data model than the one that we support, the badge of the validator's own test key is changed as that
file is.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.credentials.canonical import Json
from shared.credentials.multikey import public_key_of
from shared.credentials.proofs import Signer
from shared.credentials.verify import Known, Verdict, verify
from tests.shared.credentials.published import GUIDE_KEY, GUIDE_SEED, proof, teamwork

NOW = datetime(2026, 11, 28, tzinfo=UTC)
METHOD = f"https://example.com/issuers/876543#{GUIDE_KEY}"
# The validator takes the key from the name of the method.
KNOWN = Known(keys=frozenset([public_key_of(GUIDE_KEY)]))
LIST_URL = "https://example.com/testlist"
LISTED_BY = "https://1edtech.edu/issuers/565049"


def verdict(badge: Json, known: Known = KNOWN) -> Verdict:
    return verify(json.dumps(badge).encode(), known, NOW)


def signed(badge: Json) -> Json:
    return Signer(GUIDE_SEED).with_proof(badge, METHOD, datetime(2010, 1, 1, tzinfo=UTC))


def did_key() -> Json:
    person = "urn:uuid:6f2e33e5-7a29-4155-840a-59483ba10164"
    badge = teamwork(
        id="urn:uuid:280c19b6-9680-4a37-ba84-e38b1a4e4584",
        type=["VerifiableCredential", "AchievementCredential"],
        issuer={"type": ["Profile"], "name": "Andy F. Miller", "id": person},
        validFrom="2022-11-10T07:38:00-08:00",
        name="test 1",
        credentialSubject={
            "id": person,
            "type": ["AchievementSubject"],
            "achievement": {
                "id": "urn:uuid:35258e6f-4c05-4215-8ada-38a5a5b80510",
                "type": ["Achievement"],
                "achievementType": "Achievement",
                "name": "test 1",
                "description": "This is a test achievement",
                "criteria": {"narrative": "There is no criteria"},
            },
        },
    )
    badge["@context"].append("https://purl.imsglobal.org/spec/ob/v3p0/extensions.json")
    value = "z5v2mkEWTLxzJ4VCxvUx5dRoy54Hp81GpyABUk7NswQECwDH6Ecwv5F3Mqso7t18UY6WScm5Qszo6nqiiqmevRWHc"
    return badge | {"proof": [proof(value, f"did:key:{GUIDE_KEY}")]}


def with_status() -> Json:
    """Revoked by the list: its bit 23 is set. The index is a number, where the standard demands a text."""
    base = "https://dc.1edtech.org/wellspring2022/wellspring-portal"
    own = "did:web:dc.1edtech.org:wellspring2022:wellspring-portal"
    url = (
        "https://raw.githubusercontent.com/1EdTech/digital-credentials-public-validator/refs/heads/main/"
        "inspector-vc/src/test/resources/ob30/bit-string-list/testlist"
    )
    badge = teamwork(
        id=f"{base}/credential/54418d3f-ec01-4652-800a-861c890a51a1",
        type=["VerifiableCredential", "AchievementCredential"],
        issuer={"id": LISTED_BY, "type": ["Profile"], "name": "1EdTech Testing"},
        awardedDate="2023-05-22T10:21:00Z",
        validFrom="2023-05-23T01:10:41Z",
        name="ob3-credential-status-revoked.json",
        description="This achievement credential is used in ims-inspector OB30Tests.",
        credentialSubject={
            "id": f"{own}:learner:6896f98f-6b42-4c75-98ec-8befd0dc0b29",
            "type": ["AchievementSubject"],
            "achievement": {
                "id": f"{base}/achievement/45badd38-e201-4cf3-927f-be55bc7eb414",
                "type": ["Achievement"],
                "achievementType": "Achievement",
                "criteria": {"narrative": "Passes tests"},
                "description": "Test achievement 1",
                "name": "Achievement 1",
            },
            "source": {
                "id": f"{own}:org:da1e96e9-afcc-4eed-b9a2-2ddf7353214c",
                "type": ["Profile"],
                "name": "1EdTech Testing",
            },
        },
        credentialStatus={
            "id": f"{url}#23",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": 23,
            "statusListCredential": url,
        },
    )
    value = "z54CTvP8EENLrWCVQ9q86zfZaDDhbTa9zd5GUENktroXNbfWxQw1nuJK7QjdF526kLnoRd7x4Ro125DA3FBtdQ61N"
    return badge | {"proof": proof(value, f"{LISTED_BY}#{GUIDE_KEY}")}


def list_of_the_validator() -> Json:
    status_list: Json = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "https://example.com/credentials/status/3",
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": LISTED_BY,
        "validFrom": "2021-04-05T14:27:40Z",
        "credentialSubject": {
            "id": "https://example.com/status/3#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": "uH4sIAAAAAAAA_-3BMQEAAAzDoMy_6cnoA9QFAAAAAAAAAAAAAAAAAAAAbD3uPa2cAEAAAA",
        },
    }
    value = "z2SkF4nJzMa6wAKgxDdUR1wwZsiYnWi3CtFyRipnMgxUTZKiJvJ1tf5fEtmDFhjkc2JL6XgPTt5SzBCJFSTpBMdDY"
    return status_list | {"proof": [proof(value, f"{LISTED_BY}#{GUIDE_KEY}")]}


def test_simple_is_valid() -> None:
    assert verdict(signed(teamwork())).code == "genuine"


def test_simple_did_key_method_is_valid() -> None:
    assert verdict(did_key()).code == "genuine"


def test_simple_context_alias_is_valid_but_its_issuance_date_is_not_signed() -> None:
    badge = teamwork(issuanceDate="2010-01-01T00:00:00Z", validFrom="2024-03-21T14:56:35Z")
    found = verdict(signed(badge))
    assert (found.code, found.unsigned) == ("genuine", ["issuanceDate"])


def test_simple_multiple_proofs_is_valid_though_one_is_of_an_unknown_kind() -> None:
    badge = signed(teamwork())
    unknown = {"type": "SomeProofType", "created": "2022-11-16T18:54:22Z", "proofPurpose": "assertionMethod"}
    assert verdict(badge | {"proof": [unknown, badge["proof"]]}).code == "genuine"


def test_credential_status_revoked_is_revoked() -> None:
    badge = with_status()
    url = badge["credentialStatus"]["statusListCredential"]
    known = Known(keys=KNOWN.keys, lists={url: list_of_the_validator()})
    assert verdict(badge, known).code == "revoked"
    # Without the list the signature is all that is known: it is right.
    assert verdict(badge).code == "genuine"


def test_simple_err_expired_is_expired() -> None:
    badge = teamwork(validUntil="2010-01-01T00:00:00Z")
    value = "z2mAP6ezimojRWSHDhS1VfJgDdMCqa4oPbmJT1tCs43t5bRiwsrrhHxrmTEeAF2EBjErrzxoJj3HCKsdkyVkno11f"
    assert verdict(badge | {"proof": [proof(value, METHOD)]}).code == "expired"


def test_simple_err_proof_value_is_forged() -> None:
    value = "z76jrNcyxHg5fV17h96yCRwqUaTQZD2QQivyNqHyLSvqu3aWGC3nLShzZEGbH3LvNFodwov9rPQxi3QRP7adCrzV"
    method = "https://example.com/issuers/876543#z6MkrvfzkMnvCroEUP2DVc9SHPE48CRsvHiVSusHioxTYu1x"
    wrong = proof(value, method, "2024-03-20T14:53:19Z")
    assert verdict(teamwork() | {"proof": [wrong]}).code == "forged"


@pytest.mark.parametrize(
    "method",
    [
        # simple-err-proof-method, -no-scheme, -unknown-scheme, -unknown-did-method
        f"{METHOD}XX",
        f"example.com/issuers/876543#{GUIDE_KEY[:-1]}",
        GUIDE_KEY,
        f"rtsp://example.com/issuers/876543#{GUIDE_KEY[:-2]}",
        "did:example:123",
    ],
)
def test_keys_that_cannot_be_found_are_unknown(method: str) -> None:
    badge = signed(teamwork())
    assert verdict(badge | {"proof": badge["proof"] | {"verificationMethod": method}}).code == "key_unknown"


def _subject(**changes: Any) -> Callable[[Json], None]:
    def change(badge: Json) -> None:
        badge["credentialSubject"] |= changes

    return change


def _badge(**changes: Any) -> Callable[[Json], None]:
    def change(badge: Json) -> None:
        badge |= changes

    return change


def _without(name: str, *, of: str | None = None) -> Callable[[Json], None]:
    def change(badge: Json) -> None:
        (badge[of] if of else badge).pop(name)

    return change


def _result_description(badge: Json) -> None:
    described = {"id": "urn:uuid:1", "type": "InvalidResultDescription", "name": "Project Status"}
    badge["credentialSubject"]["achievement"]["resultDescription"] = [described]


_CORP = {"id": "https://example.com/issuers/876543", "type": ["Profile"], "name": "Example Corp"}


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("simple-err-type", _badge(type=["VerifiableCredential", "OtherCredential"])),
        (
            "simple-err-context",
            _badge(**{"@context": ["https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"]}),
        ),
        ("simple-err-issuer", _without("issuer")),
        ("simple-err-issuer-type", _badge(issuer=_CORP | {"type": ["InvalidProfile"]})),
        (
            "simple-err-issuer-parentorg-type",
            _badge(issuer=_CORP | {"parentOrg": {"id": "did:example:1", "type": ["InvalidProfile"]}}),
        ),
        (
            "simple-err-issuer-otheridentifier-type",
            _badge(issuer=_CORP | {"otherIdentifier": [{"type": "InvalidEntry", "identifier": "1"}]}),
        ),
        ("simple-err-credential-subject-type", _subject(type=["InvalidSubject"])),
        ("simple-err-credential-subject-no-id-no-identifier", _without("id", of="credentialSubject")),
        (
            "simple-err-credential-subject-identifier-type",
            _subject(identifier=[{"type": "InvalidObject", "identityHash": "a@b.edu"}]),
        ),
        (
            "simple-err-credential-subject-result-type",
            _subject(result=[{"type": ["Result"], "value": "A"}, {"type": ["InvalidResult"]}]),
        ),
        ("simple-err-credential-subject-achievement-result-description-type", _result_description),
        (
            "simple-err-credential-subject-profile-type",
            _subject(source={"id": "https://school.edu/1", "type": "InvalidProfile", "name": "Arts"}),
        ),
        (
            "simple-err-evidence-type",
            _badge(evidence=[{"type": "Evidence", "name": "a"}, {"type": "InvalidEvidence", "name": "b"}]),
        ),
        ("simple-noproof", _without("proof")),
    ],
)
def test_what_a_badge_must_have_is_looked_at_before_its_signature(
    file: str, change: Callable[[Json], None]
) -> None:
    badge = signed(teamwork())
    change(badge)
    assert verdict(badge).code == "malformed", file


def test_simple_err_issued_is_not_valid_yet() -> None:
    assert verdict(signed(teamwork(validFrom="2040-01-01T00:00:00Z"))).code == "not_yet_valid"

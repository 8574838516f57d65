"""What a credential says: whom it is about, by which rule, and what it leaves out."""

import json
from dataclasses import replace as changed
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from msgspec.structs import replace

from services.awards.credentials.keys import check_key_names, check_public_url
from services.awards.credentials.rules import (
    CredentialIssuer,
    check_held,
    check_holder,
    credential_of,
    criteria_of,
    did_document_of,
    salt_of,
    status_list_of,
)
from services.awards.issued.rules import Award, revoked
from shared.credentials.canonical import canonical_and_unsigned
from shared.credentials.checks import problem_of_badge, problem_of_list
from shared.credentials.status_list import LENGTH
from shared.runtime.errors import Conflict, Forbidden, NotFound, Rejected
from tests.awards.builders import certificate, prizes, scheme
from tests.awards.credentials.issuing import ISSUER
from tests.shared.credentials.published import GUIDE_KEY

NOW = datetime(2026, 11, 28, 1, 2, 3, 456_000, tzinfo=UTC)
DID_KEY = f"did:key:{GUIDE_KEY}"
AWARD = Award(
    award_id="7f1f0c56-9f6f-5c0a-8f2e-0c6d5a9d4b11",
    award_code="KW-7Q2MA-X4D0P",
    scheme_id="prizes",
    scheme_title="竞赛奖",
    kind="prize",
    tier="一等奖",
    recipient_id="p1",
    cause="quiz",
    issued_at=NOW,
    relayed=True,
    note="张三",
)
SCHEME = prizes("quiz", 一等奖=3, 二等奖=6)


def test_a_credential_is_a_badge_of_which_every_field_is_signed() -> None:
    for of, award in ((SCHEME, AWARD), (certificate("quiz"), replace(AWARD, tier=None)), (scheme(), AWARD)):
        credential = credential_of(award, of, ISSUER, place=LENGTH + 23, salt="s")
        assert problem_of_badge(credential | {"proof": {}}) is None
        assert canonical_and_unsigned(credential)[1] == []
    status_list = status_list_of(ISSUER, 0, "revocation", [], NOW)
    assert problem_of_list(status_list) is None
    assert canonical_and_unsigned(status_list)[1] == []


def test_it_names_the_recipient_by_a_salted_hash_and_nobody_by_name() -> None:
    salt = salt_of(AWARD.award_id, b"key")
    credential = credential_of(AWARD, SCHEME, ISSUER, place=0, salt=salt)
    [identity] = credential["credentialSubject"]["identifier"]
    assert identity["identityHash"] == f"sha256${sha256(f'p1{salt}'.encode()).hexdigest()}"
    text = json.dumps(credential, ensure_ascii=False)
    assert AWARD.note is not None
    assert '"p1"' not in text
    assert AWARD.note not in text
    assert AWARD.award_code not in text
    assert salt != salt_of("another", b"key") != salt_of("another", b"other key")


def test_the_index_of_its_status_is_a_text_within_its_list() -> None:
    entry = credential_of(AWARD, SCHEME, ISSUER, place=2 * LENGTH + 23, salt="s")["credentialStatus"]
    assert entry["statusListIndex"] == "23"
    assert entry["statusListCredential"] == "https://awards.example.org/credentials/status/2"


def test_it_is_valid_from_the_moment_of_the_award_and_each_version_is_another() -> None:
    first = credential_of(AWARD, SCHEME, ISSUER, place=0, salt="s")
    again = credential_of(AWARD, SCHEME, ISSUER, place=0, salt="s")
    later = credential_of(replace(AWARD, version=2), SCHEME, ISSUER, place=1, salt="s")
    bound = credential_of(AWARD, SCHEME, ISSUER, place=0, salt="s", holder=DID_KEY)
    assert first["validFrom"] == "2026-11-28T01:02:03Z"
    assert first == again
    assert len({one["id"] for one in (first, later, bound)}) == 3
    assert bound["credentialSubject"]["id"] == DID_KEY


def test_the_rule_is_said_in_chinese_and_english() -> None:
    assert criteria_of(certificate("quiz", 80)).splitlines() == [
        "竞赛 quiz 的得分不低于满分的 80%。",
        "At least 80% of the points of the quiz quiz.",
    ]
    assert "一等奖: 1–3；二等奖: 4–9" in criteria_of(SCHEME)
    selected = criteria_of(scheme(rule={"type": "selected"})).splitlines()
    assert selected[1] == "Chosen by a committee after experts' scores and a public notice."
    assert criteria_of(scheme()).splitlines() == ["由主办方决定授予。", "Conferred by the organisers."]


def test_a_tier_is_a_result_among_the_tiers_of_the_scheme() -> None:
    subject = credential_of(AWARD, SCHEME, ISSUER, place=0, salt="s")["credentialSubject"]
    [described] = subject["achievement"]["resultDescription"]
    [result] = subject["result"]
    assert described["allowedValue"] == ["一等奖", "二等奖"]
    assert (result["value"], result["resultDescription"]) == ("一等奖", described["id"])


def test_there_is_none_of_a_revoked_award_and_none_of_an_erased_persons() -> None:
    check_held(AWARD, erased=False)
    with pytest.raises(Conflict) as conflict:
        check_held(revoked(AWARD, "a reason", NOW, erased=False), erased=False)
    assert conflict.value.code == "credential_revoked"
    with pytest.raises(NotFound) as missing:
        check_held(AWARD, erased=True)
    assert missing.value.code == "recipient_erased"


def test_only_the_recipient_binds_it_to_a_key() -> None:
    check_holder(AWARD, DID_KEY, "p1")
    with pytest.raises(Forbidden):
        check_holder(AWARD, DID_KEY, "p2")
    for wrong in ("did:key:z6Mk", "did:web:example.org", GUIDE_KEY, f"{DID_KEY}#{GUIDE_KEY}", ""):
        with pytest.raises(Rejected) as refused:
            check_holder(AWARD, wrong, "p1")
        assert refused.value.code == "holder_malformed"


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://example.org", "did:web:example.org"),
        ("http://localhost:8003", "did:web:localhost%3A8003"),
        ("https://example.org/week/awards", "did:web:example.org:week:awards"),
    ],
)
def test_the_issuer_is_the_did_of_its_address(url: str, did: str) -> None:
    issuer = CredentialIssuer(url, "n")
    assert issuer.did == did
    document = did_document_of(issuer, ["z1", "z2"])
    assert document["assertionMethod"] == [f"{did}#z1", f"{did}#z2"]
    assert changed(issuer, url=url).status_list(3) == f"{url}/credentials/status/3"


def test_settings_that_make_no_issuer_are_refused() -> None:
    assert check_public_url("https://example.org/awards/") == "https://example.org/awards"
    assert check_public_url("") == ""
    for wrong in (
        "example.org",
        "ftp://example.org",
        "https://a@example.org",
        "https://example.org?a",
        "https://",
    ):
        with pytest.raises(ValueError, match="has to be like"):
            check_public_url(wrong)
    assert check_key_names(f" {GUIDE_KEY}, {GUIDE_KEY}")
    for keys in ("z6Mk", f"{GUIDE_KEY};{GUIDE_KEY}"):
        with pytest.raises(ValueError, match="has to be keys"):
            check_key_names(keys)
    with pytest.raises(ValueError, match="at the most"):
        check_key_names(",".join([GUIDE_KEY] * 17))

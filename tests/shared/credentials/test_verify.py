"""The verdict on our own kind of badges: whose key it is, what lists say, tokens and pictures."""

import json
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.credentials import baking
from shared.credentials.canonical import VC_CONTEXT, Json
from shared.credentials.proofs import Signer, moment
from shared.credentials.status_list import BYTES_MAX, LENGTH, decoded, encoded, is_set
from shared.credentials.vc_jwt import to_jwt
from shared.credentials.verify import Known, verify, wanted
from tests.shared.credentials.published import document_of, new_signer, teamwork

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ISSUER = "did:web:example.org"
URL = "https://example.org/credentials/status/0"
PLACE = 93_411


def badge(signer: Signer, **changes: Any) -> Json:
    entry = {
        "id": f"{URL}#{PLACE}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(PLACE),
        "statusListCredential": URL,
    }
    unsigned = teamwork(ISSUER) | {"credentialStatus": entry} | changes
    return signer.with_proof(unsigned, f"{ISSUER}#{signer.name}", NOW)


def status_list(signer: Signer, *places: int, purpose: str = "revocation", **changes: Any) -> Json:
    unsigned: Json = {
        "@context": [VC_CONTEXT],
        "id": URL,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": ISSUER,
        "validFrom": moment(NOW),
        "credentialSubject": {
            "id": f"{URL}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": encoded(places),
        },
    }
    return signer.with_proof(unsigned | changes, f"{ISSUER}#{signer.name}", NOW)


def code(of: Json | bytes, known: Known) -> str:
    content = of if isinstance(of, bytes) else json.dumps(of, ensure_ascii=False).encode()
    return verify(content, known, NOW).code


def test_a_badge_holds_as_long_as_the_list_says_so() -> None:
    signer = new_signer()
    known = Known({ISSUER: document_of(ISSUER, signer)})
    given = badge(signer)
    assert code(given, known) == "genuine"
    assert code(given, replace(known, lists={URL: status_list(signer)})) == "held"
    assert code(given, replace(known, lists={URL: status_list(signer, PLACE - 1, PLACE + 1)})) == "held"
    revoked = {URL: status_list(signer, PLACE)}
    assert code(given, replace(known, lists=revoked)) == "revoked"
    later = revoked | {f"{URL}/superseded": status_list(signer, PLACE, purpose="superseded")}
    assert code(given, replace(known, lists=later)) == "superseded"
    not_this = revoked | {f"{URL}/superseded": status_list(signer, 1, purpose="superseded")}
    assert code(given, replace(known, lists=not_this)) == "revoked"


def test_a_key_that_the_issuer_no_longer_names_makes_no_good_badge() -> None:
    old, new, other = new_signer(), new_signer(), new_signer()
    rotated = Known({ISSUER: document_of(ISSUER, new, old)})
    assert code(badge(old), rotated) == code(badge(new), rotated) == "genuine"
    lost = Known({ISSUER: document_of(ISSUER, new)})
    assert (code(badge(old), lost), code(badge(new), lost)) == ("key_unknown", "genuine")
    # Somebody who signs with a key of their own, under the issuer's name.
    forged = badge(other)
    forged["proof"]["verificationMethod"] = f"{ISSUER}#{new.name}"
    assert code(forged, rotated) == "forged"


def test_a_right_signature_alone_does_not_show_whose_it_is() -> None:
    signer, other = new_signer(), new_signer()
    assert code(badge(signer), Known()) == "unattested"
    assert code(badge(signer), Known(keys=frozenset([signer.public_key]))) == "genuine"
    # The document of another issuer vouches for nothing here.
    elsewhere = "did:web:example.net"
    unsigned = teamwork(ISSUER)
    given = other.with_proof(unsigned, f"{elsewhere}#{other.name}", NOW)
    assert code(given, Known({elsewhere: document_of(elsewhere, other)})) == "forged"
    # A did:key is its own issuer.
    did = f"did:key:{signer.name}"
    own = signer.with_proof(teamwork(did), f"{did}#{signer.name}", NOW)
    assert code(own, Known()) == "genuine"


def test_a_key_that_is_not_for_assertions_signs_no_badge() -> None:
    signer = new_signer()
    document = document_of(ISSUER, signer) | {"assertionMethod": []}
    assert code(badge(signer), Known({ISSUER: document})) == "key_unknown"
    given = badge(signer)
    given["proof"]["proofPurpose"] = "authentication"
    assert code(given, Known({ISSUER: document_of(ISSUER, signer)})) == "forged"


def test_whatever_is_changed_is_noticed() -> None:
    signer = new_signer()
    known = Known({ISSUER: document_of(ISSUER, signer)})
    given = badge(signer)
    assert code(given | {"name": "Another Badge"}, known) == "forged"
    given["credentialStatus"] = given["credentialStatus"] | {"statusListIndex": "1"}
    assert code(given, known) == "forged"
    found = verify(json.dumps(badge(signer) | {"grade": "A"}).encode(), known, NOW)
    assert (found.code, found.unsigned) == ("genuine", ["grade"])


@pytest.mark.parametrize(
    "hide",
    [
        # The same statements, in other words: the signature stays right.
        lambda status: {"https://www.w3.org/2018/credentials#credentialStatus": status},
        lambda status: {
            "@included": [{"id": "http://example.com/credentials/3527", "credentialStatus": status}]
        },
        lambda status: {
            "@context": [
                *teamwork()["@context"],
                {"cs": "https://www.w3.org/2018/credentials#credentialStatus"},
            ],
            "cs": status,
        },
        lambda status: {"credentialStatus": status | {"type": ["BitstringStatusListEntry"]}},
        lambda status: {
            "credentialStatus": status
            | {"type": "https://www.w3.org/ns/credentials/status#BitstringStatusListEntry"}
        },
        lambda status: {"credentialStatus": status | {"statusListCredential": {"id": URL}}},
        lambda status: {"credentialStatus": [status, status["id"]]},
    ],
)
def test_nobody_hides_the_status_of_a_revoked_badge(hide: Callable[[Json], Json]) -> None:
    signer = new_signer()
    known = Known({ISSUER: document_of(ISSUER, signer)}, lists={URL: status_list(signer, PLACE)})
    given = badge(signer)
    assert code(given, known) == "revoked"
    status = given.pop("credentialStatus")
    hidden = given | hide(status)
    assert code(hidden, known) == "malformed"


def test_a_proof_that_has_ended_is_none() -> None:
    signer = new_signer()
    known = Known({ISSUER: document_of(ISSUER, signer)})
    given = badge(signer)
    assert code(given | {"proof": given["proof"] | {"expires": moment(NOW)}}, known) == "expired"
    assert code(given | {"proof": given["proof"] | {"expires": "never"}}, known) == "forged"


@pytest.mark.parametrize("methods", [None, "x", [None], [{"id": 1}], {"id": {}}])
def test_a_document_that_is_none_has_no_key(methods: Any) -> None:
    signer = new_signer()
    document = document_of(ISSUER, signer)
    for name in ("verificationMethod", "assertionMethod"):
        assert code(badge(signer), Known({ISSUER: document | {name: methods}})) == "key_unknown"


def test_a_list_that_cannot_be_relied_on_says_nothing() -> None:
    signer, other = new_signer(), new_signer()
    known = Known({ISSUER: document_of(ISSUER, signer)})
    unsound = [
        status_list(other),
        status_list(signer, purpose="suspension"),
        status_list(signer, issuer="did:web:example.net"),
        status_list(signer, validUntil="2026-11-27T23:59:59Z"),
        status_list(signer, type=["VerifiableCredential"]),
        status_list(signer) | {"id": "https://example.org/other"},
        {name: value for name, value in status_list(signer).items() if name != "proof"},
    ]
    for one in unsound:
        assert code(badge(signer), replace(known, lists={URL: one})) == "list_unsound"


def test_a_list_of_another_issuer_says_nothing_though_it_is_signed() -> None:
    signer, other = new_signer(), new_signer()
    elsewhere = "did:web:example.net"
    unsigned = {name: value for name, value in status_list(other).items() if name != "proof"}
    theirs = other.with_proof(unsigned | {"issuer": elsewhere}, f"{elsewhere}#{other.name}", NOW)
    documents = {ISSUER: document_of(ISSUER, signer), elsewhere: document_of(elsewhere, other)}
    assert code(badge(signer), Known(documents, lists={URL: theirs})) == "list_unsound"


def test_a_badge_is_the_same_as_a_token_and_in_pictures() -> None:
    signer = new_signer()
    known = Known({ISSUER: document_of(ISSUER, signer)}, lists={URL: status_list(signer)})
    given = badge(signer, name='科普 ]]> "&<')
    text = json.dumps(given, ensure_ascii=False)
    unsigned = {name: value for name, value in given.items() if name != "proof"}
    token = to_jwt(unsigned, signer, f"{ISSUER}#{signer.name}")
    head = baking.png_chunk(b"IHDR", b"\0" * 13)
    png = baking.PNG_SIGNATURE + head + baking.png_chunk(b"IEND", b"")
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><g/></svg>'
    for form in (
        token,
        baking.svg_with(svg, text),
        baking.svg_with(svg, text).replace(
            "<openbadges:credential>", f'<openbadges:credential verify="{token}">'
        ),
    ):
        assert code(form.encode(), known) == "held"
    for inside in (text, token):
        assert code(baking.png_with(png, inside), known) == "held"
    assert wanted(text.encode()) == (ISSUER, [URL, f"{URL}/superseded"])


def test_a_token_that_says_something_else_than_its_badge_is_malformed() -> None:
    signer = new_signer()
    known = Known({ISSUER: document_of(ISSUER, signer)})
    method = f"{ISSUER}#{signer.name}"
    token = to_jwt(teamwork(ISSUER), signer, method)
    assert code(token.encode(), known) == "genuine"
    header, claims, signature = token.split(".")
    assert code(f"{header}.{claims}.{'A' * len(signature)}".encode(), known) == "forged"
    for alg in ("none", "HS256"):
        other = _part({"alg": alg, "kid": method})
        assert code(f"{other}.{claims}.{signature}".encode(), known) == "key_unknown"
    said = {"iss": ISSUER, "jti": "urn:other", "nbf": 0, "vc": teamwork(ISSUER)}
    assert code(f"{header}.{_part(said)}.{signature}".encode(), known) == "malformed"


def _part(value: Json) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"eyJ.eyJ.x",
        b"\x89PNG\r\n\x1a\n",
        b"<svg/>",
        b'<!DOCTYPE s [<!ENTITY a "b">]><svg>&a;</svg>',
        b'{"@context": ' + b"[" * 100_000,
        b"{" + b" " * 1_048_576 + b"}",
    ],
)
def test_what_is_no_badge_is_malformed(content: bytes) -> None:
    assert code(content, Known()) == "malformed"


def test_a_badge_before_its_time_and_after_it() -> None:
    signer = new_signer()
    known = Known({ISSUER: document_of(ISSUER, signer)})
    later, earlier = moment(NOW + timedelta(seconds=1)), moment(NOW)
    assert code(badge(signer, validFrom=later), known) == "not_yet_valid"
    assert code(badge(signer, validUntil=earlier), known) == "expired"


def test_a_list_has_its_bits_where_others_look_for_them() -> None:
    bits = decoded(encoded([0, 9, LENGTH - 1]))
    assert (bits[0], bits[1], bits[-1]) == (0b1000_0000, 0b0100_0000, 1)
    assert [place for place in range(LENGTH) if is_set(bits, place)] == [0, 9, LENGTH - 1]
    for place in (-1, LENGTH):
        with pytest.raises(ValueError, match="no entry"):
            is_set(bits, place)


def test_a_list_that_unpacks_to_too_much_or_too_little_is_refused() -> None:
    for size in (BYTES_MAX + 1, LENGTH // 8 - 1):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = packer.compress(bytes(size)) + packer.flush()
        with pytest.raises(ValueError, match=r"more than|fewer than"):
            decoded("u" + urlsafe_b64encode(packed).decode())
    with pytest.raises(ValueError, match="packed"):
        decoded("uAAAA")

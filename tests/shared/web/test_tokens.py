import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.contracts.checked import LINE_CHARS_MAX
from shared.runtime.errors import NotAuthenticated
from shared.web.edge.limits import Limits
from shared.web.tokens import (
    ISSUER,
    OUR_HEADER,
    TOKEN_CHARS_MAX,
    TOKEN_DAYS,
    Participant,
    TokenSigner,
    TokenVerifier,
    new_key_pair,
)

NOW = datetime(2023, 5, 20, tzinfo=UTC)
PRIVATE, PUBLIC = new_key_pair()
VERIFIER = TokenVerifier(PUBLIC)


def token() -> str:
    return TokenSigner(PRIVATE).sign("wang", "group-a", "华龙区", NOW)


def refused(text: str, now: datetime = NOW) -> str:
    with pytest.raises(NotAuthenticated) as found:
        VERIFIER.verify(text, now)
    assert text[:40] not in found.value.message
    return found.value.code


def test_token_speaks_for_its_participant() -> None:
    expires_at = int((NOW + timedelta(days=TOKEN_DAYS)).timestamp())
    issued_at = int(NOW.timestamp())
    wang = Participant("wang", "group-a", "华龙区", expires_at, issued_at=issued_at)
    assert VERIFIER.verify(token(), NOW) == wang


def test_token_says_what_its_owner_has_shown() -> None:
    signer = TokenSigner(PRIVATE)
    for verified, on_roster in ((False, False), (True, False), (True, True)):
        text = signer.sign("wang", None, None, NOW, verified=verified, on_roster=on_roster)
        found = VERIFIER.verify(text, NOW)
        assert (found.verified, found.on_roster) == (verified, on_roster)
        # The other way to read a token, for those that another library has written.
        assert VERIFIER._verify_any(text) == found


def test_token_without_group_and_district_is_good() -> None:
    found = VERIFIER.verify(TokenSigner(PRIVATE).sign("wang", None, None, NOW), NOW)
    assert (found.group_id, found.district) == (None, None)


@pytest.mark.parametrize("character", ["\U0002070e", "\\", '"', "濮"])
def test_the_longest_token_is_one_that_services_accept(character: str) -> None:
    longest, id_ = character * LINE_CHARS_MAX, "a" * 64
    text = TokenSigner(PRIVATE).sign(id_, id_, longest, NOW)
    assert len(text) <= TOKEN_CHARS_MAX
    assert VERIFIER.verify(text, NOW).district == longest
    # With room for the other headers, such as a whole Idempotency-Key.
    assert len(text) < Limits().head_bytes_max / 2


def test_token_whose_header_another_library_has_written_is_good_too() -> None:
    claims = {"iss": ISSUER, "sub": "wang", "exp": 9_999_999_999}
    key = load_pem_private_key(PRIVATE.replace("\\n", "\n").encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    text = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "1"})
    assert not text.startswith(OUR_HEADER)
    assert VERIFIER.verify(text, NOW) == Participant("wang", None, None, 9_999_999_999)
    assert token().startswith(OUR_HEADER)


@pytest.mark.parametrize("claims", [{"iss": "another"}, {"sub": 7}, {"exp": "soon"}, {"sub": None}])
def test_token_of_ours_with_unsound_claims_is_refused(claims: dict[str, object]) -> None:
    key = load_pem_private_key(PRIVATE.replace("\\n", "\n").encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    sound = {"iss": ISSUER, "sub": "wang", "exp": 9_999_999_999}
    body = urlsafe_b64encode(json.dumps(sound | claims).encode()).decode().rstrip("=")
    signature = urlsafe_b64encode(key.sign(f"{OUR_HEADER}.{body}".encode())).decode().rstrip("=")
    assert refused(f"{OUR_HEADER}.{body}.{signature}") == "token_invalid"
    assert refused(f"{OUR_HEADER}.{body}.{signature}.{signature}") == "token_invalid"


def test_token_expires_also_when_it_was_verified_before() -> None:
    text = token()
    VERIFIER.verify(text, NOW)
    assert refused(text, NOW + timedelta(days=TOKEN_DAYS)) == "token_expired"


def test_token_of_another_key_is_refused() -> None:
    assert refused(TokenSigner(new_key_pair()[0]).sign("wang", None, None, NOW)) == "token_invalid"


def test_token_with_changed_claims_is_refused() -> None:
    header, _, signature = token().split(".")
    claims = (
        urlsafe_b64encode(b'{"iss":"kepu-registration","sub":"li","exp":9999999999}').decode().rstrip("=")
    )
    assert refused(f"{header}.{claims}.{signature}") == "token_invalid"


def test_unsigned_token_is_refused() -> None:
    claims = {"iss": ISSUER, "sub": "wang", "exp": 9_999_999_999}
    assert refused(jwt.encode(claims, "", algorithm="none")) == "token_invalid"


def test_public_key_used_as_a_shared_secret_is_refused() -> None:
    header = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    _, claims, signature = token().split(".")
    assert refused(f"{header}.{claims}.{signature}") == "token_invalid"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody", "sub": "wang", "exp": 9_999_999_999},
        {"iss": ISSUER, "exp": 9_999_999_999},
        {"iss": ISSUER, "sub": "wang"},
    ],
    ids=["another issuer", "no subject", "no expiry"],
)
def test_token_with_wrong_claims_is_refused(claims: dict[str, object]) -> None:
    key = PRIVATE.replace("\\n", "\n")
    assert refused(jwt.encode(claims, key, algorithm="EdDSA")) == "token_invalid"


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "…", "\x00", "." * 50])
def test_malformed_token_is_refused(text: str) -> None:
    with pytest.raises(NotAuthenticated) as found:
        VERIFIER.verify(text, NOW)
    assert found.value.code == "token_invalid"


def test_long_token_is_refused_unread() -> None:
    with pytest.raises(NotAuthenticated, match="too long"):
        VERIFIER.verify("a" * (TOKEN_CHARS_MAX + 1), NOW)


def test_keys_of_the_wrong_kind_are_refused_at_start() -> None:
    with pytest.raises(ValueError, match=r"."):
        TokenVerifier(PRIVATE)
    with pytest.raises(ValueError, match=r"."):
        TokenSigner(PUBLIC)

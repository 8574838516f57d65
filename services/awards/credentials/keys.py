"""The issuer's keys: the one that signs, and older ones whose signatures stay valid."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from services.awards.credentials.rules import CredentialIssuer, did_document_of
from shared.credentials.canonical import Json
from shared.credentials.multikey import public_key_of
from shared.credentials.proofs import Signer
from shared.runtime.settings import pem

# Every reader of the DID document gets all of them.
OLD_KEYS_MAX = 16


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """
    Who issues, and with which keys.

    Attributes:
        old: the names of older keys.
    """

    issuer: CredentialIssuer
    signer: Signer
    old: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """The URL of the key that signs."""
        return self.issuer.method(self.signer.name)

    def did_document(self) -> Json:
        """The issuer's DID document."""
        return did_document_of(self.issuer, dict.fromkeys((self.signer.name, *self.old)))


def issuer_keys(
    private_key_pem: SecretStr | None, old: str, url: str, port: int, name: str
) -> IssuerKeys | None:
    """
    The issuer of credentials from the settings; None if there is no key.

    Args:
        old: older public keys, with commas between.
        url: empty for an address of this machine.
    """
    if private_key_pem is None:
        return None
    key = load_pem_private_key(pem(private_key_pem.get_secret_value()), None)
    assert isinstance(key, Ed25519PrivateKey)  # noqa: S101 (the settings have checked it)
    issuer = CredentialIssuer(url or f"http://localhost:{port}", name)
    return IssuerKeys(issuer, Signer(key.private_bytes_raw()), _key_names(old))


def check_key_names(text: str) -> str:
    """
    A setting with older keys, `z6Mk…`, with commas between.

    Raises:
        ValueError: one of them is none, or there are too many.
    """
    names = _key_names(text)
    for name in names:
        try:
            public_key_of(name)
        except ValueError:
            raise ValueError("has to be keys like z6Mk…, with commas between") from None
    if len(names) > OLD_KEYS_MAX:
        raise ValueError(f"may have {OLD_KEYS_MAX} keys at the most")
    return text


def check_public_url(text: str) -> str:
    """
    A setting with the address from outside, without a slash at the end.

    Raises:
        ValueError: it is none. did:web allows no user, query or fragment.
    """
    url = urlsplit(text)
    is_plain = not (url.query or url.fragment or "@" in url.netloc)
    if text and not (url.scheme in ("http", "https") and url.hostname and is_plain):
        raise ValueError("has to be like https://example.org/awards")
    return text.rstrip("/")


def _key_names(text: str) -> tuple[str, ...]:
    return tuple(name for one in text.split(",") if (name := one.strip()))

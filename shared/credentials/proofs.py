"""
The proof in a document: a Data Integrity proof of the suite `eddsa-rdfc-2022`.

Signed are two hashes: of the canonical form of the proof without its value, and of the document without its
proof.

Source: W3C, Data Integrity EdDSA Cryptosuites 1.0, section 3.2
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from shared.credentials.canonical import Json, canonical
from shared.credentials.multikey import base58_bytes, base58_text, multikey

PROOF_TYPE = "DataIntegrityProof"
SUITE = "eddsa-rdfc-2022"
PURPOSE = "assertionMethod"
SEED_BYTES = 32
SIGNATURE_BYTES = 64


class Signer:
    """
    Signs with one private key.

    Attributes:
        public_key: its 32 bytes.
        name: the public key as text, which is also the key's name in the issuer's DID document.
    """

    def __init__(self, seed: bytes) -> None:
        """The private key is the 32 bytes of its seed."""
        self._key = SigningKey(seed)
        self.public_key = bytes(self._key.verify_key)
        self.name = multikey(self.public_key)

    def sign(self, content: bytes) -> bytes:
        """The signature of these bytes."""
        return bytes(self._key.sign(content).signature)

    def with_proof(self, document: Mapping[str, Any], method: str, created: datetime) -> Json:
        """
        The document with its proof.

        Args:
            method: the URL of this key in the issuer's DID document.
        """
        proof: Json = {
            "type": PROOF_TYPE,
            "cryptosuite": SUITE,
            "created": moment(created),
            "verificationMethod": method,
            "proofPurpose": PURPOSE,
        }
        signature = self.sign(_signed(document, proof))
        return {**document, "proof": proof | {"proofValue": base58_text(signature)}}


def is_proved(document: Mapping[str, Any], proof: Mapping[str, Any], public_key: bytes) -> bool:
    """
    Whether this proof of the document was made with this key.

    Args:
        proof: one of the document's proofs, of our suite.

    Raises:
        NotCanonical: the document or the proof has no canonical form.
    """
    try:
        signature = base58_bytes(proof["proofValue"])
        if len(signature) != SIGNATURE_BYTES:
            return False
        unsigned = {name: value for name, value in document.items() if name != "proof"}
        VerifyKey(public_key).verify(_signed(unsigned, proof), signature)
    except (BadSignatureError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def moment(at: datetime) -> str:
    """A time as credentials have it: UTC, in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _signed(document: Mapping[str, Any], proof: Mapping[str, Any]) -> bytes:
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    options["@context"] = document["@context"]
    return sha256(canonical(options)).digest() + sha256(canonical(document)).digest()

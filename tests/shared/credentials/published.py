"""
Small inputs after published ones, built from the few lines that matter.

`GUIDE_KEY` is the published test key of 1EdTech's implementation guide and of the ready-made badges of its
validator: it protects nothing.
"""

import copy
from typing import Any

from nacl.signing import SigningKey

from shared.credentials.canonical import BADGE_CONTEXT, VC_CONTEXT, Json
from shared.credentials.multikey import multikey
from shared.credentials.proofs import Signer

GUIDE_SEED = bytes.fromhex("6241a409e6707bb640a0140a8a32bc3d193c33a661747284d6adfa4ed4180be4")
GUIDE_KEY = "z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi"
CREATED = "2010-01-01T19:23:24Z"


def teamwork(issuer_id: str = "https://example.com/issuers/876543", **changes: Any) -> Json:
    """The badge "Teamwork" of the guide and the validator, without a proof."""
    badge: Json = {
        "@context": [VC_CONTEXT, BADGE_CONTEXT],
        "id": "http://example.com/credentials/3527",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": issuer_id, "type": ["Profile"], "name": "Example Corp"},
        "validFrom": "2010-01-01T00:00:00Z",
        "name": "Teamwork Badge",
        "credentialSubject": {
            "id": "did:example:ebfeb1f712ebc6f1c276e12ec21",
            "type": ["AchievementSubject"],
            "achievement": {
                "id": "https://example.com/achievements/21st-century-skills/teamwork",
                "type": ["Achievement"],
                "criteria": {
                    "narrative": "Team members are nominated for this badge by their peers and recognized "
                    "upon review by Example Corp management."
                },
                "description": "This badge recognizes the development of the capacity to collaborate within "
                "a group environment.",
                "name": "Teamwork",
            },
        },
    }
    return copy.deepcopy(badge | changes)


def proof(value: str, method: str, created: str = CREATED) -> Json:
    return {
        "type": "DataIntegrityProof",
        "created": created,
        "verificationMethod": method,
        "cryptosuite": "eddsa-rdfc-2022",
        "proofPurpose": "assertionMethod",
        "proofValue": value,
    }


def new_signer() -> Signer:
    return Signer(bytes(SigningKey.generate()))


def document_of(issuer: str, *signers: Signer) -> Json:
    """A DID document with these keys."""
    methods = [f"{issuer}#{multikey(one.public_key)}" for one in signers]
    return {
        "id": issuer,
        "verificationMethod": [
            {"id": method, "type": "Multikey", "controller": issuer, "publicKeyMultibase": one.name}
            for method, one in zip(methods, signers, strict=True)
        ],
        "assertionMethod": methods,
    }

"""
Published vectors: the same key over the same document gives the published signature.

Sources: w3c/vc-di-eddsa, TestVectors/eddsa-rdfc-2022; 1EdTech, Open Badges 3.0 implementation guide, "Linked
Data Proof Test Vector"; w3c/rdf-canon, tests/rdfc10 (72, 75 and lines of 60)
"""

from datetime import UTC, datetime
from hashlib import sha256, sha384
from typing import Any

import pytest
from pyld.jsonld import JsonLdProcessor

from shared.credentials.canonical import NotCanonical, _Canonical, canonical, canonical_quads
from shared.credentials.multikey import base58_bytes, base58_text, multikey, public_key_of
from shared.credentials.proofs import Signer, is_proved
from tests.shared.credentials.published import GUIDE_KEY, GUIDE_SEED, teamwork

W3C_KEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
W3C_SECRET = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
P = "<http://example.org/vocab#p>"


def test_the_w3cs_key_signs_the_w3cs_credential_as_published() -> None:
    credential = {
        # The examples' context is this one line; it is not among ours.
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            {"@vocab": "https://www.w3.org/ns/credentials/examples#"},
        ],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "name": "Alumni Credential",
        "description": "A minimum viable example of an Alumni Credential.",
        "issuer": "https://vc.example/issuers/5678",
        "validFrom": "2023-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
    }
    # Its secret keys begin with two bytes that say what they are.
    signer = Signer(base58_bytes(W3C_SECRET)[2:])
    assert signer.name == W3C_KEY
    created = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)
    signed = signer.with_proof(credential, f"https://vc.example/issuers/5678#{W3C_KEY}", created)
    assert signed["proof"]["proofValue"] == (
        "z21EVs3eXERqTn4acNHT9viboqgzUaQ3kTmhPT3eA8qrVPE7CrQq78WkzctnMX5W4CrzcKnHw8V6dvy5pgWYCU5e9"
    )
    assert is_proved(signed, signed["proof"], public_key_of(W3C_KEY))


def test_the_guides_key_signs_the_guides_badge_as_published() -> None:
    issuer = "https://example.edu/issuers/565049"
    badge = teamwork(issuer)
    badge["issuer"]["url"] = "https://www.imsglobal.org"
    assert (
        sha256(canonical(badge)).hexdigest()
        == "87f65a76d40146205e3b3e06cb0fbd153f97f9ce70372390f52566bb7f9e0773"
    )
    signer = Signer(GUIDE_SEED)
    assert signer.name == GUIDE_KEY
    created = datetime(2010, 1, 1, 19, 23, 24, tzinfo=UTC)
    signed = signer.with_proof(badge, f"{issuer}#{GUIDE_KEY}", created)
    assert signed["proof"]["proofValue"] == (
        "z5x9aCBYovW3CQCbKdNyhEm7ffYSw1YpEdPywQJoNbzDD2gkzQDKJ1sYKJaWvqZtkMtSbz35HcbgXVEDYHxCzgkCr"
    )


def test_unnamed_parts_get_the_published_names() -> None:
    # test072: one part, which two graphs name.
    terms = ("A", "B", "embed")
    test, graph = "<http://example.org/test>", "<http://example.org/g1>"
    given = [
        f"{test} <http://example.org/vocab#{term}> _:e0 {end}"
        for end in (".", f"{graph} .")
        for term in terms
    ]
    wanted = [line.replace("_:e0", "_:c14n0") for line in given]
    assert canonical_quads("\n".join(given) + "\n").splitlines() == sorted(wanted)


def test_parts_that_look_alike_get_the_published_names() -> None:
    # test075: two graphs of six nodes, in each of which all nodes look alike. It asks for SHA-384.
    class WithSha384(_Canonical):
        def create_hash(self) -> Any:
            return sha384()

    neighbours = {0: (1, 2, 3), 1: (0, 4, 5), 2: (0, 4, 5), 3: (0, 4, 5), 4: (1, 2, 3), 5: (1, 2, 3)}
    neighbours |= {6: (7, 8, 9), 7: (6, 10, 11), 8: (6, 9, 10), 9: (6, 8, 11), 10: (7, 8, 11), 11: (7, 9, 10)}
    edges = [(a, b) for a, others in neighbours.items() for b in others]
    wanted = sorted(f"_:c14n{a} {P} _:c14n{b} .\n" for a, b in edges)
    given = "".join(f"_:e{(a * 5) % 12} {P} _:e{(b * 5) % 12} .\n" for a, b in reversed(edges))
    found = WithSha384().main(JsonLdProcessor.parse_nquads(given), {"format": "application/n-quads"})
    assert found == "".join(wanted)


def test_texts_are_written_as_published() -> None:
    # test060, the lines with literals.
    given = r'<urn:ex:s:001> <urn:ex:006:all> "\"\\\n\r" .' + "\n"
    assert canonical_quads(given) == given


def test_a_graph_that_would_take_years_is_refused() -> None:
    nodes = range(10)
    poison = "".join(f"_:n{a} {P} _:n{b} .\n" for a in nodes for b in nodes if a != b)
    with pytest.raises(NotCanonical, match="too much alike"):
        canonical_quads(poison)


@pytest.mark.parametrize(
    "context", ["https://example.com/context", "http://127.0.0.1:1/context", "file:///etc/passwd"]
)
def test_no_context_is_fetched(context: str) -> None:
    with pytest.raises(NotCanonical):
        canonical(teamwork() | {"@context": [context]})


def test_control_characters_are_refused() -> None:
    with pytest.raises(NotCanonical, match="control"):
        canonical(teamwork(name="a\x07b"))


def test_a_key_as_text_is_read_back() -> None:
    for key in (bytes(range(32)), b"\0" * 31 + b"\1"):
        assert base58_bytes(base58_text(key)) == key
    assert public_key_of(multikey(Signer(GUIDE_SEED).public_key)) == Signer(GUIDE_SEED).public_key
    for wrong in ("", "z", "zI", "y6Mk", GUIDE_KEY[:-1], "z" * 200):
        with pytest.raises(ValueError, match=r"not a|not an"):
            public_key_of(wrong)

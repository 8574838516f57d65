"""
Verifiable credentials: Open Badges 3.0 over the W3C's data model 2.0, signed with Ed25519.

- `canonical.py`: the canonical RDF of a document, which is what is signed. No document is ever fetched.
- `multikey.py`: keys as text. `proofs.py`: the proof in a document (`eddsa-rdfc-2022`). `vc_jwt.py`: the same
  credential as a signed token.
- `status_list.py`: the bits that say what is revoked. `baking.py`: a credential in a picture.
- `checks.py`: what a badge must have. `verify.py`: the verdict on a badge; start there.

`services/awards/credentials` makes the credentials, and `kepu credential verify` checks them. The documents
in `contexts/` are copies: their sources are in docs/decisions/0077-credentials.md.
"""

"""
The codes that managers hand out on paper: computed, and stored only as a keyed hash.

A code is computed from the group, the member and the round, so a manager gets the same one again, and nobody
can read it in the database.
"""

import hashlib
import hmac

from services.registration.participants.codes import ALPHABET
from shared.contracts.typed_codes import typed_code

HALF_CHARS = 6
# A right code is always taken, so nothing but its length keeps it from being found by trying: with 10,000
# tries a second, and 20,000 members of a group who have not claimed, the chance is below 1 in 1,000 within
# the 60 days for which a code is good.
CODE_BITS = 5 * 2 * HALF_CHARS


class ClaimCodes:
    """
    Computes codes and their hashes.

    Args:
        secret: with another secret, no code that was handed out is good any more.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def from_private_key(cls, private_key_pem: str) -> "ClaimCodes":
        """With a secret computed from the token key of the service. So operators need no further secret."""
        return cls(hmac.digest(private_key_pem.encode(), b"kepu registration claims", "sha256"))

    def code(self, group_id: str, member_id: str, round_: int) -> str:
        """The code of this member in this round, such as 7K3QX5-M0R9TW."""
        bits = int.from_bytes(self._digest(f"code {group_id} {member_id} {round_}", 8))
        letters = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(2 * HALF_CHARS))
        return f"{letters[:HALF_CHARS]}-{letters[HALF_CHARS:]}"

    def hash_of(self, group_id: str, typed: str) -> str:
        """What is stored of a code; the same for all spellings: case, width, spaces and dashes."""
        return self._digest(f"hash {group_id} {typed_code(typed)}", 32).hex()

    def _digest(self, content: str, size: int) -> bytes:
        return hashlib.blake2b(content.encode(), key=self._secret, digest_size=size).digest()

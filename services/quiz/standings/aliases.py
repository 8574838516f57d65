"""
The pseudonyms that participants have on the public pages of a quiz.

Nobody can compute one without the service's secret. So an alias leads to no participant, and not to the same
person in another quiz. Participants read their own one, and find themselves on the screen in the hall.
"""

import hashlib
import hmac

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALIAS_CHARS = 8
BITS_A_CHAR = 5


class Aliases:
    """
    Makes aliases.

    Args:
        secret: with another one, everybody has another alias.
    """

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"kepu quiz aliases", "sha256")

    def of(self, quiz_id: str, participant_id: str) -> str:
        """The alias of a participant in a quiz, such as 7K3QM0R9; always the same."""
        # No quiz id has a slash.
        content = f"{quiz_id}/{participant_id}".encode()
        size = BITS_A_CHAR * ALIAS_CHARS // 8
        bits = int.from_bytes(hashlib.blake2b(content, key=self._key, digest_size=size).digest())
        return "".join(ALPHABET[bits >> BITS_A_CHAR * place & 31] for place in range(ALIAS_CHARS))

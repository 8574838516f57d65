"""
What makes a request the same request: its key, and a keyed hash of its body.

Both go through a keyed hash (BLAKE2b, at a third of an HMAC's cost) with a secret of the
server. The database then holds no hash that could be searched for a name, and who guesses
somebody's key learns neither ids nor, without the same name and e-mail, the token.
"""

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from shared.runtime.ids import derived_id

# Shorter keys can be guessed, and who guesses a newcomer's key with the rest of the request gets the token.
KEY_PATTERN = r"^[A-Za-z0-9-]{16,64}$"
IDS = UUID("b7d0b2b4-5d2b-5a51-9e0b-7b6a3b8f2a90")


@dataclass(frozen=True, slots=True)
class RequestKeys:
    """Derives ids from idempotency keys. Another secret makes every repeat a new request."""

    secret: bytes

    @classmethod
    def from_private_key(cls, private_key_pem: str) -> "RequestKeys":
        """A secret of its own from the service's token key, so that there is one less to keep."""
        return cls(hmac.digest(private_key_pem.encode(), b"kepu registration idempotency", "sha256"))

    def of_newcomer(self, key: str) -> str:
        """The request's id."""
        return self._id("request", key)

    def of_participant(self, participant_id: str, key: str) -> str:
        """The request's id; the same key of somebody else is another request."""
        return self._id("own", participant_id, key)

    def fingerprint(self, body: bytes) -> str:
        """The same for the same body, and without the secret good for nothing."""
        return self._keyed(body)

    def _id(self, *parts: str) -> str:
        return derived_id(IDS, self._keyed("/".join(parts).encode()))

    def _keyed(self, content: bytes) -> str:
        return hashlib.blake2b(content, key=self.secret, digest_size=32).hexdigest()


def command_key(participant_id: str, request_id: str) -> str:
    """The id of a command's request; its senders are trusted, so it needs no secret."""
    return derived_id(IDS, f"command/{participant_id}/{request_id}")


def command_fingerprint(body: bytes) -> str:
    """The same for the same command. The body comes without its sealed contact, which is new each time."""
    return hashlib.sha256(body).hexdigest()

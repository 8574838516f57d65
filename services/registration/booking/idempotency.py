"""
What makes a request the same request: its key, and a keyed hash of its body.

Somebody who guesses another person's key does not learn ids, and gets the token only with the same name and
e-mail.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from shared.runtime.ids import derived_id, joined
from shared.runtime.keyed_hash import KeyedHash

# Shorter keys can be guessed. Somebody who guesses a newcomer's key, and knows the rest of the request, gets
# the token.
KEY_PATTERN = r"^[A-Za-z0-9-]{16,64}$"
IDS = UUID("b7d0b2b4-5d2b-5a51-9e0b-7b6a3b8f2a90")


@dataclass(frozen=True, slots=True)
class RequestKeys:
    """Computes the ids of answers from the idempotency keys of the requests."""

    hash: KeyedHash

    def of_newcomer(self, key: str) -> str:
        """The `answer_id` of a newcomer's request."""
        return self._id("request", key)

    def of_participant(self, participant_id: str, key: str) -> str:
        """The `answer_id` of a participant's request; another participant's key gives another id."""
        return self._id("own", participant_id, key)

    def of_organiser(self, session_id: str, key: str) -> str:
        """The `answer_id` of a request that organisers make for somebody else."""
        return self._id("organiser", session_id, key)

    def fingerprint(self, body: bytes) -> str:
        """A keyed hash of the body: equal bodies have equal fingerprints."""
        return self.hash.of(body)

    def _id(self, *parts: str) -> str:
        return derived_id(IDS, self.hash.of(joined(*parts).encode()))


def command_answer_id(source: str, participant_id: str, request_id: str) -> str:
    """
    The `answer_id` of a command; its senders are trusted, so it needs no secret.

    Args:
        source: the system that sent the command. Another system may choose the same `request_id`.
    """
    return derived_id(IDS, "command", source, participant_id, request_id)


def command_fingerprint(body: bytes) -> str:
    """A hash of the command's body without its sealed contact, which is different each time."""
    return hashlib.sha256(body).hexdigest()

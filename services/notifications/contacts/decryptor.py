"""
What is locked for a participant alone, opened: contacts to send a mail, tickets to show them.

Without the service's private key (role api may do without) or without the participant's key a ticket stays
locked, and the message says where it can be seen instead.
"""

from collections.abc import Mapping

from services.notifications.messages.rules import TICKET_SEALED, Fact
from shared.contracts import sealing
from shared.contracts.sealing import Contact
from shared.runtime.errors import Rejected

TICKET_CODE = "ticket_code"


class Opener:
    """Opens with the private key of this service, in base64; None opens nothing."""

    def __init__(self, private_key: str | None) -> None:
        self._private_key = private_key
        if private_key is not None:
            # Better at the start than at the first mail.
            sealing.check_pair(sealing.public_key_of(private_key), private_key)

    @property
    def can_open(self) -> bool:
        """Whether there is a private key at all."""
        return self._private_key is not None

    def key(self, key_sealed: str) -> bytes:
        """
        A participant's own key.

        Raises:
            Rejected: it was sealed for another private key.
        """
        if self._private_key is None:
            raise Rejected("there is no private key to open it with", code="key_unreadable")
        return sealing.unseal_key(key_sealed, self._private_key)

    def contact(self, locked: str, key: bytes) -> Contact:
        """
        The contact that a profile told.

        Raises:
            Rejected: the key does not fit, or it holds no contact.
        """
        return sealing.unlock_contact(locked, key, self._private_key or "")

    def facts(self, facts: Mapping[str, Fact], key: bytes | None) -> Mapping[str, Fact]:
        """The facts with the ticket's code in place of the locked one; None where it cannot be opened."""
        if TICKET_SEALED not in facts:
            return facts
        opened = {name: fact for name, fact in facts.items() if name != TICKET_SEALED}
        return opened | {TICKET_CODE: _ticket(facts[TICKET_SEALED], key)}


def _ticket(locked: Fact, key: bytes | None) -> str | None:
    if key is None or not isinstance(locked, str):
        return None
    try:
        return sealing.unlock_words(locked, key)
    except Rejected:
        return None

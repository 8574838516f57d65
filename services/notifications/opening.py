"""
What is locked for a participant alone, opened: contacts to send a mail, tickets to show them.

Without the service's private key (role api may do without) or without the participant's key a ticket stays
locked, and the message says where it can be seen instead.
"""

from collections.abc import Mapping

from services.notifications.rules import TICKET_SEALED, Fact
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
        """Whether there is a key at all."""
        return self._private_key is not None

    def contact(self, locked: str, key_sealed: str) -> Contact:
        """
        The contact that a profile told.

        Raises:
            Rejected: the keys do not fit, or it holds no contact.
        """
        if self._private_key is None:
            raise Rejected("there is no private key to open contacts with", code="contact_unreadable")
        key = sealing.unseal_key(key_sealed, self._private_key)
        return sealing.unlock_contact(locked, key, self._private_key)

    def facts(self, facts: Mapping[str, Fact], key_sealed: str | None) -> Mapping[str, Fact]:
        """The facts with the ticket's code in place of the locked one; None where it cannot be opened."""
        if TICKET_SEALED not in facts:
            return facts
        opened = {name: fact for name, fact in facts.items() if name != TICKET_SEALED}
        return opened | {TICKET_CODE: self._ticket(facts[TICKET_SEALED], key_sealed)}

    def _ticket(self, locked: Fact, key_sealed: str | None) -> str | None:
        if self._private_key is None or key_sealed is None or not isinstance(locked, str):
            return None
        try:
            return sealing.unlock_words(locked, sealing.unseal_key(key_sealed, self._private_key))
        except Rejected:
            return None

"""Opens the names and contacts of some participants."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.contacts.rules import Recipient
from services.notifications.contacts.store import ContactStore
from shared.contracts.sealing import Contact
from shared.runtime import metrics
from shared.runtime.acting import current
from shared.runtime.errors import Conflict, Rejected

OPENED_MAX = 200

State = Literal["opened", "unknown", "erased", "without_contact", "unreadable"]


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A participant's name and contact, if they could be opened."""

    participant_id: str
    state: State
    contact: Contact | None = None


class Openings:
    """Opens contacts with the service's private key."""

    def __init__(self, contacts: ContactStore, decryptor: Decryptor) -> None:
        self._contacts = contacts
        self._decryptor = decryptor

    async def open(self, participant_ids: Sequence[str], reason: str) -> list[Opened]:
        """
        Open the contacts of these participants. The reason and their number are kept first.

        Raises:
            Conflict: this process has no private key.
            Unavailable: the database is away. Nothing was opened.
        """
        if not self._decryptor.has_private_key:
            raise Conflict("this process cannot open names: it has no private key", code="contacts_closed")
        await current().note(people=len(participant_ids), reason=reason)
        recipients = await self._contacts.recipients(participant_ids)
        keys = await self._contacts.keys(participant_ids)
        # In a thread: opening 200 takes many milliseconds, and others are waiting.
        opened = await asyncio.to_thread(
            lambda: [self._open(id_, recipients.get(id_), keys.get(id_)) for id_ in participant_ids]
        )
        metrics.CONTACTS_OPENED.inc(sum(one.contact is not None for one in opened))
        return opened

    def _open(self, id_: str, recipient: Recipient | None, key_sealed: str | None) -> Opened:
        if recipient is None:
            return Opened(id_, "unknown")
        if recipient.erased:
            return Opened(id_, "erased")
        if recipient.contact_sealed is None:
            return Opened(id_, "without_contact")
        if key_sealed is None:
            return Opened(id_, "unreadable")
        try:
            key = self._decryptor.key(key_sealed)
            return Opened(id_, "opened", self._decryptor.contact(recipient.contact_sealed, key))
        except Rejected:
            return Opened(id_, "unreadable")

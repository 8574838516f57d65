"""A page of an inbox with its texts: in the reader's language, with tickets opened if possible."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakValueDictionary

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.contacts.rules import Recipient, language_of
from services.notifications.contacts.store import ContactStore
from services.notifications.inbox.store import InboxMessage, InboxStore
from services.notifications.texts.policy import TICKET_SEALED
from services.notifications.texts.render import Texts, Words
from services.notifications.texts.tickets import with_ticket_code
from shared.contracts.events import Language
from shared.runtime.errors import Forbidden, NotFound, Rejected
from shared.web.forms import one_page


@dataclass(frozen=True, slots=True)
class Page:
    """Messages with their texts in one language; and the `after` of the page with older ones."""

    language: Language
    messages: Sequence[tuple[InboxMessage, Words]]
    after: str | None


class InboxReader:
    """Reads inboxes."""

    def __init__(
        self, contacts: ContactStore, inboxes: InboxStore, texts: Texts, decryptor: Decryptor
    ) -> None:
        self._contacts = contacts
        self._inboxes = inboxes
        self._texts = texts
        self._decryptor = decryptor
        # One for each participant whose inbox is being read.
        self._turns = WeakValueDictionary[str, asyncio.Lock]()

    async def read(
        self,
        participant_id: str,
        asked: Language | None,
        before: tuple[datetime, str] | None,
        limit: int,
    ) -> Page:
        """
        Messages of this inbox older than `before` (a time and a message id), newest first.

        Of an erased participant there are none, also while the erasure goes on (messages/finish.py).
        """
        recipient = await self._recipient(participant_id)
        preferences = (await self._contacts.preferences([participant_id])).get(participant_id)
        language = language_of(asked, preferences, recipient)
        if recipient is not None and recipient.erased:
            return Page(language, [], None)
        async with self._turn(participant_id):
            shown, after = await one_page(
                lambda most: self._inboxes.page(participant_id, before, most),
                limit,
                lambda one: (one.message.created_at, one.message.message_id),
            )
        key = await self._key_for(participant_id, shown)
        to = recipient.kind if recipient else "person"
        messages = []
        for one in shown:
            facts = with_ticket_code(one.message.facts or {}, key)
            words = self._texts.render_or_placeholder(one.message.kind, facts, language, to)
            messages.append((one, words))
        return Page(language, messages, after)

    async def unread(self, participant_id: str) -> int:
        """The number of unread messages among the newest `UNREAD_AMONG` of an inbox."""
        if await self._contacts.erased([participant_id]):
            return 0
        async with self._turn(participant_id):
            return await self._inboxes.unread(participant_id)

    async def check_is_group(self, participant_id: str) -> None:
        """
        Check that organisers may read this inbox.

        Raises:
            NotFound: there is no such participant, or they were erased (`participant_unknown`).
            Forbidden: it is a person's inbox (`not_a_group`).
        """
        recipient = await self._recipient(participant_id)
        if recipient is None or recipient.erased:
            raise NotFound(f"there is no participant {participant_id}", code="participant_unknown")
        if recipient.kind != "group":
            raise Forbidden(f"participant {participant_id} is no group", code="not_a_group")

    def _turn(self, participant_id: str) -> asyncio.Lock:
        # A count reads up to `UNREAD_AMONG` messages. So pages and counts of one participant are read one
        # after the other: however many somebody asks for, the database does the work of one.
        return self._turns.setdefault(participant_id, asyncio.Lock())

    async def _recipient(self, participant_id: str) -> Recipient | None:
        return (await self._contacts.recipients([participant_id])).get(participant_id)

    async def _key_for(self, participant_id: str, shown: Sequence[InboxMessage]) -> bytes | None:
        """The participant's key, if one of these messages has a ticket and the key can be opened."""
        with_ticket = any(TICKET_SEALED in (one.message.facts or {}) for one in shown)
        if not with_ticket or not self._decryptor.has_private_key:
            return None
        key_sealed = (await self._contacts.keys([participant_id])).get(participant_id)
        try:
            return self._decryptor.key(key_sealed) if key_sealed else None
        except Rejected:
            return None

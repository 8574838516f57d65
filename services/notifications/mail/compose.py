"""Messages made into mails: the one place where a contact is opened, at the moment of sending."""

import asyncio
import logging
from collections.abc import Sequence

from services.notifications.contacts.decryptor import Opener
from services.notifications.contacts.store import ContactStore
from services.notifications.mail.format import Mail, mail
from services.notifications.messages.rules import (
    NO_ADDRESS,
    Message,
    Outcome,
    Preferences,
    Recipient,
    language_of,
)
from services.notifications.wording.render import Wording
from shared.runtime import metrics
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)


class Postal:
    """Addresses and words mails, in one sender's name."""

    def __init__(self, contacts: ContactStore, wording: Wording, opener: Opener, *, sender: str) -> None:
        self._contacts = contacts
        self._wording = wording
        self._opener = opener
        self._sender = sender

    async def make(self, messages: Sequence[Message]) -> list[Mail | Outcome]:
        """For each message its mail, or what becomes of it instead, in order."""
        ids = {message.participant_id for message in messages}
        recipients = await self._contacts.recipients(ids)
        keys = await self._contacts.keys(ids)
        preferences = await self._contacts.preferences(ids)
        made: list[Mail | Outcome] = []
        for message in messages:
            id_ = message.participant_id
            made.append(self._made(message, recipients.get(id_), keys.get(id_), preferences.get(id_)))
            # Opening a contact is arithmetic: let requests in between.
            await asyncio.sleep(0)
        return made

    def _made(
        self,
        message: Message,
        recipient: Recipient | None,
        key_sealed: str | None,
        preferences: Preferences | None,
    ) -> Mail | Outcome:
        if message.facts is None or recipient is None or recipient.erased:
            return Outcome("cancelled", "erased")
        if preferences is not None and not preferences.email:
            return Outcome("skipped", "email_off")
        if recipient.contact_sealed is None:
            return Outcome("skipped", NO_ADDRESS)
        if key_sealed is None:
            # It was there when the mail became due, so it is destroyed: the erasure is on its way.
            return Outcome("cancelled", "erased")
        try:
            return self._written(message, recipient, recipient.contact_sealed, key_sealed, preferences)
        except Rejected as error:
            return self._failed(error.code)
        except Exception as error:  # noqa: BLE001 (one mail's fault: the others go on)
            # Without the error's words: they may quote what must not be logged.
            log.warning("a mail cannot be made", extra={"reason": type(error).__name__, "kind": message.kind})
            return self._failed("mail_unmakeable")

    def _written(
        self,
        message: Message,
        recipient: Recipient,
        contact_sealed: str,
        key_sealed: str,
        preferences: Preferences | None,
    ) -> Mail | Outcome:
        key = self._opener.key(key_sealed)
        contact = self._opener.contact(contact_sealed, key)
        if contact.email is None:
            return Outcome("skipped", NO_ADDRESS)
        language = language_of(None, preferences, recipient)
        facts = self._opener.facts(message.facts or {}, key)
        words = self._wording.say(message.kind, facts, language, recipient.kind)
        body = self._wording.letter(words, name=contact.name, language=language, date=message.created_at)
        return mail(
            message.message_id,
            sender=self._sender,
            address=contact.email,
            subject=words.subject,
            body=body,
            language=language,
            date=message.created_at,
        )

    @staticmethod
    def _failed(code: str) -> Outcome:
        metrics.ITEMS_FAILED.labels("courier", code).inc()
        return Outcome("failed", code)

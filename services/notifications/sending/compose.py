"""Messages composed to mails. A contact is opened here and nowhere else, at the moment of sending."""

import asyncio
import logging
from collections.abc import Sequence

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.contacts.rules import Preferences, Recipient, language_of
from services.notifications.contacts.store import ContactStore
from services.notifications.messages.rules import (
    CODE_EXPIRED,
    ERASED,
    NO_ADDRESS,
    OUT_OF_DATE,
    Message,
    Outcome,
)
from services.notifications.sending.mail_format import Mail, format_mail
from services.notifications.texts.policy import CODE_KIND, CONTACT_LOCKED, expires_at
from services.notifications.texts.render import Texts
from services.notifications.texts.tickets import with_code, with_ticket_code
from shared.contracts.events import Language
from shared.runtime import clock, metrics
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)


class Composer:
    """Composes mails of one sender."""

    def __init__(self, contacts: ContactStore, texts: Texts, decryptor: Decryptor, *, sender: str) -> None:
        self._contacts = contacts
        self._texts = texts
        self._decryptor = decryptor
        self._sender = sender

    async def compose(self, messages: Sequence[Message]) -> list[Mail | Outcome]:
        """For each message its mail, or the outcome if there is no mail to send. In order."""
        ids = {message.participant_id for message in messages}
        recipients = await self._contacts.recipients(ids)
        keys = await self._contacts.keys(ids)
        preferences = await self._contacts.preferences(ids)
        composed: list[Mail | Outcome] = []
        for message in messages:
            id_ = message.participant_id
            composed.append(self._composed(message, recipients.get(id_), keys.get(id_), preferences.get(id_)))
            # Opening a contact is computation: let requests in between.
            await asyncio.sleep(0)
        return composed

    def _composed(
        self,
        message: Message,
        recipient: Recipient | None,
        key_sealed: str | None,
        preferences: Preferences | None,
    ) -> Mail | Outcome:
        if message.facts is None or recipient is None or recipient.erased:
            return Outcome("cancelled", ERASED)
        is_code = message.kind == CODE_KIND
        expires = expires_at(message.kind, message.facts)
        if expires is not None and expires <= clock.now():
            # Such as a reminder that has waited for the mail server, or for its contact.
            return Outcome("skipped", CODE_EXPIRED if is_code else OUT_OF_DATE)
        if not is_code and preferences is not None and not preferences.email:
            return Outcome("skipped", "email_off")
        if recipient.contact_sealed is None:
            return Outcome("skipped", NO_ADDRESS)
        if key_sealed is None:
            # The key was there when the mail became due. So it was destroyed since: an erasure is on its way.
            return Outcome("cancelled", ERASED)
        try:
            return self._mail(message, recipient, recipient.contact_sealed, key_sealed, preferences)
        except Rejected as error:
            return self._failed(error.code)
        except Exception as error:  # noqa: BLE001 (one mail's fault: the others go on)
            # Without the error's message, which may quote what must not be logged.
            log.warning("a mail cannot be made", extra={"reason": type(error).__name__, "kind": message.kind})
            return self._failed("mail_unmakeable")

    def _mail(
        self,
        message: Message,
        recipient: Recipient,
        contact_sealed: str,
        key_sealed: str,
        preferences: Preferences | None,
    ) -> Mail | Outcome:
        key = self._decryptor.key(key_sealed)
        if message.kind == CODE_KIND:
            return self._code_mail(message, contact_sealed, key)
        contact = self._decryptor.contact(contact_sealed, key)
        if contact.email is None:
            return Outcome("skipped", NO_ADDRESS)
        language = language_of(None, preferences, recipient)
        facts = with_ticket_code(message.facts or {}, key)
        words = self._texts.render(message.kind, facts, language, recipient.kind)
        body = self._texts.letter(words, name=contact.name, language=language, date=message.created_at)
        return format_mail(
            message.message_id,
            sender=self._sender,
            address=contact.email,
            subject=words.subject,
            body=body,
            language=language,
            date=message.created_at,
        )

    def _code_mail(self, message: Message, contact_sealed: str, key: bytes) -> Mail | Outcome:
        """A code. Nobody knows yet whose the mailbox is: so the text is fixed, without a name."""
        facts = message.facts or {}
        contact = self._decryptor.contact(str(facts[CONTACT_LOCKED] or contact_sealed), key)
        if contact.email is None:
            return Outcome("skipped", NO_ADDRESS)
        language: Language = "en" if facts["language"] == "en" else "zh-CN"
        words = self._texts.render(message.kind, with_code(facts, key), language)
        return format_mail(
            message.message_id,
            sender=self._sender,
            address=contact.email,
            subject=words.subject,
            body=self._texts.letter(words, name=None, language=language, date=message.created_at),
            language=language,
            date=message.created_at,
        )

    @staticmethod
    def _failed(code: str) -> Outcome:
        metrics.ITEMS_FAILED.labels("courier", code).inc()
        return Outcome("failed", code)

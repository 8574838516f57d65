"""Makes mails and SMS of messages. A contact is decrypted here, at the moment of sending."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Generic

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
from services.notifications.sending.channel import Form, Item
from services.notifications.sending.metrics import count_failed
from services.notifications.texts.policy import CODE_KIND, CONTACT_LOCKED, TO_NAMED_CONTACT, expires_at
from services.notifications.texts.tickets import with_code, with_ticket_code
from shared.contracts.events import Language
from shared.contracts.origin import ids_of
from shared.runtime import clock
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)


class Composer(Generic[Item]):
    """
    Composes the messages of one channel.

    Args:
        form: makes the mails or SMS of this channel.
    """

    def __init__(self, contacts: ContactStore, decryptor: Decryptor, form: Form[Item]) -> None:
        self._contacts = contacts
        self._decryptor = decryptor
        self._form = form

    async def compose(self, messages: Sequence[Message]) -> list[Item | Outcome]:
        """The mail or SMS of each message, in order; or its outcome, if there is nothing to send."""
        ids = {message.participant_id for message in messages}
        recipients = await self._contacts.recipients(ids)
        keys = await self._contacts.keys(ids)
        preferences = await self._contacts.preferences(ids)
        composed: list[Item | Outcome] = []
        for message in messages:
            id_ = message.participant_id
            composed.append(self._composed(message, recipients.get(id_), keys.get(id_), preferences.get(id_)))
            # Decrypting takes time: let requests run in between.
            await asyncio.sleep(0)
        return composed

    def _composed(
        self,
        message: Message,
        recipient: Recipient | None,
        key_sealed: str | None,
        preferences: Preferences | None,
    ) -> Item | Outcome:
        if message.facts is None or recipient is None or recipient.erased:
            return Outcome("cancelled", ERASED)
        is_code, to_named = message.kind == CODE_KIND, message.kind in TO_NAMED_CONTACT
        expires = expires_at(message.kind, message.facts)
        if expires is not None and expires <= clock.now():
            # For example a reminder that has waited for the mail server, or for its contact.
            return Outcome("skipped", CODE_EXPIRED if is_code else OUT_OF_DATE)
        if not to_named and preferences is not None and not preferences.wants(message.channel):
            return Outcome("skipped", f"{message.channel}_off")
        if recipient.contact_sealed is None:
            return Outcome("skipped", NO_ADDRESS)
        if key_sealed is None:
            # The key was there when the mail became due. So it was destroyed later: an erasure is on its way.
            return Outcome("cancelled", ERASED)
        try:
            return self._made(message, recipient, recipient.contact_sealed, key_sealed, preferences)
        except Rejected as error:
            return self._failed(error.code)
        except Exception as error:  # noqa: BLE001 (one message's fault: the others go on)
            # Without the text of the error, which may contain what must not be logged.
            log.warning(
                "a message cannot be made",
                extra={"reason": type(error).__name__, "kind": message.kind, **ids_of(message.cause)},
            )
            return self._failed(self._form.unmakeable)

    def _made(
        self,
        message: Message,
        recipient: Recipient,
        contact_sealed: str,
        key_sealed: str,
        preferences: Preferences | None,
    ) -> Item | Outcome:
        key, facts = self._decryptor.key(key_sealed), message.facts or {}
        to_named = message.kind in TO_NAMED_CONTACT
        sealed = str(facts[CONTACT_LOCKED] or contact_sealed) if to_named else contact_sealed
        contact = self._decryptor.contact(sealed, key)
        address = self._form.address(contact)
        if address is None:
            return Outcome("skipped", NO_ADDRESS)
        if to_named:
            # Nobody knows yet who owns the address, or whether the profile is still that person's. So the
            # text is fixed, without a name.
            language: Language = "en" if facts["language"] == "en" else "zh-CN"
            return self._form.make(message, with_code(facts, key), address, name=None, language=language)
        return self._form.make(
            message,
            with_ticket_code(facts, key),
            address,
            name=contact.name,
            language=language_of(None, preferences, recipient),
            to=recipient.kind,
        )

    @staticmethod
    def _failed(code: str) -> Outcome:
        count_failed(code)
        return Outcome("failed", code)

"""Messages made into mails: the one place where a contact is opened, at the moment of sending."""

import asyncio
from base64 import b64decode
from collections.abc import Sequence

from pydantic import SecretStr

from services.notifications.mail import Mail, mail
from services.notifications.rules import Message, Outcome, Preferences, Recipient, language_of
from services.notifications.store import NotificationStore
from services.notifications.wording import Wording
from shared.contracts.sealing import unseal
from shared.runtime.errors import Rejected

KEY_BYTES = 32


class Postal:
    """Addresses and words mails, in one sender's name."""

    def __init__(
        self, store: NotificationStore, wording: Wording, *, sender: str, private_key: SecretStr
    ) -> None:
        if len(b64decode(private_key.get_secret_value(), validate=True)) != KEY_BYTES:
            raise ValueError(
                "KEPU_CONTACT_PRIVATE_KEY is no key of 32 bytes in base64; `kepu keys` makes one"
            )
        self._store = store
        self._wording = wording
        self._sender = sender
        self._private_key = private_key

    async def make(self, messages: Sequence[Message]) -> list[Mail | Outcome]:
        """For each message its mail, or what becomes of it instead, in order."""
        ids = {message.participant_id for message in messages}
        recipients = await self._store.recipients(ids)
        preferences = await self._store.preferences(ids)
        made: list[Mail | Outcome] = []
        for message in messages:
            id_ = message.participant_id
            made.append(self._made(message, recipients.get(id_), preferences.get(id_)))
            # Opening a contact is arithmetic: let requests in between.
            await asyncio.sleep(0)
        return made

    def _made(
        self, message: Message, recipient: Recipient | None, preferences: Preferences | None
    ) -> Mail | Outcome:
        if message.facts is None or recipient is None or recipient.erased:
            return Outcome("cancelled", "erased")
        if preferences is not None and not preferences.email:
            return Outcome("skipped", "email_off")
        if recipient.contact_sealed is None:
            return Outcome("skipped", "no_address")
        try:
            contact = unseal(recipient.contact_sealed, self._private_key.get_secret_value())
            if contact.email is None:
                return Outcome("skipped", "no_address")
            language = language_of(None, preferences, recipient)
            words = self._wording.say(message.kind, message.facts, language, recipient.kind)
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
        except Rejected as error:
            return Outcome("failed", error.code)

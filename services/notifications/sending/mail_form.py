"""Mails made of messages: greeting, text and signature, in the format of a mail."""

from collections.abc import Mapping

from services.notifications.messages.rules import Message
from services.notifications.sending.mail_format import Mail, format_mail
from services.notifications.texts.policy import Fact
from services.notifications.texts.render import Texts
from shared.contracts.events import Language, ParticipantKind
from shared.contracts.sealing import Contact


class MailForm:
    """Makes the mails of one sender."""

    unmakeable = "mail_unmakeable"

    def __init__(self, texts: Texts, sender: str) -> None:
        self._texts = texts
        self._sender = sender

    def address(self, contact: Contact) -> str | None:
        """The e-mail address."""
        return contact.email

    def make(
        self,
        message: Message,
        facts: Mapping[str, Fact],
        address: str,
        *,
        name: str | None,
        language: Language,
        to: ParticipantKind = "person",
    ) -> Mail:
        """
        The mail of a message.

        Raises:
            Rejected: the facts do not fit the template, or this is not an address.
        """
        words = self._texts.render(message.kind, facts, language, to)
        return format_mail(
            message.message_id,
            sender=self._sender,
            address=address,
            subject=words.subject,
            body=self._texts.letter(words, name=name, language=language, date=message.created_at),
            language=language,
            date=message.created_at,
            correlation_id=message.cause.correlation_id,
        )

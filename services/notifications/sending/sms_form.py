"""SMS made of messages."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.notifications.messages.rules import Message
from services.notifications.texts.policy import Fact
from services.notifications.texts.sms import SmsTexts, parts_of
from shared.contracts.events import Language, ParticipantKind
from shared.contracts.sealing import Contact


@dataclass(frozen=True, slots=True)
class Sms:
    """What the gateway gets: an id, which is the same in a repeat, the number in E.164, and the text."""

    message_id: str
    address: str
    text: str

    @property
    def parts(self) -> int:
        """The parts that it is charged for."""
        return parts_of(self.text)

    def __repr__(self) -> str:
        return f"Sms({self.message_id})"


class SmsForm:
    """Makes SMS. They contain no name: characters cost money, and the number is the recipient's own."""

    unmakeable = "sms_unmakeable"

    def __init__(self, texts: SmsTexts) -> None:
        self._texts = texts

    def address(self, contact: Contact) -> str | None:
        """The phone number of somebody who gave no e-mail address."""
        return contact.phone if contact.email is None else None

    def make(
        self,
        message: Message,
        facts: Mapping[str, Fact],
        address: str,
        *,
        name: str | None,
        language: Language,
        to: ParticipantKind = "person",
    ) -> Sms:
        """
        The SMS of a message.

        Raises:
            Rejected: there is no text for this kind of message, or the facts do not fit (`sms_unmakeable`).
        """
        del name, to
        return Sms(message.message_id, address, self._texts.render(message.kind, facts, language))

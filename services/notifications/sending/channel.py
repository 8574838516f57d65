"""
What the courier needs from a channel such as e-mail or SMS: a form, which makes the mails or SMS, and
connections.

A new channel needs these two, its limits (limits.py) and its settings. Queue, claims, states, tries and
fairness are the same for all channels.
"""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from services.notifications.messages.rules import Message
from services.notifications.sending.rules import Reply
from services.notifications.texts.policy import Fact
from shared.contracts.events import Language, ParticipantKind
from shared.contracts.sealing import Contact
from shared.runtime.errors import Unavailable


class Addressed(Protocol):
    """Something that can be sent."""

    @property
    def address(self) -> str:
        """The mailbox or number that it goes to."""


Item = TypeVar("Item", bound=Addressed)
Made = TypeVar("Made", bound=Addressed, covariant=True)
Sendable = TypeVar("Sendable", bound=Addressed, contravariant=True)


class ServerDown(Unavailable):
    """
    The server of a channel takes no message of ours. The reason is not a single message.

    Args:
        pause_seconds: how long the server asks us to wait; None if it does not say.
    """

    def __init__(self, message: str, *, pause_seconds: float | None = None) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds


class Form(Protocol[Made]):
    """Makes the mail or SMS of a message."""

    @property
    def unmakeable(self) -> str:
        """The code of a message that makes our own code fail."""

    def address(self, contact: Contact) -> str | None:
        """The address or number of this contact for the channel; None if there is none."""

    def make(
        self,
        message: Message,
        facts: Mapping[str, Fact],
        address: str,
        *,
        name: str | None,
        language: Language,
        to: ParticipantKind = "person",
    ) -> Made:
        """
        The mail or SMS of this message.

        Args:
            name: the recipient's name; None for a code, since nobody knows yet who owns the address.

        Raises:
            Rejected: nothing can be made; its code is that of the failure.
        """


class Connection(Protocol[Sendable]):
    """A connection to the channel's server, opened when it is needed, and again when it is lost."""

    @property
    def is_open(self) -> bool:
        """True if it was open at its last use."""

    @property
    def interrupted(self) -> str:
        """The code of a message that the server may have taken or not."""

    @property
    def unsendable(self) -> str:
        """The code of a message that makes our own code fail."""

    async def open(self) -> None:
        """
        Make sure that the server can be reached.

        Raises:
            ServerDown: the server cannot be reached.
        """

    async def send(self, item: Sendable) -> Reply:
        """
        Hand something over.

        Raises:
            ServerDown: the server takes no message of ours.
        """

    def interrupt(self) -> None:
        """
        Give up what is being handed over, if the server cannot have taken it yet: it is deferred.

        Otherwise this does nothing: it would be sent twice.
        """

    def drop(self) -> None:
        """Forget the connection, in whatever state it is."""

    async def close(self) -> None:
        """Close it in order."""

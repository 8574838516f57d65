"""
What the courier needs of a channel, such as e-mail or SMS: a form that makes what is sent, and connections.

A new channel brings these two, its limits (limits.py) and its settings. Queue, claims, states, tries and
fairness are the same for all.
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
    The server of a channel takes nothing of ours. No single message is at fault.

    Args:
        pause_seconds: how long it asks us to wait; None: it does not say.
    """

    def __init__(self, message: str, *, pause_seconds: float | None = None) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds


class Form(Protocol[Made]):
    """Makes what is sent of a message."""

    @property
    def unmakeable(self) -> str:
        """The code of a message that makes our own code fail."""

    def address(self, contact: Contact) -> str | None:
        """Where the channel reaches this contact; None: it does not."""

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
        What is sent.

        Args:
            name: of the recipient; None for a code, since nobody knows yet whose the address is.

        Raises:
            Rejected: there is none, with the code of the failure.
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
            ServerDown: it cannot.
        """

    async def send(self, item: Sendable) -> Reply:
        """
        Hand something over.

        Raises:
            ServerDown: the server takes nothing of ours.
        """

    def drop(self) -> None:
        """Forget the connection, in whatever state it is."""

    async def close(self) -> None:
        """Close it in order."""

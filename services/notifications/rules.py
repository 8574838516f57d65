"""
What is said of which event, to whom, by which channel, and when a delivery is given up. Pure.

A message is one event told over one channel. It keeps the facts that its wording needs
and no personal data; what it says is worded when it is read or sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Literal, NewType, TypeAlias

import msgspec
from msgspec.structs import replace

from shared.contracts import events
from shared.contracts.envelope import Context, Event
from shared.contracts.events import Channel, Language, ParticipantKind
from shared.runtime.clock import to_milliseconds
from shared.runtime.errors import Rejected
from shared.runtime.owned_ids import owned_id

CAUSE_ID_CHARS_MAX = 200
RETRY_DOUBLINGS_MAX = 20
NO_ADDRESS = "no_address"

MessageId = NewType("MessageId", str)
Fact: TypeAlias = str | int | bool | datetime | None
State = Literal["waiting_contact", "pending", "claimed", "delivered", "failed", "skipped", "cancelled"]

# How a mail gets to somebody whom we know; of whom we know nothing it waits.
Reach = Literal["addressed", "unaddressed", "erased"]

# What has not reached its end: an erasure cancels it.
OPEN: tuple[State, ...] = ("waiting_contact", "pending", "claimed")


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said of one type of event: its wording, the facts in it, and its channels."""

    kind: str
    facts: tuple[str, ...]
    # Empty: the event itself names them.
    channels: tuple[Channel, ...]
    recipient: str = "participant_id"


_SESSION = ("activity_title", "starts_at", "venue", "places")

POLICY: Mapping[type[Event], Notice] = {
    events.RegistrationConfirmed: Notice(
        "registration_confirmed", (*_SESSION, "ticket_code", "promoted"), ("inbox", "email")
    ),
    events.RegistrationWaitlisted: Notice(
        "registration_waitlisted", (*_SESSION, "position"), ("inbox", "email")
    ),
    events.RegistrationRejected: Notice(
        "registration_rejected", ("session_id", "code", "reason"), ("inbox", "email")
    ),
    events.RegistrationCancelled: Notice("registration_cancelled", (*_SESSION, "code"), ("inbox", "email")),
    # Many sit the contest many times: a mail each time would be a nuisance.
    events.QuizCompleted: Notice(
        "quiz_completed",
        ("quiz_title", "score_percent", "passed", "time_used_seconds", "completed_at"),
        ("inbox",),
    ),
    events.AwardIssued: Notice(
        "award_issued",
        ("scheme_title", "kind", "tier", "award_code", "issued_at"),
        ("inbox", "email"),
        recipient="recipient_id",
    ),
    events.AwardRevoked: Notice(
        "award_revoked",
        ("scheme_title", "award_code", "reason", "revoked_at"),
        ("inbox", "email"),
        recipient="recipient_id",
    ),
    events.NotificationRequested: Notice("notification_requested", ("subject", "body"), ()),
}


KINDS: Mapping[str, type[Event]] = {notice.kind: event for event, notice in POLICY.items()}
_FACTS = {notice.kind: attrgetter(*notice.facts) for notice in POLICY.values()}


# Structs, since every event makes some: a frozen dataclass costs four times as much to make.
class Message(msgspec.Struct, frozen=True):
    """
    One event told over one channel; `facts` is None once its recipient is erased.

    `unmailed`: why an inbox message has no mail beside it that the policy asks for.
    """

    message_id: MessageId
    participant_id: str
    channel: Channel
    kind: str
    facts: Mapping[str, Fact] | None
    cause: Context
    created_at: datetime
    unmailed: str | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """What is known of a participant; the contact stays sealed until a mail is made."""

    participant_id: str
    kind: ParticipantKind = "person"
    language: Language = "zh-CN"
    contact_sealed: str | None = None
    erased: bool = False

    def __repr__(self) -> str:
        return f"Recipient({self.participant_id})"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a participant has chosen; no language of their own means the profile's."""

    email: bool = True
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What becomes of a delivery: its next state, why, and when it is due again.

    `reply` is the mail server's reply code. `counted` is False where the try was not
    the message's own fault.
    """

    state: State
    code: str | None = None
    due_at: datetime | None = None
    reply: int | None = None
    counted: bool = True


_IN_THE_INBOX = Outcome("delivered")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a mail is tried before it is given up."""

    tries_max: int = 6
    retry_seconds: float = 60.0
    retry_seconds_max: float = 3_600.0
    pending_max: timedelta = timedelta(hours=24)
    waiting_max: timedelta = timedelta(days=14)


def message_id(participant_id: str, cause: Context, channel: Channel) -> MessageId:
    """
    The id of the message that tells this participant of this event over this channel.

    The same on every repeat; those of one participant lie together.
    """
    # An event is the same event only if source and id are: CloudEvents 1.0.2, section "id".
    return MessageId(owned_id(participant_id, f"{cause.source} {cause.id} {channel}"))


def mail_beside(inbox: Message) -> Message:
    """The mail that tells of the same event as this message in an inbox."""
    id_ = message_id(inbox.participant_id, inbox.cause, "email")
    return replace(inbox, message_id=id_, channel="email", unmailed=None)


def recipient_of(event: Event) -> str:
    """The participant who is told of this event."""
    recipient_id: str = getattr(event, POLICY[type(event)].recipient)
    return recipient_id


def messages_of(event: Event, cause: Context, now: datetime, reach: Reach | None = None) -> list[Message]:
    """
    The messages that tell of an event. `reach` is what is known of its recipient, if anything.

    Who has left no address gets no mail, and that is no failure: the message in the inbox says so.

    Raises:
        Rejected: the event's id is longer than those that we can report on.
    """
    notice = POLICY[type(event)]
    if len(cause.id) > CAUSE_ID_CHARS_MAX:
        raise Rejected(f"ce_id is longer than {CAUSE_ID_CHARS_MAX} characters", code="bad_header")
    channels = notice.channels
    if isinstance(event, events.NotificationRequested):
        # Named twice is meant once.
        channels = tuple(dict.fromkeys(event.channels))
    facts: dict[str, Fact] = dict(zip(notice.facts, _FACTS[notice.kind](event), strict=True))
    id_: str = getattr(event, notice.recipient)
    unmailed = None
    if reach == "unaddressed" and len(channels) > 1:
        channels, unmailed = ("inbox",), NO_ADDRESS
    return [
        Message(message_id(id_, cause, channel), id_, channel, notice.kind, facts, cause, now, unmailed)
        for channel in channels
    ]


def first_outcome(message: Message, reach: Reach | None) -> Outcome:
    """
    What becomes of a message when it is stored, by what is known of its recipient then.

    An inbox belongs to an id, so it needs no contact. A mail waits for one.
    """
    if reach == "erased":
        return Outcome("cancelled", "erased")
    if message.channel == "inbox":
        return _IN_THE_INBOX
    if reach is None:
        return Outcome("waiting_contact")
    return Outcome("skipped", NO_ADDRESS) if reach == "unaddressed" else Outcome("pending")


def after_failure(
    tries: int, code: str, reply: int | None, patience: Patience, now: datetime, chance: float
) -> Outcome:
    """
    What becomes of a mail that could not be handed over this time.

    Args:
        tries: how often it was tried, this time included.
        chance: 0 to 1, at random, so that what failed together does not come back together.
    """
    if tries >= patience.tries_max:
        return Outcome("failed", code, reply=reply)
    delay_seconds = backoff_seconds(tries, patience.retry_seconds, patience.retry_seconds_max, chance)
    due_at = to_milliseconds(now + timedelta(seconds=delay_seconds))
    return Outcome("pending", code, due_at=due_at, reply=reply)


def backoff_seconds(failures: int, first_seconds: float, longest_seconds: float, chance: float) -> float:
    """Doubling from `first_seconds` up to `longest_seconds`, of which at least a half is waited."""
    doubled: float = first_seconds * 2 ** min(failures - 1, RETRY_DOUBLINGS_MAX)
    return min(doubled, longest_seconds) * (0.5 + chance / 2)


def language_of(
    asked: Language | None, preferences: Preferences | None, recipient: Recipient | None
) -> Language:
    """The language to speak: the one asked for, else the one chosen, else the profile's."""
    if asked is not None:
        return asked
    if preferences is not None and preferences.language is not None:
        return preferences.language
    return recipient.language if recipient is not None else "zh-CN"

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

from shared.contracts import checked, events
from shared.contracts.envelope import Context, Event
from shared.contracts.events import Channel, Language, ParticipantKind
from shared.runtime.clock import to_milliseconds
from shared.runtime.errors import Rejected
from shared.runtime.owned_ids import owned_id

CAUSE_ID_CHARS_MAX = checked.LINE_CHARS_MAX
NO_ADDRESS = "no_address"
# The fact that only the participant's own key opens; it is worded as `ticket_code`.
TICKET_SEALED = "ticket_sealed"

MessageId = NewType("MessageId", str)
Fact: TypeAlias = str | int | bool | datetime | None
State = Literal["waiting_contact", "pending", "claimed", "delivered", "failed", "skipped", "cancelled"]

# How a mail gets to somebody whom we know. Somebody keyless has a contact, and the key that opens it has not
# come yet: their mail waits, like that of somebody of whom we know nothing.
Reach = Literal["addressed", "keyless", "unaddressed", "erased"]

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
        "registration_confirmed", (*_SESSION, TICKET_SEALED, "promoted"), ("inbox", "email")
    ),
    events.RegistrationWaitlisted: Notice(
        "registration_waitlisted", (*_SESSION, "position"), ("inbox", "email")
    ),
    events.RegistrationRejected: Notice("registration_rejected", ("session_id", "code"), ("inbox", "email")),
    events.RegistrationCancelled: Notice("registration_cancelled", (*_SESSION, "code"), ("inbox", "email")),
    events.RegistrationMoved: Notice(
        "registration_moved", (*_SESSION, "starts_at_before", "venue_before"), ("inbox", "email")
    ),
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
    """What is known of a participant; the contact stays locked until a mail is made."""

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
    """
    How long a mail is tried before it is given up: RFC 5321, 4.5.4.1, advises 4 to 5 days.

    `claims_max`: how often a mail may be claimed and never marked, which means that its courier died.
    """

    retry_seconds: float = 300.0
    retry_seconds_max: float = 14_400.0
    pending_max: timedelta = timedelta(days=4)
    waiting_max: timedelta = timedelta(days=14)
    claims_max: int = 6


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
        Rejected: the event's id is none that we could report on.
    """
    notice = POLICY[type(event)]
    if not is_reportable(cause.id):
        raise Rejected(f"ce_id is no line of at most {CAUSE_ID_CHARS_MAX} characters", code="bad_header")
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


def is_reportable(id_: str) -> bool:
    """Whether `cause_id` of our own events can carry this id as it is."""
    if len(id_) > CAUSE_ID_CHARS_MAX:
        return False
    if id_.isascii() and id_.isprintable():
        return id_ == id_.strip() != ""
    try:
        return checked.line(id_) == id_
    except ValueError:
        return False


def first_outcome(message: Message, reach: Reach | None) -> Outcome:
    """
    What becomes of a message when it is stored, by what is known of its recipient then.

    An inbox belongs to an id, so it needs no contact. A mail waits for one, and for the key to it.
    """
    if reach == "erased":
        return Outcome("cancelled", "erased")
    if message.channel == "inbox":
        return _IN_THE_INBOX
    if reach == "unaddressed":
        return Outcome("skipped", NO_ADDRESS)
    return Outcome("pending") if reach == "addressed" else Outcome("waiting_contact")


def deferred(code: str, reply: int | None, due_at: datetime, expires_at: datetime) -> Outcome:
    """What becomes of a mail that could not be handed over and may be tried again at `due_at`."""
    if due_at >= expires_at:
        return Outcome("failed", code, reply=reply)
    return Outcome("pending", code, due_at=to_milliseconds(due_at), reply=reply)


def language_of(
    asked: Language | None, preferences: Preferences | None, recipient: Recipient | None
) -> Language:
    """The language to speak: the one asked for, else the one chosen, else the profile's."""
    if asked is not None:
        return asked
    if preferences is not None and preferences.language is not None:
        return preferences.language
    return recipient.language if recipient is not None else "zh-CN"

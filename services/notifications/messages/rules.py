"""
Which messages an event makes, their states, and until when a mail is tried. All functions are pure.

A message stores the facts that its template needs, and no personal data. Its text is made when it is read or
sent.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NewType, TypeAlias

import msgspec
from msgspec.structs import replace

from services.notifications.contacts.rules import Reach
from services.notifications.texts.policy import (
    CODE_KIND,
    NOTICES,
    REQUESTED_KIND,
    TO_NAMED_CONTACT,
    DeliveryChannel,
    Fact,
    channels_of,
    facts_of,
    goes_by_sms,
    recipient_of,
)
from shared.contracts import checked
from shared.contracts.envelope import Context, Event
from shared.contracts.events import is_cause_id
from shared.runtime.errors import Rejected
from shared.runtime.owned_ids import owned_id

CAUSE_ID_UNUSABLE = "cause_id_unusable"
# Codes of outcomes.
NO_ADDRESS = "no_address"
ERASED = "erased"
OUT_OF_DATE = "out_of_date"
# The mail waits until the contact is verified.
UNVERIFIED = "contact_unverified"
CODE_EXPIRED = "code_expired"
CODE_SENT_BEFORE = "code_sent_before"

# The largest number of open mails to one participant: this number of our own kinds, and this number of kinds
# that others request. It is the allowance of two days (sending/rules.py).
OPEN_MAILS_MAX = 40

MessageId = NewType("MessageId", str)
State = Literal["waiting_contact", "pending", "claimed", "delivered", "failed", "skipped", "cancelled"]

MailShare: TypeAlias = tuple[str, str]
"""
The mails to one participant that are bounded together: those that others request, codes, or all others.
"""

# States that are not final. An erasure cancels messages in these states.
OPEN: tuple[State, ...] = ("waiting_contact", "pending", "claimed")


# A struct, because every event makes some: making a frozen dataclass takes four times as long.
class Message(msgspec.Struct, frozen=True):
    """
    A message to one participant about one event, on one channel.

    `facts` is None after the recipient is erased. `unmailed` is a code on an inbox message: why there is no
    mail beside it although its notice asks for one.
    """

    message_id: MessageId
    participant_id: str
    channel: DeliveryChannel
    kind: str
    facts: Mapping[str, Fact] | None
    cause: Context
    created_at: datetime
    unmailed: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The next state of a message, the reason's code, and when it is due again.

    `reply` is the mail server's reply code. `counted` is False if the failure was not the message's own
    fault.
    """

    state: State
    code: str | None = None
    due_at: datetime | None = None
    reply: int | None = None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    How long and how often a mail is tried before it fails. RFC 5321, 4.5.4.1, advises 4 to 5 days.

    Args:
        retry_seconds: the wait after the first try; it doubles up to `retry_seconds_max`.
        pending_max: how long a mail is tried.
        waiting_max: how long a mail waits for its recipient's contact.
        claims_max: how often a mail may be claimed without being marked, which means that its courier died.
    """

    retry_seconds: float = 300.0
    retry_seconds_max: float = 14_400.0
    pending_max: timedelta = timedelta(days=4)
    waiting_max: timedelta = timedelta(days=14)
    claims_max: int = 6

    def expires_at(self, state: State, since: datetime) -> datetime:
        """The time when a mail fails if it stays in this state from the given time on."""
        return since + (self.waiting_max if state == "waiting_contact" else self.pending_max)


_DELIVERED = Outcome("delivered")
_PENDING = Outcome("pending")
_WAITING = Outcome("waiting_contact")
_WAITING_VERIFIED = Outcome("waiting_contact", UNVERIFIED)
_SKIPPED = Outcome("skipped", NO_ADDRESS)
_CANCELLED = Outcome("cancelled", ERASED)


def messages_of(event: Event, cause: Context, now: datetime, reach: Reach | None = None) -> list[Message]:
    """
    The messages about an event. `reach`: how to reach the recipient; None if the recipient is not known.

    A recipient without an address gets no mail. This is not a failure: the inbox message says so. Whoever
    gave a phone number gets an SMS in place of a mail, if the policy says that the event is worth one.

    Raises:
        Rejected: the delivery events could not name this event's id (`cause_id_unusable`).
    """
    if not is_cause_id(cause.id):
        raise Rejected(
            f"ce_id is no line of at most {checked.LINE_CHARS_MAX} characters", code=CAUSE_ID_UNUSABLE
        )
    kind, facts, recipient_id = NOTICES[type(event)].kind, facts_of(event), recipient_of(event)
    channels: tuple[DeliveryChannel, ...] = channels_of(event)
    unmailed = None
    if reach is not None and len(channels) > 1 and (reach.how == "unaddressed" or reach.by_phone):
        is_texted = reach.by_phone and goes_by_sms(kind, facts)
        channels, unmailed = ("inbox", "sms") if is_texted else ("inbox",), NO_ADDRESS
    return [
        Message(
            message_id(recipient_id, kind, cause, channel),
            recipient_id,
            channel,
            kind,
            facts,
            cause,
            now,
            unmailed,
        )
        for channel in channels
    ]


def message_id(participant_id: str, kind: str, cause: Context, channel: DeliveryChannel) -> MessageId:
    """
    The id of the message to this participant about this event on this channel.

    A repeat makes the same id. The ids of one participant's messages are one range.

    Senders choose source and id of their events, and can guess those of events still to come. The kind
    follows from the topic, which the broker lets only some senders write to. So no sender can take the id of
    a message about an event on a topic that is not theirs.
    """
    # An event is the same event only if source and id are the same: CloudEvents 1.0.2, section "id".
    # The length shows where the source ends, so that no other source and id make the same text.
    return MessageId(
        owned_id(participant_id, f"{kind} {channel} {len(cause.source)} {cause.source} {cause.id}")
    )


def beside(message: Message, channel: DeliveryChannel) -> Message:
    """The message about the same event on another channel."""
    id_ = message_id(message.participant_id, message.kind, message.cause, channel)
    return replace(message, message_id=id_, channel=channel, unmailed=None)


def first_outcome(message: Message, reach: Reach | None, *, sends_sms: bool = False) -> Outcome:
    """
    The state of a message when it is stored. An inbox belongs to an id, so it needs no contact.

    Args:
        sends_sms: whether SMS can be sent.
    """
    if message.channel == "inbox" and (reach is None or reach.how != "erased"):
        return _DELIVERED
    if message.channel == "sms" and not sends_sms:
        return _SKIPPED
    to_profile = message.kind not in TO_NAMED_CONTACT
    if message.channel == "email" and to_profile and reach is not None and reach.by_phone:
        return _SKIPPED if reach.how != "erased" else _CANCELLED
    return mail_outcome(message.kind, reach)


def too_many(channel: DeliveryChannel) -> str:
    """The code of a message that is over a limit of its recipient."""
    return "too_many_sms" if channel == "sms" else "too_many_mails"


def mail_outcome(kind: str, reach: Reach | None) -> Outcome:
    """
    The state of a mail or SMS that nobody has tried yet.

    It waits until the contact and its key are known and the contact is verified. A code verifies it.
    """
    how = reach.how if reach is not None else None
    if how == "unverified":
        return _PENDING if kind in TO_NAMED_CONTACT else _WAITING_VERIFIED
    if how == "erased":
        return _CANCELLED
    if how == "unaddressed":
        return _SKIPPED
    return _PENDING if how == "addressed" else _WAITING


def is_open_mail(message: Message, outcome: Outcome, channel: DeliveryChannel | None = None) -> bool:
    """True if a courier, or the one of this channel, still has to work on this message."""
    return message.channel in ((channel,) if channel else ("email", "sms")) and outcome.state in OPEN


def share_of(participant_id: str, kind: str) -> MailShare:
    """The group of mails that share a limit with this one."""
    return participant_id, kind if kind in (REQUESTED_KIND, CODE_KIND) else ""


def bound_open_mails(
    new: Sequence[tuple[Message, Outcome]], open_mails: Mapping[MailShare, int]
) -> list[tuple[Message, Outcome]]:
    """
    Skip new mails to participants who already have too many open ones. Their inbox messages stay.

    Mails leave in the order in which they came. So a large number of mails to one participant would delay
    the mails to others.
    """
    counts = Counter(open_mails)
    bounded = []
    for message, outcome in new:
        if is_open_mail(message, outcome):
            share = share_of(message.participant_id, message.kind)
            if counts[share] >= OPEN_MAILS_MAX:
                outcome = Outcome("skipped", too_many(message.channel))
            else:
                counts[share] += 1
        bounded.append((message, outcome))
    return bounded

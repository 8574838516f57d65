"""The events that tell what became of a message. Pure: the same outcome says the same thing every time."""

from datetime import datetime

import msgspec

from services.notifications.messages.rules import Message
from shared.contracts.envelope import Envelope, context_of, enclose, to_headers
from shared.contracts.events import Channel, NotificationDelivered, NotificationFailed
from shared.messaging.publisher import Record

SOURCE = "kepu/notifications"


class _Delivered(msgspec.Struct, frozen=True, gc=False):
    """`shared.contracts.events.NotificationDelivered`, field by field."""

    message_id: str
    participant_id: str
    channel: Channel
    cause_id: str
    delivered_at: datetime


_encoder = msgspec.json.Encoder()


def delivered_record(message: Message) -> Record:
    """
    That a message is in its inbox, as a record: every message there is told of.

    The same bytes as `shared.messaging.publisher.to_record` makes of `delivered`, in a fifth of the time;
    tests/notifications/messages/test_delivery_events.py proves them equal.
    """
    context = context_of(
        NotificationDelivered.type,
        message.participant_id,
        source=SOURCE,
        cause=message.message_id,
        now=message.created_at,
        parent=message.cause,
    )
    body = _Delivered(
        message.message_id, message.participant_id, message.channel, message.cause.id, message.created_at
    )
    key = message.participant_id.encode()
    return NotificationDelivered.topic, key, _encoder.encode(body), to_headers(context)


def delivered(message: Message, delivered_at: datetime, round_: int = 0) -> Envelope[NotificationDelivered]:
    """That a message reached its channel."""
    return enclose(
        NotificationDelivered(
            message_id=message.message_id,
            participant_id=message.participant_id,
            channel=message.channel,
            cause_id=message.cause.id,
            delivered_at=delivered_at,
        ),
        source=SOURCE,
        cause=_cause(message, round_),
        now=delivered_at,
        parent=message.cause,
    )


def failed(
    message: Message, code: str, attempts: int, failed_at: datetime, round_: int = 0
) -> Envelope[NotificationFailed]:
    """That a message was given up."""
    return enclose(
        NotificationFailed(
            message_id=message.message_id,
            participant_id=message.participant_id,
            channel=message.channel,
            cause_id=message.cause.id,
            code=code,
            attempts=attempts,
            failed_at=failed_at,
        ),
        source=SOURCE,
        cause=_cause(message, round_),
        now=failed_at,
        parent=message.cause,
    )


def _cause(message: Message, round_: int) -> str:
    # An organiser's retry starts another round: what becomes of it is another fact.
    return f"{message.message_id}/{round_}" if round_ else message.message_id

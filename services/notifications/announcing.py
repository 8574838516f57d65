"""The events that tell what became of a message. Pure: the same outcome says the same thing every time."""

from datetime import datetime

from services.notifications.rules import Message
from shared.envelope import Envelope, enclose
from shared.events import NotificationDelivered, NotificationFailed

SOURCE = "kepu/notifications"


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

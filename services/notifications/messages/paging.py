"""Pages of messages over HTTP, newest first. A page begins after the time and id of the last one shown."""

from datetime import datetime

from services.notifications.messages.rules import Message
from shared.runtime.errors import Rejected
from shared.web.forms import place_after


def place_of(message: Message) -> tuple[datetime, str]:
    """Where a message stands among the others."""
    return message.created_at, message.message_id


def place_before(after: str | None) -> tuple[datetime, str] | None:
    """
    The time and id in an `after`; None for the first page.

    Raises:
        Rejected: no page gave this `after` (`after_invalid`).
    """
    place = place_after(after, datetime, str)
    if place is None:
        return None
    created_at, message_id = place
    if created_at.tzinfo is None:
        raise Rejected("`after` is not one that a page gave", code="after_invalid")
    return created_at, message_id

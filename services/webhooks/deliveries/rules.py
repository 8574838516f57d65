"""The states of a delivery, and how many there may be."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import msgspec

from services.webhooks.endpoints.rules import Endpoint
from shared.runtime.errors import Rejected

# How long deliveries and bodies are kept, and how far back a replay reaches.
KEPT = timedelta(days=30)
# What still waits is ended so long before MongoDB deletes it, so that it shows as missed.
ENDED_BEFORE = timedelta(hours=1)
# Deliveries of one endpoint that are not finished. Above this, it is disabled, and events are missed.
BACKLOG_MAX = 20_000
# Deliveries that one call sends again.
REPLAY_MAX = 10_000
# Tries that a delivery remembers; the latest ones.
TRIES_SHOWN_MAX = 12
MESSAGE_PREFIX = "msg_"

State: TypeAlias = Literal["pending", "delivered", "failed", "cancelled"]
FINISHED: tuple[State, ...] = ("delivered", "failed", "cancelled")

# The body went when its participant was erased, or when it was too old.
BODY_GONE = "body_gone"


class Tried(msgspec.Struct, frozen=True):
    """
    One try of a delivery.

    `status`: the status that the endpoint answered, None without an answer. `code`: why it was no delivery.
    """

    at: datetime
    status: int | None
    code: str | None
    milliseconds: int


class Delivery(msgspec.Struct, frozen=True):
    """
    One event for one endpoint.

    `appended_at`: when the event was appended to the log. `due_at`: of the next try, None when it is
    finished. `tried`: the latest tries, the first one first.
    """

    message_id: str
    type: str
    event_id: str
    appended_at: datetime
    state: State
    attempts: int
    code: str | None
    due_at: datetime | None
    finished_at: datetime | None
    tried: tuple[Tried, ...]


class Claimed(msgspec.Struct, frozen=True):
    """A delivery that this process sends now. `attempts` counts this try too."""

    id: str
    message_id: str
    attempts: int


class Body(msgspec.Struct, frozen=True):
    """What is sent of one event, whoever gets it."""

    message_id: str
    type: str
    event_id: str
    participant_id: str | None
    appended_at: datetime
    content: bytes


class Due(msgspec.Struct, frozen=True):
    """A delivery to be stored."""

    endpoint: Endpoint
    body: Body

    @property
    def id(self) -> str:
        """The same on every repeat of the event."""
        return delivery_id(self.endpoint.key, self.body.message_id)


def delivery_id(key: str, message_id: str) -> str:
    """The id of the delivery of a message to the endpoint of this key."""
    return f"{key}:{message_id}"


def within_backlog(due: Sequence[Due], open_: Mapping[str, int]) -> tuple[list[Due], list[Due]]:
    """
    The deliveries that are stored, and those that are not since their endpoint's backlog is full.

    Args:
        open_: unfinished deliveries by the key of their endpoint, before these.
    """
    left = {key: BACKLOG_MAX - count for key, count in open_.items()}
    stored: list[Due] = []
    missed: list[Due] = []
    for one in due:
        key = one.endpoint.key
        room = left.get(key, BACKLOG_MAX)
        left[key] = room - 1
        (stored if room > 0 else missed).append(one)
    return stored, missed


def check_period(since: datetime, until: datetime, now: datetime) -> None:
    """
    Check the time of a replay.

    Raises:
        Rejected: it is no time, or begins before everything that is kept.
    """
    if since >= until:
        raise Rejected("`since` has to be before `until`", code="period_empty")
    if since < now - KEPT:
        raise Rejected(
            f"deliveries are kept for {KEPT.days} days: `since` is before that",
            code="period_too_old",
            days=KEPT.days,
        )

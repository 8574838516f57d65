"""
When the broker appended records, by its own clock. Who asks for it is told; nobody else pays for it.

`Publisher.write` notes the moments for the caller who waits in `when_appended`, in the same task.
"""

from collections.abc import Awaitable, Iterable
from contextvars import ContextVar
from typing import Any

Appended = tuple[int, int]
"""The first and the last moment of a set of records, in milliseconds."""

_moments: ContextVar[list[int] | None] = ContextVar("moments", default=None)


async def when_appended(write: Awaitable[None]) -> Appended | None:
    """
    Wait for a write.

    Returns: when its records were appended; None: it wrote none, or a topic takes the times of its senders.
    """
    moments: list[int] = []
    token = _moments.set(moments)
    try:
        await write
    finally:
        _moments.reset(token)
    return (min(moments), max(moments)) if moments and min(moments) >= 0 else None


def note(written: Iterable[Any]) -> None:
    """Note when batches were appended, from what aiokafka says of them."""
    if (moments := _moments.get()) is not None:
        moments += [one.timestamp for one in written]

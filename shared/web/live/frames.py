"""
Frames of server-sent events. All functions are pure.

Source: HTML Living Standard, section 9.2 "Server-sent events"
"""

import random
from collections.abc import Hashable
from dataclasses import dataclass

MEDIA_TYPE = "text/event-stream"
# A comment. Readers skip it; proxies and clients see that the connection lives.
BEAT = b":\n\n"


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What a listener gets at a time.

    Attributes:
        id: the same for the same state in every process. A client that connects again sends it, and does not
            get again what it has. Empty: the client should forget the one it has.
        events: whole events; the last one carries the id.
        ends: nothing comes after it.
        mark: what the board has to know of this frame to make the next one. It is small: a slow listener
            keeps it for as long as it does not read.
    """

    id: str
    events: bytes
    ends: bool = False
    mark: Hashable = None


def event(name: str, data: bytes, id_: str | None = None) -> bytes:
    """
    One event.

    Args:
        data: JSON in one line.
        id_: that of its frame; None: it is not the last event of it.
    """
    told = b"" if id_ is None else b"id: %b\n" % id_.encode()
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), told, data)


def retry(least_seconds: float, most_seconds: float) -> bytes:
    """
    Tells the client when to connect again once the stream ends.

    Another time for each listener: they must not all come back at the same moment.
    """
    seconds = random.uniform(least_seconds, most_seconds)  # noqa: S311 (no secret)
    return b"retry: %d\n\n" % (seconds * 1_000)

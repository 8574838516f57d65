"""What the edge and the answers that stay open (shared/web/live/) tell each other in a scope."""

from typing import Protocol

STREAM_TYPE = b"text/event-stream"

HEAD_ONLY = "kepu.head_only"
"""The key of a scope that says that the request is HEAD. The framework sees GET."""
CONNECTION = "kepu.connection"
"""The key of a scope that has the request's connection."""


class Connection(Protocol):
    """The connection of a stream."""

    def give_way(self) -> None:
        """End, also if the client does not read."""

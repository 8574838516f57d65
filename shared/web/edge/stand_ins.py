"""Objects that stand in for those that uvicorn's protocol and its cycle expect, and do less or more."""

import asyncio
from typing import Any, Protocol


class Dropped(list[tuple[bytes, bytes]]):
    """Takes trailers and drops them: nobody may add a header, such as a key, after the body."""

    def append(self, _: tuple[bytes, bytes], /) -> None:
        """Forget it."""


DROPPED = Dropped()


class Unread:
    """Stands for a request with Upgrade until it is read again without."""

    response_complete = False
    disconnected = False
    message_event = asyncio.Event()


UPGRADE_UNREAD: Any = Unread()


class Connection(Protocol):
    """What `Lingering` needs of a protocol."""

    transport: Any

    def close_softly(self) -> None:
        """End the connection after an answer."""


class Lingering:
    """The transport as uvicorn's cycle sees it. `close` waits until the client has read the answer."""

    def __init__(self, protocol: Connection) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self.is_closing = protocol.transport.is_closing

    def write(self, data: bytes) -> None:
        """Send this, unless the client has reset the connection; uvicorn may hear of that only later."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """End the connection."""
        self._protocol.close_softly()

"""Tickets are drawn in a thread of their own, and the last ones are remembered."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import TypeVar

# A picture has some 2 to 20 KB.
DRAWN_MAX = 500

T = TypeVar("T")


class Drawings:
    """
    Draws tickets.

    A QR code takes some 15 ms of the processor, and the drawing threads share the processor with the event
    loop. With eight threads the loop would get a ninth of the time. So there is one thread. A picture that
    was drawn a short time ago is not drawn again.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tickets")
        # The key is the function that draws, and a hash of what it draws. No text of a ticket is kept here:
        # it is its holder's secret.
        self._drawn: OrderedDict[tuple[object, bytes], asyncio.Future[bytes]] = OrderedDict()

    async def draw(self, draw: Callable[[T], bytes], what: T) -> bytes:
        """The picture that this function draws. The same values must give the same picture."""
        key = draw, blake2b(repr(what).encode(), digest_size=16).digest()
        drawn = self._drawn.get(key)
        if drawn is None:
            drawn = asyncio.get_running_loop().run_in_executor(self._thread, draw, what)
            self._drawn[key] = drawn
            if len(self._drawn) > DRAWN_MAX:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(key)
        # Other requests may wait for the same picture.
        return await asyncio.shield(drawn)

"""Tickets are drawn in a thread of their own, and the last ones are remembered."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import TypeVar

# Each has some 2 to 20 KB.
DRAWN_MAX = 500

T = TypeVar("T")


class Drawings:
    """
    Draws what tickets say.

    A QR code takes some 15 ms of the processor. A thread shares it with the event loop, and eight threads
    would leave the loop a ninth of it: so there is one. Who asks for the same picture again and again gets
    the one that is drawn already.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tickets")
        # By what is drawn and how. A hash: the text of a ticket is its holder's secret.
        self._drawn: OrderedDict[tuple[object, bytes], asyncio.Future[bytes]] = OrderedDict()

    async def draw(self, draw: Callable[[T], bytes], what: T) -> bytes:
        """What this function draws, which is the same for the same values."""
        key = draw, blake2b(repr(what).encode(), digest_size=16).digest()
        drawn = self._drawn.get(key)
        if drawn is None:
            drawn = asyncio.get_running_loop().run_in_executor(self._thread, draw, what)
            self._drawn[key] = drawn
            if len(self._drawn) > DRAWN_MAX:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(key)
        # Others may wait for the same.
        return await asyncio.shield(drawn)

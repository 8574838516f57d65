"""How much somebody does in one step of the event loop, in which nobody else has a turn."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise


async def largest_step(work: Awaitable[object], done: Callable[[], int]) -> int:
    """The most that was done in one step until the end of the work, by the count of what is done."""
    seen = [done()]

    async def watch() -> None:
        while True:
            await asyncio.sleep(0)
            seen.append(done())

    watching = asyncio.create_task(watch())
    try:
        await work
        # What was done since the last look.
        seen.append(done())
    finally:
        watching.cancel()
    return max(later - earlier for earlier, later in pairwise(seen))

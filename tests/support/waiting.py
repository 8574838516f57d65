"""The one way for tests to wait for something."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

# Longer than a busy machine needs; whoever sees it earlier goes on at once.
EVENTUALLY_SECONDS = 60.0
POLL_SECONDS = 0.02
T = TypeVar("T")


@overload
async def eventually(
    look: Callable[[], Awaitable[T]], good: Callable[[T], object] = bool, *, seconds: float = ...
) -> T: ...
@overload
async def eventually(
    look: Callable[[], T], good: Callable[[T], object] = bool, *, seconds: float = ...
) -> T: ...
async def eventually(
    look: Callable[[], Any], good: Callable[[Any], object] = bool, *, seconds: float = EVENTUALLY_SECONDS
) -> Any:
    """
    The value of `look`, plain or async, as soon as it is good; by default, as soon as it is true.

    Raises:
        AssertionError: it was not within the time; the message has what was seen last.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if inspect.isawaitable(seen):
            seen = await seen
        if good(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s; the last answer was {seen!r}")
        await asyncio.sleep(POLL_SECONDS)

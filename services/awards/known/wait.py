"""Waiting for something that has just happened elsewhere: its event may still be on the way."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection

from services.awards.known.rules import check_recipient
from services.awards.known.store import KnownStore

# From the outbox of another service over Kafka to here: mostly within a second.
KNOWN_WAIT_SECONDS = 5.0
LOOK_SECONDS = 0.1


async def wait_until_known(look: Callable[[], Awaitable[bool]], wait_seconds: float) -> bool:
    """True if `look` returns True within this time."""
    deadline = time.monotonic() + wait_seconds
    while not (found := await look()) and time.monotonic() < deadline:  # noqa: ASYNC110 (others write it)
        await asyncio.sleep(LOOK_SECONDS)
    return found


async def wait_for_recipients(
    known: KnownStore, participant_ids: Collection[str], wait_seconds: float
) -> None:
    """
    Wait until awards knows all of these.

    Raises:
        NotFound: it does not know one of them in time.
    """
    for one in sorted(participant_ids):

        async def look(participant_id: str = one) -> bool:
            return await known.has_participant(participant_id)

        check_recipient(one, known=await wait_until_known(look, wait_seconds), erased=False)

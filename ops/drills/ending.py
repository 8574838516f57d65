"""The end of a drill's week."""

import asyncio
import time

from ops.deployment.client import Client, UnexpectedAnswer

CLOSE_SECONDS_MAX = 120.0


async def close_contest(client: Client, quiz_id: str) -> None:
    """
    Close the contest, and wait until it is closed.

    Raises:
        UnexpectedAnswer: it is not closed in time.
    """
    url = f"{client.apis.quiz}/quizzes/{quiz_id}"
    await client.ask("POST", f"{url}/close", headers=client.apis.organiser)
    deadline = time.monotonic() + CLOSE_SECONDS_MAX
    while (await client.ask("GET", url))["status"] != "closed":
        if time.monotonic() > deadline:
            raise UnexpectedAnswer(f"{url} is not closed after {CLOSE_SECONDS_MAX:.0f} s")
        await asyncio.sleep(1)

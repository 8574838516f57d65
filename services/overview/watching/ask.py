"""Ask each service how it is: its `/health`, which is closed for the public."""

import asyncio
from collections.abc import Mapping
from typing import Self

import httpx
import msgspec

from services.overview.watching.rules import CHECKS_MAX, NAME_CHARS_MAX, Answer
from services.overview.watching.store import WatchStore
from shared.runtime import clock
from shared.runtime.background import Loop

LOOP = "services asked"
TURN_SECONDS = 5.0
# A service says within two seconds what fails.
ASK_SECONDS_MAX = 4.0
ANSWER_BYTES_MAX = 65_536


class _Health(msgspec.Struct):
    checks: dict[str, str]


class ServicesAsked:
    """
    Asks all services side by side, and keeps what they say.

    Args:
        addresses: by the name of the service.
    """

    def __init__(self, addresses: Mapping[str, str], watched: WatchStore) -> None:
        self._addresses = addresses
        self._watched = watched
        # Not through a proxy that the environment names: these are addresses of the inside.
        self._client = httpx.AsyncClient(timeout=ASK_SECONDS_MAX, trust_env=False)
        self.loop = Loop(LOOP, self.turn)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def turn(self) -> float:
        """
        Ask once; returns the seconds until the next time.

        Raises:
            Unavailable: the database does not answer.
        """
        answers = await asyncio.gather(*[self._ask(name, url) for name, url in self._addresses.items()])
        await self._watched.keep_answers(answers, clock.now())
        return TURN_SECONDS

    async def _ask(self, name: str, url: str) -> Answer:
        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                return Answer(name, await self._checks(url))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, msgspec.MsgspecError):
            return Answer(name, None)

    async def _checks(self, url: str) -> dict[str, str]:
        content = b""
        async with self._client.stream("GET", f"{url}/health") as answer:
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > ANSWER_BYTES_MAX:
                    break
        # Something that is cut off is no JSON.
        checks = msgspec.json.decode(content, type=_Health).checks
        # Of the words only whether they are "ok" counts later.
        return {name[:NAME_CHARS_MAX]: word[:NAME_CHARS_MAX] for name, word in [*checks.items()][:CHECKS_MAX]}

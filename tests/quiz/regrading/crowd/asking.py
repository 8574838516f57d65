"""Requests that are sent again until somebody answers: processes are killed meanwhile."""

import asyncio

from ops.local.services import Services
from tests.quiz.regrading.crowd.contest import Json
from tests.registration.crowd.lines import Line, Lost

PAUSE_SECONDS, TRIES_MAX = 0.2, 600
NO_ANSWER = 503


class Asking:
    """Asks the services, as an organiser if nobody else is named."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._organiser = {"X-Organiser-Key": services.secrets["KEPU_ORGANISER_KEY"]}

    async def ask(
        self,
        part: str,
        method: str,
        path: str,
        body: Json | None = None,
        headers: dict[str, str] | None = None,
    ) -> Json:
        """
        The answer to a request, asked again until there is one.

        Args:
            headers: who asks; an organiser without them.
        """
        for _ in range(TRIES_MAX):
            status, answer = await self.ask_once(part, method, path, body, headers)
            if status < 500:
                assert status < 300, (method, path, status, answer)
                return answer
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{method} {path} got no answer")

    async def ask_once(
        self,
        part: str,
        method: str,
        path: str,
        body: Json | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Json]:
        """The status and the answer of one request."""
        line = Line(int(self._services.url(part).rpartition(":")[2]))
        try:
            return await line.ask(method, path, body or {}, headers or self._organiser)
        except Lost:
            return NO_ANSWER, {}
        finally:
            line.close()

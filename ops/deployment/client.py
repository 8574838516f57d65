"""An HTTP client that repeats requests until it gets an answer, like people do, and stores every promise."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from ops.deployment.description import Apis
from ops.deployment.ledger import Ledger
from ops.errors import CommandError

Json: TypeAlias = dict[str, Any]

UNDER_WAY_MAX = 96
TIMEOUT_SECONDS = 30.0
RETRY_SECONDS = 0.5
RETRIES_MAX = 120


class UnexpectedAnswer(CommandError):
    """A service refused a good request, accepted a wrong one, or did not answer."""


@dataclass(slots=True)
class Client:
    """Requests to a deployment's services. The ledger keeps what they acknowledged."""

    http: httpx.AsyncClient
    apis: Apis
    ledger: Ledger

    async def ask(self, method: str, url: str, **request: Any) -> Json:
        """
        Send a request, and repeat it until it is acknowledged.

        Raises:
            UnexpectedAnswer: the request is refused, or nobody answers for too long.
        """
        answer = await self._answer(method, url, **request)
        if not answer.is_success:
            raise UnexpectedAnswer(f"{method} {url} was refused: {answer.status_code} {answer.text}")
        body: Json = answer.json()
        return body

    async def ask_for(self, method: str, url: str, codes: Collection[str], **request: Any) -> Json | str:
        """
        Send a request that may also be refused with one of these codes.

        Returns: the body of the answer, or the code of the refusal.
        Raises:
            UnexpectedAnswer: the request is refused with another code, or nobody answers for too long.
        """
        answer = await self._answer(method, url, **request)
        body: Json = answer.json() if answer.content else {}
        if answer.is_client_error and body.get("code") in codes:
            self.ledger.note("refused", url, body["code"])
            return str(body["code"])
        if not answer.is_success:
            raise UnexpectedAnswer(f"{method} {url} was refused: {answer.status_code} {answer.text}")
        return body

    async def refused(self, method: str, url: str, code: str, **request: Any) -> None:
        """
        Send a request that must be refused with this code.

        Raises:
            UnexpectedAnswer: the request is accepted, or refused with another code.
        """
        answer = await self._answer(method, url, **request)
        found = answer.json().get("code") if answer.is_client_error else None
        if found != code:
            raise UnexpectedAnswer(
                f"{method} {url} should be refused as {code}: {answer.status_code} {answer.text}"
            )
        self.ledger.note("refused", url, code)

    async def _answer(self, method: str, url: str, **request: Any) -> httpx.Response:
        last = ""
        for _ in range(RETRIES_MAX):
            try:
                answer = await self.http.request(method, url, **request)
                if not answer.is_server_error:
                    return answer
                last = answer.text
            except httpx.TransportError as error:
                last = type(error).__name__
            await asyncio.sleep(RETRY_SECONDS)
        raise UnexpectedAnswer(f"{method} {url} got no answer in {RETRIES_MAX} tries (last: {last})")


@asynccontextmanager
async def connected(apis: Apis, ledger: Ledger) -> AsyncIterator[Client]:
    """A client with a bounded number of connections, closed at the end."""
    limits = httpx.Limits(max_connections=UNDER_WAY_MAX, max_keepalive_connections=UNDER_WAY_MAX)
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits) as http:
        yield Client(http, apis, ledger)

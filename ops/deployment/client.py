"""
A client that asks until it is answered, as real people's do, and keeps what it was promised.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from ops.deployment.ledger import Ledger
from ops.stack import StackError

Json: TypeAlias = dict[str, Any]

UNDER_WAY_MAX = 96
TIMEOUT_SECONDS = 30.0
RETRY_SECONDS = 0.5
RETRIES_MAX = 120


@dataclass(slots=True)
class Client:
    """Requests to the services; `organiser` are the headers of an organiser's."""

    http: httpx.AsyncClient
    organiser: dict[str, str]
    ledger: Ledger

    async def ask(self, method: str, url: str, **request: Any) -> Json:
        """
        Ask until it is acknowledged.

        Raises:
            StackError: it is refused, or nobody answers for too long.
        """
        answer = await self._answer(method, url, **request)
        if not answer.is_success:
            raise StackError(f"{method} {url} was refused: {answer.status_code} {answer.text}")
        body: Json = answer.json()
        return body

    async def ask_for(self, method: str, url: str, codes: Collection[str], **request: Any) -> Json | str:
        """
        Ask for what may be refused with one of these codes; that is an answer too.

        Returns: what it is answered, or the code.
        Raises:
            StackError: it is refused otherwise, or nobody answers for too long.
        """
        answer = await self._answer(method, url, **request)
        body: Json = answer.json()
        if answer.is_client_error and body.get("code") in codes:
            self.ledger.note("refused", url, body["code"])
            return str(body["code"])
        if not answer.is_success:
            raise StackError(f"{method} {url} was refused: {answer.status_code} {answer.text}")
        return body

    async def refused(self, method: str, url: str, code: str, **request: Any) -> None:
        """
        Ask for what must be refused with this code.

        Raises:
            StackError: it is not.
        """
        answer = await self._answer(method, url, **request)
        found = answer.json().get("code") if answer.is_client_error else None
        if found != code:
            raise StackError(
                f"{method} {url} should be refused as {code}: {answer.status_code} {answer.text}"
            )
        self.ledger.note("refused", url, code)

    async def _answer(self, method: str, url: str, **request: Any) -> httpx.Response:
        said = ""
        for _ in range(RETRIES_MAX):
            try:
                answer = await self.http.request(method, url, **request)
                if not answer.is_server_error:
                    return answer
                said = answer.text
            except httpx.TransportError as error:
                said = type(error).__name__
            await asyncio.sleep(RETRY_SECONDS)
        raise StackError(f"{method} {url} got no answer in {RETRIES_MAX} tries (last: {said})")


@asynccontextmanager
async def connected(organiser_key: str, ledger: Ledger) -> AsyncIterator[Client]:
    """A client with a bounded number of connections."""
    limits = httpx.Limits(max_connections=UNDER_WAY_MAX, max_keepalive_connections=UNDER_WAY_MAX)
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits) as http:
        yield Client(http, {"X-Organiser-Key": organiser_key}, ledger)

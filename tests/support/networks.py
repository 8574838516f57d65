"""Requests from two networks: what one of them has under way does not keep the other one from its file."""

from collections.abc import AsyncIterator

import httpx

from shared.web.paced import OF_ONE_MAX, Paced
from tests.support.service import ANSWER_SECONDS_MAX, code_of

# Where the clients of tests are, and another network.
HERE, ELSEWHERE = "127.0.0.1", "203.0.113.7"


async def check_turns(client: httpx.AsyncClient, kind: type[object], path: str) -> None:
    """
    Check that a network with all its files under way gets no more, and another one gets its own.

    Args:
        kind: what the service provides, and what makes this file in turns.
    """
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    made = transport.app.state.provided[kind]  # type: ignore[attr-defined]
    paced: Paced = made if isinstance(made, Paced) else made._paced
    slow = [await paced.pieces(HERE, _never_read()) for _ in range(OF_ONE_MAX)]
    assert code_of(await client.get(path)) == (503, "overloaded")
    elsewhere = httpx.ASGITransport(transport.app, client=(ELSEWHERE, 1))
    async with httpx.AsyncClient(
        transport=elsewhere, base_url=client.base_url, timeout=ANSWER_SECONDS_MAX
    ) as other:
        assert (await other.get(path)).status_code == 200
    for one in slow:
        await one.aclose()  # type: ignore[attr-defined]
    assert (await client.get(path)).status_code == 200


async def _never_read() -> AsyncIterator[bytes]:
    yield b""

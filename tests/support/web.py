"""A bare app for tests of HTTP itself, and any app served on a port of its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from shared.runtime.settings import Settings
from shared.web.app import create_app
from shared.web.edge.hot_protocol import HotProtocol
from shared.web.edge.limits import Limits
from shared.web.health import CHECK_SECONDS_MAX, Check
from shared.web.hot import Answer, Begin, HotRequest, HotRoute
from shared.web.starting import Parts
from tests.support.service import ORGANISER_KEY, TOKEN_PUBLIC_KEY
from tests.support.waiting import eventually

BOTH_WAYS = pytest.mark.parametrize("begins", [False, True], ids=["awaited", "begun"])
"""A hot route that can begin its answers answers as it does without that."""


async def answered(request: HotRequest, answer: Answer, begin: Begin | None) -> tuple[int, bytes]:
    """The answer of a hot route, begun if that is possible."""
    begun = begin(request) if begin else None
    if begun is None:
        return await answer(request)
    await asyncio.wait([begun.done])
    return begun.answer()


def bare_app(
    *hot_routes: HotRoute,
    checks: Mapping[str, Check] | None = None,
    limits: Limits | None = None,
    check_seconds_max: float = CHECK_SECONDS_MAX,
    organiser_keys_file: Path | None = None,
    organiser_key: str = ORGANISER_KEY,
    **more: Any,
) -> FastAPI:
    """An app with the parts that all services share, and only these hot routes; `more` are settings."""

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> Parts:
        app.state.hot_routes += hot_routes
        return Parts(dict(checks or {}))

    return create_app(
        "test",
        title="Test",
        description="A test.",
        settings=Settings(
            organiser_key=SecretStr(organiser_key),
            organiser_keys_file=organiser_keys_file,
            token_public_key=TOKEN_PUBLIC_KEY,
            role="api",
            **more,
        ),
        lifespan=lifespan,
        limits=limits,
        check_seconds_max=check_seconds_max,
    )


@asynccontextmanager
async def serving(app: FastAPI, protocol: type[HotProtocol] = HotProtocol) -> AsyncIterator[uvicorn.Server]:
    """The app on a real socket of this machine."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=protocol, ws="none", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started and app.state.life.serves)
    try:
        yield server
    finally:
        server.should_exit = True
        await running


def port_of(server: uvicorn.Server) -> int:
    """Where the app is served."""
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port

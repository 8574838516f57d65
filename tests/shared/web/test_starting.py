"""How a process starts while servers are away, and how it ends."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from ops.stack.host import free_port
from shared.runtime.errors import Unavailable
from shared.runtime.settings import Settings
from shared.web.app import create_app
from shared.web.edge.hot_protocol import HotProtocol
from shared.web.health import Health
from shared.web.hot import HotRequest, HotRoute
from shared.web.serving import Server
from shared.web.starting import Parts
from tests.support.service import ORGANISER_KEY, TOKEN_PUBLIC_KEY, code_of
from tests.support.waiting import eventually

AWAY = "MongoDB does not answer: ServerSelectionTimeoutError"


@dataclass(slots=True)
class Needs:
    """The servers that the app of these tests needs."""

    mongo: Exception | None = None
    kafka: str | None = None
    opened: int = 0
    closed: int = 0
    under_way: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, app: FastAPI, stack: AsyncExitStack) -> Parts:
        self.opened += 1
        stack.callback(self.close)
        if self.mongo is not None:
            raise self.mongo
        app.state.hot_routes.append(HotRoute("POST", "/hot", self.hot))

        async def kafka() -> str | None:
            return self.kafka

        return Parts({"kafka": kafka}, {"kafka": kafka})

    def close(self) -> None:
        self.closed += 1

    async def hot(self, request: HotRequest) -> tuple[int, bytes]:
        if request.body == b'"slow"':
            self.under_way.set()
            await self.may_answer.wait()
        return 202, b"{}"


@asynccontextmanager
async def served(
    needs: Needs, *, drain_seconds: float = 0
) -> AsyncIterator[tuple[httpx.AsyncClient, Server]]:
    """The app on a real socket, as `shared.web.app.serve` serves it."""
    settings = Settings(organiser_key=ORGANISER_KEY, token_public_key=TOKEN_PUBLIC_KEY)
    app = create_app("test", title="Test", description="A test.", settings=settings, lifespan=needs.open)

    async def plain() -> str:
        return "plain"

    app.add_api_route("/plain", plain)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=(port := free_port()), http=HotProtocol, ws="none", log_config=None
    )
    server = Server(config, app.state.life, drain_seconds=drain_seconds)
    # Not `serve`: that would raise the signal again, in the process of the tests.
    running = asyncio.create_task(server._serve())
    await eventually(lambda: server.started)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            yield http, server
    finally:
        server.should_exit = True
        await running


async def asked(http: httpx.AsyncClient, path: str) -> tuple[int, dict[str, str]]:
    answer = await http.get(path)
    return answer.status_code, Health.model_validate(answer.json()).checks


async def is_ready(http: httpx.AsyncClient) -> bool:
    return (await http.get("/readyz")).status_code == 200


async def test_while_a_server_is_away_it_listens_and_says_what_it_waits_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    needs = Needs(mongo=Unavailable(AWAY))
    async with served(needs) as (http, _):
        await eventually(lambda: needs.opened > 1)
        assert (await http.get("/livez")).status_code == 200
        assert await asked(http, "/readyz") == (503, {"start": AWAY, "end": "ok"})
        assert await asked(http, "/health") == (503, {"start": AWAY})
        for answer in (await http.get("/plain"), await http.post("/hot", json={}), await http.get("/no")):
            assert code_of(answer) == (503, "starting")
            assert answer.headers["retry-after"] == "2"
            assert AWAY in answer.json()["detail"]
        needs.mongo = None
        await eventually(lambda: is_ready(http))
        assert (await http.get("/plain")).json() == "plain"
        assert (await http.post("/hot", json={})).status_code == 202
        assert (await http.get("/no")).status_code == 404
        assert needs.closed == needs.opened - 1
    assert needs.closed == needs.opened
    assert [record.getMessage() for record in caplog.records if "waits" in record.getMessage()] == [
        "service waits; it goes on by itself"
    ]
    # Probers ask each second. A bad answer to their question is no failed request.
    failed = {vars(one)["code"] for one in caplog.records if one.getMessage() == "request failed"}
    assert failed == {"starting"}


async def test_it_serves_before_it_is_ready_and_then_stays_ready() -> None:
    needs = Needs(kafka="Kafka does not answer")
    async with served(needs) as (http, _):
        await eventually(lambda: http.get("/plain"), lambda answer: answer.status_code == 200)
        said = {"start": "kafka: Kafka does not answer", "end": "ok"}
        await eventually(lambda: asked(http, "/readyz"), lambda found: found == (503, said))
        needs.kafka = None
        await eventually(lambda: is_ready(http))
        # An outage meets all copies. A balancer would have nobody left.
        needs.kafka = "Kafka does not answer"
        assert await asked(http, "/health") == (503, {"kafka": "Kafka does not answer"})
        assert await is_ready(http)


async def test_consumer_that_has_stopped_for_a_fault_of_ours_is_not_alive() -> None:
    async with served(Needs()) as (http, server):
        await eventually(lambda: is_ready(http))
        why: str | None = None
        server._life.faults["consumer quiz-grading"] = lambda: why
        assert await asked(http, "/livez") == (200, {"consumer quiz-grading": "ok"})
        why = "2 of the last 2 events failed"
        assert await asked(http, "/livez") == (503, {"consumer quiz-grading": why})
        # It still answers what it can.
        assert await is_ready(http)


async def test_start_that_fails_by_our_own_fault_ends_the_process() -> None:
    needs = Needs(mongo=LookupError("a bad deployment"))
    async with served(needs) as (_, server):
        await eventually(lambda: server.should_exit)
    assert isinstance(server._life.failure, LookupError)
    assert needs.opened == needs.closed == 1


async def test_from_sigterm_on_it_is_not_ready_and_answers_until_it_has_drained() -> None:
    async with served(Needs(), drain_seconds=60) as (http, server):
        await eventually(lambda: is_ready(http))
        kept = await http.post("/hot", json={})
        assert "connection" not in kept.headers
        server.handle_exit(signal.SIGTERM, None)
        status, checks = await asked(http, "/readyz")
        assert (status, checks["end"]) == (503, "it was told to end: send requests to another copy")
        assert (await http.get("/livez")).status_code == 200
        for answer in (await http.get("/plain"), await http.post("/hot", json={})):
            # A proxy that keeps connections would send the next request into one that ends.
            assert (answer.is_success, answer.headers["connection"]) == (True, "close")
        assert not server.should_exit
        server._drained_at = 0
        await eventually(lambda: server.should_exit)
        with pytest.raises(httpx.ConnectError):
            await eventually(lambda: http.get("/livez"), lambda _: False)


async def test_without_a_time_to_drain_it_finishes_what_is_under_way_and_ends() -> None:
    needs = Needs()
    async with served(needs) as (http, server):
        await eventually(lambda: is_ready(http))
        slow = asyncio.create_task(http.post("/hot", json="slow"))
        await needs.under_way.wait()
        server.handle_exit(signal.SIGTERM, None)
        assert server.should_exit
        needs.may_answer.set()
        assert (await slow).status_code == 202


async def test_second_sigterm_ends_the_drain() -> None:
    async with served(Needs(), drain_seconds=60) as (_, server):
        server.handle_exit(signal.SIGTERM, None)
        assert not server.should_exit
        server.handle_exit(signal.SIGTERM, None)
        assert server.should_exit

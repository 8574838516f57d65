"""The three questions about a process while Kafka or MongoDB stands still, by real SIGSTOPs."""

import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from ops.stack import Stack
from ops.stack.host import free_port
from shared.messaging.create_topics import create_missing
from shared.web.health import Health
from tests.incidents.environments import environment_of
from tests.support.killing import Killable
from tests.support.servers import own_stack, stand_still
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]

VERDICT_SECONDS_MAX = 3.0
# Parts are closed within 10 s. (The drivers' own limits are 20 s and 40 s.)
END_SECONDS_MAX = 15.0

Verdict = tuple[int, dict[str, str]]


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack that nobody else uses, since it stands still."""
    with own_stack() as stack:
        yield stack


@asynccontextmanager
async def frozen(own: Stack, server: str) -> AsyncIterator[None]:
    pid = own.pid(server)
    assert pid is not None
    await stand_still(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def quiz(own: Stack, role: str) -> AsyncIterator[tuple[Killable, httpx.AsyncClient]]:
    port = free_port()
    process = Killable.serving("quiz", environment_of("quiz", own.kafka, own.mongo, port, KEPU_ROLE=role))
    await process.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield process, http
    finally:
        await process.end()


async def asked(http: httpx.AsyncClient, question: str) -> Verdict:
    began = time.monotonic()
    answer = await http.get(f"/{question}")
    assert time.monotonic() - began < VERDICT_SECONDS_MAX, question
    return answer.status_code, Health.model_validate(answer.json()).checks


async def listens(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/livez")).status_code == 200
    except httpx.TransportError:
        return False


async def is_good(http: httpx.AsyncClient, question: str) -> bool:
    return (await http.get(f"/{question}")).status_code == 200


async def test_each_question_is_answered_in_time_whichever_server_stands_still(own: Stack) -> None:
    await create_missing(own.kafka)
    async with frozen(own, "mongo"), quiz(own, "all") as (process, http):
        await eventually(lambda: listens(http))
        why = "MongoDB does not answer within 1.5 s"
        await eventually(
            lambda: asked(http, "readyz"), lambda told: told == (503, {"start": why, "end": "ok"})
        )
        assert (await asked(http, "livez"))[0] == 200
        assert await asked(http, "health") == (503, {"start": why})
        refused = await http.get("/quizzes")
        assert (refused.status_code, refused.json()["code"]) == (503, "starting")
        assert await process.stop(END_SECONDS_MAX) < 1.5
    async with quiz(own, "all") as (process, http):
        await eventually(lambda: listens(http))
        await eventually(lambda: is_good(http, "readyz"))
        for server in ("kafka", "mongo"):
            await eventually(lambda: is_good(http, "health"))
            async with frozen(own, server):
                status, checks = await asked(http, "health")
                assert (status, checks[server] == "ok") == (503, False)
                # No restart ends it, and no other copy is better off.
                assert (await asked(http, "livez"))[0] == 200
                assert (await asked(http, "readyz"))[0] == 200
        await eventually(lambda: is_good(http, "health"))
        async with frozen(own, "kafka"), frozen(own, "mongo"):
            await process.stop(END_SECONDS_MAX)

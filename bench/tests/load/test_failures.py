"""Servers that refuse, break off, or answer nonsense."""

import asyncio
import platform
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from bench.load.client import Plan
from bench.tests.load.plans import OK, latency, ran, written, yes
from bench.tests.load.server import Asked, Reply, http, serving

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the client uses epoll")


async def test_a_turned_away_request_is_sent_again_after_its_time(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()

    async def first_busy(asked: Asked) -> Reply:
        seen[asked.path] += 1
        return http(503, None, "Retry-After: 1") if seen[asked.path] == 1 else OK

    async with serving(first_busy) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 5), retry_503=True))
    step = load.steps["request"]
    assert set(seen.values()) == {2}
    assert step.turned_away == 5
    assert step.by_status == {200: 5}
    assert latency(step).p50 >= 1000
    assert server.asked[5].at - server.asked[0].at >= 0.99


async def test_a_broken_connection_is_counted_and_the_others_go_on(tmp_path: Path) -> None:
    async def break_some(asked: Asked) -> Reply:
        return None if int(asked.path[1:]) % 10 == 3 else OK

    async with serving(break_some) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 100), connections=4))
    assert len(set(server.paths())) == len(server.asked) == 100
    assert load.steps["request"].failed == {"reset": 10}
    assert load.steps["request"].count == 90
    assert 10 < load.connections_opened <= 14


async def test_a_server_that_closes_after_each_answer_fails_nobody(tmp_path: Path) -> None:
    async with serving(lambda _: _closing()) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 20), connections=2))
    assert load.steps["request"].by_status == {200: 20}
    assert load.connections_opened == 20


async def _closing() -> Reply:
    return http(200, None, "Connection: close")


async def test_a_server_that_is_not_there_is_a_failure_to_connect(tmp_path: Path) -> None:
    async with serving(yes) as server:
        pass
    load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 6), connections=2))
    assert load.steps["request"].failed == {"connect": 6}
    assert load.connections_opened == 0


async def test_no_answer_is_a_timeout(tmp_path: Path) -> None:
    async def never(asked: Asked) -> Reply:
        await asyncio.sleep(1 if asked.path == "/1" else 0)
        return OK

    async with serving(never) as server:
        load = await ran(
            Plan(targets=(server.target,), requests=written(tmp_path, 4), connections=1, timeout_ms=200)
        )
    assert load.steps["request"].failed == {"timeout": 1}
    assert load.steps["request"].count == 3


MALFORMED: dict[str, Reply] = {
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "another HTTP": b"HTTP/2 200\r\n\r\n",
    "nothing but line ends": b"\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "a status of letters": b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n",
    "an interim answer": b"HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n",
    "a status beyond": b"HTTP/1.1 999 Well\r\ncontent-length: 0\r\n\r\n",
    "no length": b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n",
    "no headers": b"HTTP/1.1 200 OK\r\n\r\n",
    "a length below nothing": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "a length of letters": b"HTTP/1.1 200 OK\r\ncontent-length: 5x\r\n\r\nhello",
    "a length beyond all": b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
    "a length too large": b"HTTP/1.1 200 OK\r\ncontent-length: 262144\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\ncontent-length: 0\r\n\r\n",
    "more than its length": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 60_000,
    "zeros": bytes(1000),
    "zeros in parts": [b"HTTP/1.1 ", bytes(20), bytes(70_000)],
}


@pytest.mark.parametrize("reply", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_answer_is_counted_and_the_others_go_on(tmp_path: Path, reply: Reply) -> None:
    async def one_malformed(asked: Asked) -> Reply:
        return reply if asked.path == "/1" else OK

    async with serving(one_malformed) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 4), connections=1))
    assert load.steps["request"].failed == {"answer": 1}
    assert load.steps["request"].by_status == {200: 3}


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_an_answer_in_parts_is_put_together(tmp_path: Path, size: int) -> None:
    whole = http(200, "x" * (40 * size))
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]

    async def in_parts(_: Asked) -> Reply:
        return parts

    async with serving(in_parts) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 3), connections=1))
    assert load.steps["request"].by_status == {200: 3}


async def test_an_answer_of_the_greatest_size_is_read(tmp_path: Path) -> None:
    async def large(_: Asked) -> Reply:
        return http(200, "x" * 262_000)

    async with serving(large) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 20), connections=4))
    assert load.steps["request"].by_status == {200: 20}


async def test_an_answer_that_ends_early_is_a_reset(tmp_path: Path) -> None:
    numbers = count()

    async def cut(_: Asked) -> Reply:
        return b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc" if next(numbers) == 0 else None

    async with serving(cut) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 2), connections=1, timeout_ms=500)
        load = await ran(plan)
    assert load.steps["request"].failed == {"timeout": 1, "reset": 1}

"""Requests of a file: each is sent once, and every answer is counted."""

import os
import platform
from pathlib import Path

import pytest

from bench.load.client import Plan, requests_file
from bench.tests.load.plans import ran, written, yes
from bench.tests.load.server import Asked, Reply, http, request, serving

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the client uses epoll")


async def test_one_connection_sends_each_request_once_in_order(tmp_path: Path) -> None:
    async with serving(yes) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 300), connections=1))
    assert server.paths() == [f"/{number}" for number in range(300)]
    assert load.steps["request"].count == 300
    assert load.connections_opened == 1


async def test_many_connections_send_each_request_once(tmp_path: Path) -> None:
    async with serving(yes) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 1000), connections=50))
    assert sorted(server.paths()) == sorted(f"/{number}" for number in range(1000))
    assert load.steps["request"].by_status == {200: 1000}
    assert load.connections_opened == 50
    assert sum(second.request for second in load.timeline) == 1000


async def test_a_body_larger_than_a_socket_takes_arrives_whole(tmp_path: Path) -> None:
    body = os.urandom(9_000_000)
    path = tmp_path / "requests"
    requests_file(path, [request("large", body), request("small", b"x")])
    async with serving(yes) as server:
        await ran(Plan(targets=(server.target,), requests=path, connections=1))
    assert [asked.body for asked in server.asked] == [body, b"x"]


async def test_targets_get_equal_parts_of_the_connections(tmp_path: Path) -> None:
    async with serving(yes) as one, serving(yes) as other:
        plan = Plan(targets=(one.target, other.target), requests=written(tmp_path, 400), connections=8)
        await ran(plan)
    assert len(one.opened_at) == len(other.opened_at) == 4
    assert len(one.asked) + len(other.asked) == 400


async def test_statuses_are_counted_and_refusals_have_no_latency(tmp_path: Path) -> None:
    async def by_number(asked: Asked) -> Reply:
        return http((200, 404, 503)[int(asked.path[1:]) % 3])

    async with serving(by_number) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 30)))
    assert load.steps["request"].by_status == {200: 10, 404: 10, 503: 10}
    assert load.steps["request"].turned_away == 0

    async with serving(lambda _: _refuse()) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 3)))
    assert load.steps["request"].latency_ms is None


async def _refuse() -> Reply:
    return http(503)


async def test_count_bounds_the_requests(tmp_path: Path) -> None:
    async with serving(yes) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 100), count=7))
    assert load.steps["request"].count == len(server.asked) == 7

"""Open and closed loop: when requests are sent, and from when their latency counts."""

import asyncio
import platform
from pathlib import Path

import pytest

from bench.load.client import Load, Plan, start
from bench.tests.load.plans import OK, latency, ran, written, yes
from bench.tests.load.server import Asked, Reply, serving

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the client uses epoll")


async def stalled_run(folder: Path, rate: float | None) -> Load:
    """100 requests over one connection; before the 20th the server stands still for 300 ms."""

    async def stall_once(asked: Asked) -> Reply:
        await asyncio.sleep(0.3 if asked.path == "/20" else 0)
        return OK

    async with serving(stall_once) as server:
        return await ran(
            Plan(targets=(server.target,), requests=written(folder, 100), connections=1, rate=rate)
        )


async def test_open_loop_charges_a_stall_to_all_who_had_to_queue(tmp_path: Path) -> None:
    step = (await stalled_run(tmp_path, rate=200)).steps["request"]
    # 60 requests fell due in the 300 ms, so far more than the slowest tenth waited.
    assert step.count == 100
    assert latency(step).max >= 299
    assert latency(step).p90 >= 150


async def test_closed_loop_charges_a_stall_to_one(tmp_path: Path) -> None:
    step = (await stalled_run(tmp_path, rate=None)).steps["request"]
    assert latency(step).max >= 299
    assert latency(step).p90 < 150


async def test_open_loop_keeps_its_rate(tmp_path: Path) -> None:
    async with serving(yes) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 100), rate=100))
    assert server.asked[-1].at - server.asked[0].at == pytest.approx(0.99, abs=0.1)
    assert load.rate == pytest.approx(100, rel=0.1)


async def test_open_loop_opens_connections_as_it_needs_them(tmp_path: Path) -> None:
    async def slow(_: Asked) -> Reply:
        await asyncio.sleep(0.1)
        return OK

    async with serving(slow) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 100), rate=100, connections=64)
        load = await ran(plan)
    assert 10 <= load.connections_opened <= 30
    assert latency(load.steps["request"]).p50 < 150


async def test_warm_seconds_are_counted_apart(tmp_path: Path) -> None:
    async with serving(yes) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 100), rate=100, warm_seconds=0.5)
        load = await ran(plan)
    assert load.warm.steps["request"].count == 50
    assert load.steps["request"].count == 50
    assert load.rate == pytest.approx(100, rel=0.15)


async def test_seconds_end_the_run_and_what_is_under_way_is_finished(tmp_path: Path) -> None:
    async def slow(_: Asked) -> Reply:
        await asyncio.sleep(0.2)
        return OK

    async with serving(slow) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 1000), connections=5, seconds=0.5)
        load = await ran(plan)
    assert load.steps["request"].count == len(server.asked) == 15
    assert not load.steps["request"].failed


async def test_in_the_open_loop_all_who_fall_due_before_the_end_begin(tmp_path: Path) -> None:
    async with serving(yes) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 5000), rate=2000, seconds=0.5)
        load = await ran(plan)
    assert load.steps["request"].count == len(server.asked) == 1000
    assert load.not_begun == 0


async def test_a_stopped_run_has_its_result(tmp_path: Path) -> None:
    tenth = asyncio.Event()

    async def until_tenth(asked: Asked) -> Reply:
        if asked.path == "/10":
            tenth.set()
        return OK

    async with serving(until_tenth) as server:
        running = start(Plan(targets=(server.target,), requests=written(tmp_path, 10000), rate=100))
        await tenth.wait()
        running.stop()
        load = await asyncio.to_thread(running.wait, 10)
    assert load.steps["request"].count == len(server.asked) < 1000

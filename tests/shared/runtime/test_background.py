"""Background work: no error ends a loop, an item's fault is that item's, and health tells of both."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from shared.runtime.background import Loop, backoff_seconds, each, looping
from shared.runtime.errors import Rejected, Unavailable
from tests.support.waiting import EVENTUALLY_SECONDS, eventually


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


class Failing:
    """Turns that fail with what is in `errors`, one after the other, and then work."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.turns = 0

    async def turn(self) -> float:
        self.turns += 1
        if self.errors:
            raise self.errors.pop(0)
        return 0.01


@asynccontextmanager
async def running(name: str, turn: Callable[[], object], **settings: float) -> AsyncIterator[Loop]:
    loop = Loop(name, turn, retry_seconds=0.01, **settings)  # type: ignore[arg-type]
    async with looping(loop):
        yield loop


async def test_no_error_ends_a_loop() -> None:
    work = Failing(
        OverflowError("date value out of range"), KeyError("x"), Unavailable("away"), AssertionError()
    )
    async with running("t-errors", work.turn) as loop:
        await eventually(lambda: work.turns > 6)
        assert await loop.check() is None
    assert sample("kepu_loop_failures_total", loop="t-errors") == 4


async def test_health_and_metric_tell_of_a_loop_that_fails_and_of_its_recovery() -> None:
    work = Failing(*[ValueError("wang@example.org")] * 5)
    async with running("t-health", work.turn) as loop:
        await eventually(lambda: work.turns == 3)
        fault = await loop.check()
        # The error's name and not its words, which may quote what is personal.
        assert fault == "ValueError"
        assert sample("kepu_loop_working", loop="t-health") == 0
        await eventually(lambda: work.turns > 6)
        assert await loop.check() is None
        assert sample("kepu_loop_working", loop="t-health") == 1


async def test_failures_are_counted_from_zero() -> None:
    Loop("t-born", Failing().turn)
    assert sample("kepu_loop_failures_total", loop="t-born") == 0


async def test_a_turn_that_hangs_is_seen_by_health() -> None:
    async def hang() -> float:
        await asyncio.Event().wait()
        return 0.0

    async with running("t-hang", hang, turn_seconds_max=0.05) as loop:
        await eventually(loop.check)
        assert "one turn has taken" in (await loop.check() or "")


async def test_a_loop_that_is_woken_does_not_rest_to_the_end() -> None:
    turns = 0

    async def turn() -> float:
        nonlocal turns
        turns += 1
        return 3_600.0

    async with running("t-wake", turn) as loop:
        await eventually(lambda: turns == 1)
        loop.wake()
        await eventually(lambda: turns == 2)


async def test_a_wake_during_a_turn_is_not_lost() -> None:
    turns = 0

    async def turn() -> float:
        nonlocal turns
        turns += 1
        if turns == 1:
            loop.wake()
        return 3_600.0

    async with running("t-wake-turn", turn) as loop:
        await eventually(lambda: turns == 2)


async def test_at_the_end_a_turn_under_way_is_finished_within_its_bound() -> None:
    finished = False
    begun = asyncio.Event()

    async def turn() -> float:
        nonlocal finished
        begun.set()
        await asyncio.sleep(0.2)
        finished = True
        return 0.0

    async with running("t-end", turn, stop_seconds_max=5.0):
        await begun.wait()
    assert finished


async def test_at_the_end_a_turn_that_does_not_finish_is_cancelled() -> None:
    begun = asyncio.Event()

    async def turn() -> float:
        begun.set()
        await asyncio.Event().wait()
        return 0.0

    async with asyncio.timeout(EVENTUALLY_SECONDS), running("t-cancel", turn, stop_seconds_max=0.1):
        await begun.wait()


async def test_an_item_that_fails_is_put_aside_and_the_others_go_on() -> None:
    done: list[int] = []
    aside: list[tuple[int, str]] = []

    async def work(item: int) -> None:
        if item == 2:
            raise OverflowError
        if item == 3:
            raise Rejected("no", code="not_this_one")
        done.append(item)

    async def put_aside(item: int, code: str) -> None:
        aside.append((item, code))

    assert await each("t-each", [1, 2, 3, 4], work, aside=put_aside) == 2
    assert done == [1, 4]
    assert aside == [(2, "OverflowError"), (3, "not_this_one")]
    assert sample("kepu_loop_items_failed_total", loop="t-each", code="other") == 2


async def test_a_server_that_is_away_is_no_items_fault() -> None:
    async def work(item: int) -> None:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        await each("t-away", [1, 2], work)


def test_back_off_doubles_within_its_bound() -> None:
    for failures in (1, 2, 3, 10, 10_000):
        whole = min(30.0, 0.5 * 2 ** min(failures - 1, 10))
        assert whole / 2 <= backoff_seconds(failures, 0.5, 30.0) <= whole

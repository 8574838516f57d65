"""When a process refuses: a queue that stands, not a crowd that comes at one moment."""

import asyncio
import time

import pytest

from shared.runtime.background import Loop, looping
from shared.web.edge.shedding import (
    BEAT_SECONDS,
    LATE_FOR_SECONDS,
    LATE_SECONDS,
    LATE_TURNS_MIN,
    TURN_REQUESTS_MAX,
    Shedding,
)


def turns(shedding: Shedding, now: float, *late_seconds: float) -> float:
    """Go through turns that begin so much later than meant; the moment at which the last one began."""
    for late in late_seconds:
        due, now = now + BEAT_SECONDS, now + BEAT_SECONDS + late
        shedding.turn(now, due)
    return now


def taken_on(shedding: Shedding, requests: int) -> int:
    return sum(shedding.takes_on() for _ in range(requests))


@pytest.fixture
def shedding() -> Shedding:
    shedding = Shedding()
    shedding.turn(100.0, 100.0)
    return shedding


def test_who_is_in_time_takes_on_whatever_comes(shedding: Shedding) -> None:
    turns(shedding, 100.0, *[LATE_SECONDS / 2] * 100)
    assert taken_on(shedding, 3 * TURN_REQUESTS_MAX) == 3 * TURN_REQUESTS_MAX


def test_a_crowd_that_comes_at_one_moment_is_answered(shedding: Shedding) -> None:
    turns(shedding, 100.0, 0.9, 0.8)
    assert taken_on(shedding, 3 * TURN_REQUESTS_MAX) == 3 * TURN_REQUESTS_MAX


def test_a_process_that_stood_still_takes_on_what_has_come_meanwhile(shedding: Shedding) -> None:
    turns(shedding, 100.0, 30.0)
    assert taken_on(shedding, 3 * TURN_REQUESTS_MAX) == 3 * TURN_REQUESTS_MAX


def test_of_a_queue_that_stands_each_turn_takes_on_what_it_can_do(shedding: Shedding) -> None:
    now = turns(shedding, 100.0, *[LATE_FOR_SECONDS / LATE_TURNS_MIN] * LATE_TURNS_MIN)
    for _ in range(3):
        assert taken_on(shedding, 3 * TURN_REQUESTS_MAX) == TURN_REQUESTS_MAX
        now = turns(shedding, now, 2 * LATE_SECONDS)


def test_the_first_turn_in_time_ends_it(shedding: Shedding) -> None:
    turns(shedding, 100.0, *[LATE_FOR_SECONDS] * LATE_TURNS_MIN, 0.0)
    assert taken_on(shedding, 3 * TURN_REQUESTS_MAX) == 3 * TURN_REQUESTS_MAX


async def test_it_sees_how_late_a_loop_is() -> None:
    shedding = Shedding()
    async with looping(Loop("shedding", shedding.watch)):
        until = time.monotonic() + 2 * LATE_FOR_SECONDS
        while time.monotonic() < until:
            # A turn that is as long as a queue makes it.
            time.sleep(1.5 * LATE_SECONDS)  # noqa: ASYNC251 (to hold up the loop is what this is about)
            await asyncio.sleep(0)
        assert taken_on(shedding, 2 * TURN_REQUESTS_MAX) == TURN_REQUESTS_MAX
        await asyncio.sleep(3 * BEAT_SECONDS)
        assert taken_on(shedding, 2 * TURN_REQUESTS_MAX) == 2 * TURN_REQUESTS_MAX

"""What takes long to make is made once for all who ask at the same time, and after they have asked."""

import asyncio
import time
from itertools import pairwise

import pytest

from shared.web.made_once import DURATIONS_MAX, RESTS, MadeOnce, Rest


class Maker:
    def __init__(self) -> None:
        self.made = 0
        self.open = asyncio.Event()
        self.begun = asyncio.Event()

    async def make(self) -> int:
        self.made += 1
        made = self.made
        self.begun.set()
        await self.open.wait()
        return made


async def test_all_who_ask_at_once_get_one_making() -> None:
    maker = Maker()
    maker.open.set()
    once = MadeOnce(maker.make)
    assert await asyncio.gather(*[once.get() for _ in range(30)]) == [1] * 30


async def test_who_asks_while_it_is_made_gets_the_next_one() -> None:
    maker = Maker()
    once = MadeOnce(maker.make)
    early = asyncio.create_task(once.get())
    await maker.begun.wait()
    late = [asyncio.create_task(once.get()) for _ in range(5)]
    maker.open.set()
    assert await early == 1
    assert await asyncio.gather(*late) == [2] * 5


async def test_making_takes_a_tenth_of_the_time_however_many_ask() -> None:
    async def make() -> float:
        began = time.monotonic()
        while time.monotonic() - began < 0.01:
            pass
        return began

    once = MadeOnce(make)
    begins = [await once.get() for _ in range(3)]
    gaps = [later - earlier for earlier, later in pairwise(begins)]
    assert min(gaps) >= (1 + RESTS) * 0.01


async def test_one_who_goes_away_and_an_error_end_nothing_for_others() -> None:
    maker = Maker()
    once = MadeOnce(maker.make)
    gone, stays = asyncio.create_task(once.get()), asyncio.create_task(once.get())
    await maker.begun.wait()
    gone.cancel()
    maker.open.set()
    assert await stays == 1

    async def fail() -> None:
        raise ValueError("as told")

    failing = MadeOnce(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="as told"):
            await failing.get()


def test_a_flood_that_slows_makings_makes_no_rest_longer_and_a_making_that_has_grown_does() -> None:
    rest = Rest()
    assert rest.after(0.03) == RESTS * 0.03
    for _ in range(DURATIONS_MAX - 1):
        assert rest.after(0.5) == RESTS * 0.03
    assert rest.after(0.5) == RESTS * 0.5

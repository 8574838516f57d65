"""Heavy work is done one at a time, by turns, and has half of the time, however many ask for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TypeVar

import pytest

from shared.runtime.errors import Overloaded
from shared.runtime.fair_queue import Sender
from shared.web.made_once import EachMadeOnce
from shared.web.paced import OF_ONE_MAX, Paced
from tests.support.waiting import EVENTUALLY_SECONDS, eventually

STEP_SECONDS = 0.02

T = TypeVar("T")


class Work:
    def __init__(self) -> None:
        self.at_once = self.at_once_max = 0
        self.worked_seconds = 0.0

    async def do(self) -> None:
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        began = time.monotonic()
        await asyncio.sleep(STEP_SECONDS)
        self.worked_seconds += time.monotonic() - began
        self.at_once -= 1

    async def file(self) -> AsyncIterator[int]:
        for number in range(3):
            await self.do()
            yield number


async def test_files_are_made_a_piece_at_a_time_and_others_have_half_of_the_time() -> None:
    paced, work = Paced(), Work()
    began = time.monotonic()
    asked = [await paced.pieces("desk", work.file()) for _ in range(5)]
    files = await asyncio.gather(*map(_whole, asked))
    assert files == [[0, 1, 2]] * 5
    assert work.at_once_max == 1
    # No rest follows the last one.
    assert time.monotonic() - began > 1.8 * (work.worked_seconds - STEP_SECONDS)


async def test_a_client_that_does_not_read_keeps_nobody_waiting() -> None:
    paced, work = Paced(), Work()
    unread = await paced.pieces("desk", work.file())
    assert await anext(unread) == 0
    async with asyncio.timeout(EVENTUALLY_SECONDS):
        assert await _whole(await paced.pieces("desk", work.file())) == [0, 1, 2]


async def test_each_asker_has_one_turn_after_the_other() -> None:
    paced, order = Paced(), list[str]()

    async def work(who: str, number: int) -> None:
        async with paced.turn(who):
            order.append(f"{who}{number}")

    async with paced.turn("first"):
        asked = [asyncio.create_task(work("a", number)) for number in range(4)]
        asked += [asyncio.create_task(work(who, number)) for number in range(2) for who in "bc"]
        await asyncio.sleep(0)
    await asyncio.gather(*asked)
    assert order == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "a3"]


async def test_a_large_file_keeps_another_one_waiting_for_a_piece_at_a_time() -> None:
    paced, order = Paced(), list[str]()

    async def pieces(who: str) -> AsyncIterator[str]:
        for number in range(6 if who == "a" else 2):
            order.append(f"{who}{number}")
            yield who

    async with paced.turn("first"):
        files = [asyncio.create_task(_whole(await paced.pieces(who, pieces(who)))) for who in "aaab"]
        await asyncio.sleep(0)
    await asyncio.gather(*files)
    # Between two pieces of b there is one of the three files of a.
    assert order.index("b1") <= 4


async def test_few_are_under_way_for_one_and_whoever_goes_away_frees_a_place() -> None:
    paced = Paced()

    async def work(who: str) -> None:
        async with paced.turn(who):
            pass

    async with paced.turn("first"):
        asked = [asyncio.create_task(work("a")) for _ in range(OF_ONE_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await work("a")
        with pytest.raises(Overloaded):
            await paced.pieces("a", Work().file())
        other = asyncio.create_task(work("b"))
        asked[0].cancel()
        await asyncio.wait(asked[:1])
        again = asyncio.create_task(work("a"))
    await asyncio.gather(*asked[1:], other, again)
    await asyncio.gather(*(work("a") for _ in range(OF_ONE_MAX)))


@pytest.mark.parametrize("read", [0, 1])
async def test_a_file_that_is_given_up_is_not_under_way(read: int) -> None:
    paced = Paced()
    for _ in range(2 * OF_ONE_MAX):
        file = await paced.pieces("a", Work().file())
        for _ in range(read):
            await anext(file)
        del file
        # The loop ends what nobody has any more.
        await eventually(lambda: not paced._under_way[Sender("a")])


async def test_who_goes_away_when_called_leaves_the_turn_to_the_next() -> None:
    class AwayWhenCalled(Paced):
        def _call_next(self) -> None:
            super()._call_next()
            gone.cancel()

    paced = AwayWhenCalled()

    async def work(who: str) -> str:
        async with paced.turn(who):
            return who

    async with paced.turn("first"):
        gone, stays = asyncio.create_task(work("a")), asyncio.create_task(work("b"))
        await asyncio.sleep(0)
    async with asyncio.timeout(EVENTUALLY_SECONDS):
        assert await stays == "b"
        assert await work("a") == "a"
    assert gone.cancelled()


async def test_who_goes_away_before_being_called_is_left_out() -> None:
    paced = Paced()

    async def work(who: str) -> str:
        async with paced.turn(who):
            return who

    async with paced.turn("first"):
        gone, stays = asyncio.create_task(work("a")), asyncio.create_task(work("b"))
        await asyncio.sleep(0)
    # Called by the same step that cancels: the task has not run since.
    gone.cancel()
    paced._call_next()
    async with asyncio.timeout(EVENTUALLY_SECONDS):
        assert await stays == "b"
    await asyncio.wait([gone])
    assert await work("a") == "a"


async def test_what_several_wait_for_is_made_in_the_turn_of_whoever_is_next() -> None:
    made: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def make(key: str) -> str:
        made.append(key)
        if key == "first":
            begun.set()
            await go_on.wait()
        return key

    each = EachMadeOnce(make)
    first = asyncio.create_task(each.get("first", "x"))
    await begun.wait()
    keys = [f"k{number}" for number in range(OF_ONE_MAX)]
    asked = [asyncio.create_task(each.get(key, "a")) for key in keys]
    await asyncio.sleep(0)
    # The last one of a is what b asks for, and only that.
    asked.append(asyncio.create_task(each.get(keys[-1], "b")))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await each.get("one more", "a")
    # What somebody waits for already is no more work.
    asked.append(asyncio.create_task(each.get(keys[-1], "a")))
    go_on.set()
    await asyncio.gather(first, *asked)
    assert sorted(made) == sorted(["first", *keys])
    assert made.index(keys[-1]) <= 2
    assert await each.get("one more", "a") == "one more"


async def test_what_one_asks_for_takes_turns_too_and_each_part_has_its_own_bound() -> None:
    made: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def make(key: str) -> str:
        made.append(key)
        if key == "first":
            begun.set()
            await go_on.wait()
        return key

    each = EachMadeOnce(make)
    first = asyncio.create_task(each.get("first", "x"))
    await begun.wait()
    keys = [f"one{number}" for number in range(OF_ONE_MAX)]
    asked = [asyncio.create_task(each.get(key, "a", "one")) for key in keys]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await each.get("one more", "a", "one")
    asked.append(asyncio.create_task(each.get("two", "a", "two")))
    asked.append(asyncio.create_task(each.get("other", "b")))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *asked)
    assert made.index("two") <= 3
    assert made.index("other") <= 2


async def _whole(pieces: AsyncIterator[T]) -> list[T]:
    return [piece async for piece in pieces]

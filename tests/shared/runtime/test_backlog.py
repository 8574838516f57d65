"""A backlog gives each item its turn, whatever becomes of the others."""

import asyncio
from collections import Counter

import pytest

from shared.runtime.background import FAILING_MIN
from shared.runtime.backlog import LOOK_SECONDS, Backlog, NothingDone
from shared.runtime.errors import TookTooLong, Unavailable
from tests.support.waiting import EVENTUALLY_SECONDS


class Items:
    """Items with so many chunks left each; some fail always, each with its error."""

    def __init__(self, failing: dict[str, Exception] | None = None, **left: int) -> None:
        self.left = Counter(left)
        self.failing = failing or {}
        self.tried: list[str] = []

    async def pending(self, after: str, limit: int) -> list[str]:
        return sorted(id_ for id_ in self.left if id_ > after and self.left[id_])[:limit]

    async def go_on(self, id_: str) -> None:
        self.tried.append(id_)
        if id_ in self.failing:
            raise self.failing[id_]
        if self.left[id_] == 99:
            await asyncio.Event().wait()
        self.left[id_] -= 1


async def test_a_large_item_keeps_no_other_waiting() -> None:
    items = Items(a=1_000, b=1_000, c=1, d=2)
    backlog = Backlog("test", items.pending, items.go_on, items_max=2)
    for _ in range(5):
        assert await backlog.turn() == 0
    assert items.tried == ["a", "b", "c", "d", "a", "b", "d", "a", "b"]
    assert +items.left == Counter(a=997, b=997)


@pytest.mark.parametrize("error", [ValueError("a"), TookTooLong("MongoDB did not finish a transaction")])
async def test_items_that_fail_rest_while_the_others_go_on(error: Exception) -> None:
    items = Items({"a": error, "b": error}, a=1, b=1, c=3)
    backlog = Backlog("test", items.pending, items.go_on, items_max=2)
    for _ in range(6):
        await backlog.turn()
    assert items.tried == ["a", "b", "c", "c", "c"]
    # They are tried again, and what is wrong with few items does not make the process unhealthy.
    items.failing.clear()
    await asyncio.sleep(LOOK_SECONDS)
    for _ in range(2):
        await backlog.turn()
    assert not +items.left
    assert await backlog.loop.check() is None


async def test_an_item_without_end_is_broken_off_and_the_next_one_is_done() -> None:
    items = Items(a=99, b=1)
    backlog = Backlog("test", items.pending, items.go_on, item_seconds_max=0.05)
    async with asyncio.timeout(EVENTUALLY_SECONDS):
        assert await backlog.turn() == 0
        assert await backlog.turn() == LOOK_SECONDS
    assert items.tried == ["a", "b"]


async def test_an_outage_ends_the_turn_and_the_next_turn_begins_behind_it() -> None:
    items = Items({"a": Unavailable("MongoDB does not answer")}, a=1, b=1)
    backlog = Backlog("test", items.pending, items.go_on)
    with pytest.raises(Unavailable):
        await backlog.turn()
    assert await backlog.turn() == 0
    assert items.tried == ["a", "b"]


async def test_health_shows_that_many_items_fail_and_none_is_done() -> None:
    names = [f"item-{number}" for number in range(FAILING_MIN)]
    items = Items(dict.fromkeys(names[1:], ValueError("x")), **dict.fromkeys(names[1:], 1))
    backlog = Backlog("test", items.pending, items.go_on, items_max=2)
    for _ in range(FAILING_MIN):
        await backlog.turn()
    items.failing |= {names[0]: ValueError("x")}
    items.left[names[0]] = 1
    # The one before had one item less, and no turn has failed.
    backlog._after = ""
    with pytest.raises(NothingDone):
        await backlog.turn()
    # Also while all of them rest.
    with pytest.raises(NothingDone):
        await backlog.turn()
    items.left.clear()
    assert await backlog.turn() == LOOK_SECONDS


async def test_whoever_stands_behind_items_that_rest_is_not_forgotten() -> None:
    failing = [f"a{number}" for number in range(4)]
    items = Items(dict.fromkeys(failing, ValueError("x")), **dict.fromkeys(failing, 1), b=1)
    backlog = Backlog("test", items.pending, items.go_on, items_max=2)
    pauses = [await backlog.turn() for _ in range(3)]
    assert items.tried == [*failing, "b"]
    assert pauses == [LOOK_SECONDS, 0.0, 0.0]
    # A round in which all rest does not begin the next one without a pause.
    assert LOOK_SECONDS in [await backlog.turn() for _ in range(2)]


async def test_without_anything_to_do_the_backlog_rests() -> None:
    items = Items(a=2)
    backlog = Backlog("test", items.pending, items.go_on, items_max=1)
    assert [await backlog.turn() for _ in range(4)] == [0, 0, LOOK_SECONDS, LOOK_SECONDS]

"""A backlog gives each item its turn, whatever becomes of the others."""

from collections import Counter

import pytest

from shared.runtime.backlog import LOOK_SECONDS, Backlog, NothingDone


class Items:
    """Items with so many chunks left each; some fail always."""

    def __init__(self, *failing: str, **left: int) -> None:
        self.left = Counter(left)
        self.failing = failing
        self.tried: list[str] = []

    async def pending(self, after: str, limit: int) -> list[str]:
        return sorted(id_ for id_ in self.left if id_ > after and self.left[id_])[:limit]

    async def go_on(self, id_: str) -> None:
        self.tried.append(id_)
        if id_ in self.failing:
            raise ValueError(id_)
        self.left[id_] -= 1


async def test_a_large_item_keeps_no_other_waiting() -> None:
    items = Items(a=1_000, b=1_000, c=1, d=2)
    backlog = Backlog("test", items.pending, items.go_on, items_max=2)
    for _ in range(5):
        assert await backlog.turn() == 0
    assert items.tried == ["a", "b", "c", "d", "a", "b", "d", "a", "b"]
    assert +items.left == Counter(a=997, b=997)


async def test_items_that_fail_keep_no_other_waiting_and_are_tried_again() -> None:
    items = Items("a", "b", a=1, b=1, c=1)
    backlog = Backlog("test", items.pending, items.go_on, items_max=2)
    with pytest.raises(NothingDone):
        await backlog.turn()
    assert await backlog.turn() == 0
    assert items.tried == ["a", "b", "c"]
    with pytest.raises(NothingDone):
        await backlog.turn()
    assert items.tried == ["a", "b", "c", "a", "b"]


async def test_without_anything_to_do_the_backlog_rests() -> None:
    items = Items(a=2)
    backlog = Backlog("test", items.pending, items.go_on, items_max=1)
    assert [await backlog.turn() for _ in range(4)] == [0, 0, LOOK_SECONDS, LOOK_SECONDS]

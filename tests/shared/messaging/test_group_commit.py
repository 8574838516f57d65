import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from shared.messaging.group_commit import BUSY_ITEMS, GroupCommit
from shared.runtime.errors import Overloaded, Unavailable
from tests.support.waiting import eventually


class Log:
    """A log that answers each item with its double, at its own pace."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False

    async def write(self, items: Sequence[int]) -> Sequence[int]:
        await self.open.wait()
        if self.broken:
            raise Unavailable("the log does not answer")
        self.groups.append(list(items))
        await asyncio.sleep(0)
        return [2 * item for item in items]


def group_commit(
    log: Log,
    *,
    items_max: int = 800,
    waiting_max: int = 8_000,
    window_seconds: float = 0.0,
    full_group_items: int | None = None,
) -> GroupCommit[int, int]:
    return GroupCommit(
        f"test-{uuid4().hex}",
        log.write,
        items_max=items_max,
        waiting_max=waiting_max,
        window_seconds=window_seconds,
        full_group_items=full_group_items,
    )


async def test_lone_item_is_written_at_once() -> None:
    log = Log()
    assert await group_commit(log).add(21) == 42
    assert log.groups == [[21]]


async def test_each_caller_gets_the_outcome_of_its_own_item() -> None:
    commit = group_commit(Log())
    numbers = range(2_000)
    assert await asyncio.gather(*(commit.add(number) for number in numbers)) == [2 * n for n in numbers]


async def test_those_who_come_during_a_write_are_written_together() -> None:
    log = Log()
    commit = group_commit(log)
    log.open.clear()
    callers = [asyncio.ensure_future(commit.add(0))]
    await asyncio.sleep(0.01)
    callers += [asyncio.ensure_future(commit.add(number)) for number in range(1, 100)]
    await asyncio.sleep(0.01)
    log.open.set()
    await asyncio.gather(*callers)
    assert log.groups == [[0], list(range(1, 100))]


async def test_no_group_is_larger_than_the_bound() -> None:
    log = Log()
    commit = group_commit(log, items_max=10)
    await asyncio.gather(*(commit.add(number) for number in range(95)))
    assert [len(group) for group in log.groups] == [10] * 9 + [5]
    assert [item for group in log.groups for item in group] == list(range(95))


async def test_a_busy_system_waits_for_more() -> None:
    log = Log()
    commit = group_commit(log, window_seconds=0.05)
    await asyncio.gather(*(commit.add(number) for number in range(BUSY_ITEMS)))
    callers = []
    for number in range(3):
        callers.append(asyncio.ensure_future(commit.add(number)))
        await asyncio.sleep(0.002)
    await asyncio.gather(*callers)
    assert log.groups[1:] == [[0, 1, 2]]


async def test_an_idle_system_waits_for_nobody() -> None:
    log = Log()
    commit = group_commit(log, window_seconds=3_600)
    for number in range(3):
        async with asyncio.timeout(10):
            await commit.add(number)
    assert log.groups == [[0], [1], [2]]


async def test_a_full_group_waits_no_longer() -> None:
    log = Log()
    commit = group_commit(log, window_seconds=3_600, items_max=BUSY_ITEMS)
    async with asyncio.timeout(10):
        await asyncio.gather(*(commit.add(number) for number in range(4 * BUSY_ITEMS)))
    assert [len(group) for group in log.groups] == [BUSY_ITEMS] * 4


async def test_a_group_with_enough_items_waits_no_longer_and_more_may_come_along() -> None:
    log = Log()
    commit = group_commit(log, window_seconds=3_600, full_group_items=BUSY_ITEMS)
    async with asyncio.timeout(10):
        await asyncio.gather(*(commit.add(number) for number in range(BUSY_ITEMS)))
        await asyncio.gather(*(commit.add(number) for number in range(3 * BUSY_ITEMS)))
    assert [len(group) for group in log.groups] == [BUSY_ITEMS, 3 * BUSY_ITEMS]


async def test_callers_are_told_when_it_takes_too_long_and_the_group_is_written_all_the_same() -> None:
    log = Log()
    commit = GroupCommit[int, int](f"test-{uuid4().hex}", log.write, seconds_max=0.05)
    log.open.clear()
    outcomes = await asyncio.gather(*(commit.add(number) for number in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    log.open.set()
    await eventually(lambda: log.groups == [[0, 1, 2]])
    assert await commit.add(3) == 6


async def test_failure_is_told_to_all_of_the_group_and_to_nobody_else() -> None:
    log = Log()
    commit = group_commit(log)
    log.broken = True
    outcomes = await asyncio.gather(*(commit.add(number) for number in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    log.broken = False
    assert await commit.add(1) == 2


async def test_those_beyond_the_bound_are_refused_and_the_others_are_not() -> None:
    log = Log()
    commit = group_commit(log, waiting_max=10)
    log.open.clear()
    callers = [asyncio.ensure_future(commit.add(number)) for number in range(10)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await commit.add(10)
    log.open.set()
    assert await asyncio.gather(*callers) == [2 * number for number in range(10)]
    assert await commit.add(11) == 22


async def test_whoever_asks_for_room_is_told_that_there_is_none_and_adds_nothing() -> None:
    log = Log()
    commit = group_commit(log, waiting_max=1)
    commit.check_not_full()
    log.open.clear()
    waiting = asyncio.ensure_future(commit.add(1))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        commit.check_not_full()
    log.open.set()
    assert await waiting == 2
    commit.check_not_full()
    assert log.groups == [[1]]


async def test_caller_who_gives_up_does_not_disturb_the_others() -> None:
    log = Log()
    commit = group_commit(log, waiting_max=3)
    log.open.clear()
    first, second, third = (asyncio.ensure_future(commit.add(number)) for number in range(3))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    log.open.set()
    assert (await first, await third) == (0, 4)
    assert second.cancelled()
    # What was accepted is written, whether anybody still waits for it or not.
    assert log.groups == [[0, 1, 2]]
    assert await commit.add(4) == 8


async def test_failure_that_nobody_waits_for_is_not_an_unraised_error() -> None:
    log = Log()
    commit = group_commit(log)
    log.open.clear()
    caller = asyncio.ensure_future(commit.add(1))
    await asyncio.sleep(0)
    caller.cancel()
    log.broken = True
    log.open.set()
    with pytest.raises(Unavailable):
        await commit.add(2)
    assert caller.cancelled()


async def test_when_a_write_is_broken_off_nobody_waits_for_ever() -> None:
    async def write(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0.01)
        raise asyncio.CancelledError

    commit = GroupCommit[int, int](f"test-{uuid4().hex}", write, items_max=2)
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*(commit.add(number) for number in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    # And there is room again.
    with pytest.raises(Unavailable):
        await commit.add(5)


async def test_writer_that_answers_too_few_is_an_error_to_all_and_not_a_wrong_answer() -> None:
    async def write(items: Sequence[int]) -> Sequence[int]:
        return list(items)[:-1]

    commit = GroupCommit[int, int](f"test-{uuid4().hex}", write)
    outcomes = await asyncio.gather(*(commit.add(number) for number in range(3)), return_exceptions=True)
    assert all(isinstance(outcome, Exception) for outcome in outcomes)

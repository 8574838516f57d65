"""If more wait than one group takes, each network has its turn, and in a network each participant."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4

import pytest

from shared.messaging.fair_commit import FairGroupCommit, Room
from shared.runtime.errors import Overloaded, Unavailable
from shared.runtime.fair_queue import Sender
from tests.support.waiting import eventually

FLOOD = Sender("10.0.0.1")
ELSEWHERE = Sender("10.0.0.2")


class Sent(NamedTuple):
    sender: Sender
    number: int


@dataclass
class Log:
    """A log that answers each item with itself, once it is open."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    groups: list[list[Sent]] = field(default_factory=list)

    async def write(self, items: Sequence[Sent]) -> Sequence[Sent]:
        self.groups.append(list(items))
        await self.open.wait()
        await asyncio.sleep(0)
        return items

    @property
    def written(self) -> list[Sent]:
        return [item for group in self.groups for item in group]


def fair_commit(
    log: Log,
    *,
    items_max: int = 200,
    waiting_max: int = 8_000,
    seconds_max: float = 600,
    room: Room | None = None,
    tried: bool = False,
) -> FairGroupCommit[Sent, Sent]:
    return FairGroupCommit(
        f"test-{uuid4().hex}",
        log.write,
        sender_of=lambda sent: sent.sender,
        room=room or Room("test", waiting_max),
        items_max=items_max,
        seconds_max=seconds_max,
        tried=tried,
    )


async def busy(log: Log, commit: FairGroupCommit[Sent, Sent]) -> asyncio.Future[Sent]:
    """One item is being written, so that all others wait until the log is open."""
    first = commit.add(Sent(Sender("first"), 0))
    await eventually(lambda: len(log.groups) == 1)
    return first


def add(commit: FairGroupCommit[Sent, Sent], sender: Sender, count: int = 1) -> list[asyncio.Future[Sent]]:
    return [commit.add(Sent(sender, number)) for number in range(count)]


async def test_who_comes_behind_three_thousand_of_another_network_is_in_the_next_group() -> None:
    log = Log()
    commit = fair_commit(log)
    callers = [await busy(log, commit), *add(commit, FLOOD, 3_000), *add(commit, ELSEWHERE)]
    log.open.set()
    await asyncio.gather(*callers)
    assert Sent(ELSEWHERE, 0) in log.groups[1]
    assert [len(group) for group in log.groups] == [1, *[200] * 15, 1]
    # And its thousands keep their order.
    assert [sent.number for sent in log.written if sent.sender == FLOOD] == list(range(3_000))


async def test_within_a_network_each_participant_has_a_turn() -> None:
    log = Log()
    commit = fair_commit(log, items_max=10)
    rude, kind = Sender("school", who="rude"), Sender("school", who="kind")
    callers = [await busy(log, commit), *add(commit, rude, 100), *add(commit, kind), *add(commit, FLOOD, 50)]
    log.open.set()
    await asyncio.gather(*callers)
    assert [sent.sender for sent in log.groups[1][:4]] == [rude, FLOOD, kind, FLOOD]


async def test_while_no_more_wait_than_a_group_takes_the_first_to_ask_is_the_first() -> None:
    log = Log()
    commit = fair_commit(log, items_max=10)
    callers = [await busy(log, commit), *add(commit, FLOOD, 9), *add(commit, ELSEWHERE)]
    log.open.set()
    await asyncio.gather(*callers)
    assert log.groups[1] == [*(Sent(FLOOD, number) for number in range(9)), Sent(ELSEWHERE, 0)]


async def test_each_is_written_once_whoever_sends_and_those_of_one_sender_in_order() -> None:
    dice, log = random.Random(1), Log()  # noqa: S311 (the same in each run)
    commit = fair_commit(log, items_max=7)
    log.open.set()
    callers: list[asyncio.Future[Sent]] = []
    sent: dict[Sender, int] = {}
    for _ in range(300):
        for _ in range(dice.choice((0, 1, 1, 30))):
            sender = Sender(dice.choice("abc"), dice.choice(("", "n")), dice.choice(("", "x", "y")))
            sent[sender] = sent.get(sender, 0) + 1
            callers.append(commit.add(Sent(sender, sent[sender])))
        await asyncio.sleep(0)
    await asyncio.gather(*callers)
    assert max(len(group) for group in log.groups) == 7
    for sender, count in sent.items():
        assert [one.number for one in log.written if one.sender == sender] == list(range(1, count + 1))
    assert commit.waiting == 0


async def test_if_it_is_full_the_last_one_of_who_has_most_gives_way() -> None:
    log = Log()
    room = Room("test", 100)
    commit = fair_commit(log, items_max=10, room=room)
    first = await busy(log, commit)
    flood = add(commit, FLOOD, 99)
    assert room.is_full
    # Not to more of its own.
    with pytest.raises(Overloaded):
        commit.add(Sent(FLOOD, 99))
    with pytest.raises(Overloaded):
        room.check(FLOOD)
    room.check(ELSEWHERE)
    honest = add(commit, ELSEWHERE)
    with pytest.raises(Overloaded):
        await flood.pop()
    assert room.waiting == 100
    log.open.set()
    await asyncio.gather(first, *flood, *honest)
    assert Sent(FLOOD, 98) not in log.written
    assert (len(log.written), room.waiting, room.is_full) == (100, 0, False)


async def test_nobody_gives_way_to_one_who_would_have_as_many() -> None:
    log = Log()
    commit = fair_commit(log, items_max=5, waiting_max=51)
    callers = [await busy(log, commit)]
    for number in range(50):
        callers += add(commit, Sender(f"10.0.1.{number}"))
    with pytest.raises(Overloaded):
        commit.add(Sent(ELSEWHERE, 0))
    log.open.set()
    await asyncio.gather(*callers)
    assert len(log.written) == 51


async def test_commits_of_one_room_share_its_bound_and_who_has_most_there_gives_way() -> None:
    log, others = Log(), Log()
    room = Room("test", 100)
    commit, apart = (
        fair_commit(log, items_max=10, room=room),
        fair_commit(others, items_max=10, room=room, tried=True),
    )
    callers = [await busy(log, commit), await busy(others, apart)]
    flood = add(apart, FLOOD, 60)
    callers += add(commit, ELSEWHERE, 38)
    assert room.is_full
    callers += add(commit, ELSEWHERE)
    # It has been tried where it was before, so nobody knows that it was not written.
    with pytest.raises(Unavailable) as gave_way:
        await flood.pop()
    assert not isinstance(gave_way.value, Overloaded)
    # Where another commit has accepted them, none is refused.
    flood += add(apart, FLOOD)
    assert room.waiting == 101
    log.open.set()
    others.open.set()
    await asyncio.gather(*callers, *flood)
    assert room.waiting == 0


async def test_caller_who_gives_up_does_not_disturb_the_others() -> None:
    log = Log()
    commit = fair_commit(log, items_max=2, waiting_max=6)
    first = await busy(log, commit)
    second, third, fourth, fifth, sixth = add(commit, FLOOD, 5)
    third.cancel()
    # The last one gives way to somebody, and nobody waits for it.
    sixth.cancel()
    other = commit.add(Sent(ELSEWHERE, 0))
    log.open.set()
    await asyncio.gather(first, second, fourth, fifth, other)
    # What was accepted is written, whether anybody still waits for it or not.
    assert sorted(sent.number for sent in log.written if sent.sender == FLOOD) == [0, 1, 2, 3]


async def test_who_has_waited_too_long_leaves_the_line_and_what_is_being_written_is_written() -> None:
    log = Log()
    commit = fair_commit(log, items_max=2, seconds_max=0.05)
    first = await busy(log, commit)
    outcomes = await asyncio.gather(first, *add(commit, FLOOD, 9), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 10
    assert commit.waiting == 1
    log.open.set()
    assert await commit.add(Sent(ELSEWHERE, 0)) == Sent(ELSEWHERE, 0)
    assert log.written == [Sent(Sender("first"), 0), Sent(ELSEWHERE, 0)]


async def test_callers_of_a_group_out_of_the_line_are_told_when_it_takes_too_long() -> None:
    log = Log()
    commit = fair_commit(log, items_max=2, seconds_max=0.05)
    # Nothing is written yet: the first group is one out of the line.
    outcomes = await asyncio.gather(*add(commit, FLOOD, 5), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    assert [len(group) for group in log.groups] == [2]
    log.open.set()
    assert await commit.add(Sent(ELSEWHERE, 0)) == Sent(ELSEWHERE, 0)


async def test_when_a_write_is_broken_off_nobody_waits_for_ever() -> None:
    async def write(items: Sequence[Sent]) -> Sequence[Sent]:
        await asyncio.sleep(0.01)
        raise asyncio.CancelledError

    room = Room("test", 100)
    commit = FairGroupCommit[Sent, Sent](
        "test", write, sender_of=lambda sent: sent.sender, room=room, items_max=2, seconds_max=600
    )
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*add(commit, FLOOD, 9), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 9
    assert room.waiting == 0

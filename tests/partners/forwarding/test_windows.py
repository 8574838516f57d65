"""How many records of a partner may wait unread."""

import asyncio

from aiokafka import TopicPartition

from services.partners.forwarding.windows import Window

FIRST, SECOND = TopicPartition("said", 0), TopicPartition("said", 1)


def a_window(width: int = 3) -> Window:
    return Window("said", width, asyncio.Event())


async def test_so_many_go_as_there_is_room_for() -> None:
    window = a_window(3)
    assert await window.take(2) == 2
    assert await window.take(5) == 1
    assert window.unread == 3


async def test_a_full_window_opens_when_the_group_has_read_what_was_written() -> None:
    window = a_window(1)
    await window.take(1)
    window.written(1)
    window.place(window.take_unplaced(), {FIRST: 5, SECOND: 9})
    waiting = asyncio.create_task(window.take(1))
    for committed in ({}, {FIRST: 5}, {FIRST: 5, SECOND: 8}):
        window.open(committed)
        await asyncio.sleep(0)
        assert not waiting.done()
    window.open({FIRST: 5, SECOND: 9})
    assert await waiting == 1


async def test_what_is_written_while_kafka_is_asked_waits_for_the_next_answer() -> None:
    window = a_window(2)
    await window.take(1)
    window.written(1)
    asked = window.take_unplaced()
    await window.take(1)
    window.written(1)
    window.place(asked, {FIRST: 5})
    window.open({FIRST: 5})
    assert window.unread == 1
    window.place(window.take_unplaced(), {FIRST: 6})
    window.open({FIRST: 6})
    assert window.unread == 0


async def test_a_window_that_becomes_narrower_lets_nothing_go_before_there_is_room() -> None:
    window = a_window(4)
    await window.take(4)
    window.written(4)
    window.widen(2)
    waiting = asyncio.create_task(window.take(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    window.place(window.take_unplaced(), {FIRST: 4})
    window.open({FIRST: 4})
    assert await waiting == 1


async def test_partitions_that_nobody_has_written_to_hold_nobody() -> None:
    window = a_window(1)
    await window.take(1)
    window.written(1)
    window.place(window.take_unplaced(), {FIRST: 1, SECOND: 0})
    window.open({FIRST: 1})
    assert window.unread == 0

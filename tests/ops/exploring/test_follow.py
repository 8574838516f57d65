"""Topics are read as they grow, in the order of each partition."""

import asyncio
import threading
from collections.abc import Collection
from queue import Queue

import pytest

from ops.exploring.follow import by_time, follow
from shared.contracts.topics import Topic
from shared.messaging.create_topics import create_missing
from tests.ops.exploring.test_show import Message
from tests.support.kafka import write_raw
from tests.support.leftovers import topics_made
from tests.support.service import new_id

SECONDS_MAX = 60


class Timed(Message):
    """A record with a time and a partition of its own."""

    def __init__(self, partition: int, value: bytes, at_ms: int) -> None:
        super().__init__("t", b"k", value, [])
        self._partition, self._at_ms = partition, at_ms

    def partition(self) -> int:
        return self._partition

    def timestamp(self) -> tuple[int, int]:
        return 1, self._at_ms


def test_records_of_several_partitions_come_by_their_time_and_never_out_of_the_order_of_one() -> None:
    # The sender of the second partition has a clock that goes back.
    read = [
        Timed(0, b"a1", 10),
        Timed(0, b"a2", 40),
        Timed(1, b"b1", 30),
        Timed(1, b"b2", 5),
        Timed(1, b"b3", 50),
    ]
    assert [one.value() for one in by_time(read)] == [b"a1", b"b1", b"b2", b"a2", b"b3"]  # type: ignore[arg-type] # (what is read of a record is there)


@pytest.mark.stack
def test_a_topic_that_is_made_while_somebody_listens_is_read_from_its_beginning(kafka: str) -> None:
    name = new_id("made-later")
    told: Queue[str] = Queue()
    heard: Queue[bytes | None] = Queue()

    def choose(there: Collection[str]) -> list[str]:
        return [name]

    def listen() -> None:
        for message in follow(kafka, choose, "now", tell=told.put, look_seconds=0.05):
            heard.put(message.value())
            return

    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    assert told.get(timeout=SECONDS_MAX) == "listening to 0 topics"
    topics_made.setdefault(kafka, set()).add(name)
    asyncio.run(create_missing(kafka, wanted=[Topic(name, (), 1)]))
    asyncio.run(write_raw(kafka, name, [(b"k", b"first", [])]))
    assert heard.get(timeout=SECONDS_MAX) == b"first"
    listening.join(SECONDS_MAX)
    assert not listening.is_alive()

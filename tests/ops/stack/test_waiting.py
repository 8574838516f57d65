"""A server that is getting ready has more time than one that says the same again and again."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from ops.stack.errors import NotReady, StackError
from ops.stack.process import Command, Started, start
from ops.stack.server import PATIENCE, Server, wait_until_ready

SECONDS = 0.4


class CatchesUp:
    """Says what is missing each time that it is asked."""

    name, place = "kafka-2", 0

    def __init__(self, missing: Callable[[int], str]) -> None:
        self._missing = missing
        self.asked = 0

    async def check(self, _: Any) -> None:
        self.asked += 1
        if missing := self._missing(self.asked):
            raise NotReady(missing)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Started]:
    started = start(Command(("sleep", "60"), tmp_path), tmp_path / "log", detached=False)
    yield started
    started.reap()


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def wait(server: CatchesUp, process: Started, port: int, log: Path) -> None:
    wait_until_ready(cast(Server, server), process.process, [[port]], log, SECONDS)


def test_one_that_gets_nearer_is_waited_for(process: Started, port: int, tmp_path: Path) -> None:
    # Each question takes 0.05 s and more, so this takes longer than one that stands still may.
    server = CatchesUp(lambda asked: f"{12 - asked} partitions" if asked < 12 else "")
    wait(server, process, port, tmp_path / "log")
    assert server.asked == 12


def test_one_that_stands_still_is_given_up(process: Started, port: int, tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"kafka-2 isn't ready after \d+ s \(last: 12 partitions"):
        wait(CatchesUp(lambda _: "12 partitions"), process, port, tmp_path / "log")


def test_one_that_says_something_new_for_ever_is_given_up(
    process: Started, port: int, tmp_path: Path
) -> None:
    began = time.monotonic()
    with pytest.raises(StackError, match="isn't ready"):
        wait(CatchesUp(str), process, port, tmp_path / "log")
    assert time.monotonic() - began > PATIENCE * SECONDS

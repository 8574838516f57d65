"""Notice when a server dies while others use it: all their later errors have this one cause."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.stack.errors import StackError
from ops.stack.logs import tail
from ops.stack.stack import Stack

WATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Watched:
    """One process to watch: its name, whether it is there, and its log."""

    name: str
    is_there: Callable[[], bool]
    log: Path


def servers_of(stack: Stack) -> list[Watched]:
    """Kafka and MongoDB, if they are the stack's own."""
    return [_server(stack, server.name) for server in stack.status() if not server.outside]


@contextmanager
def watching(watched: Sequence[Watched], tell_death: Callable[[str], None]) -> Iterator[None]:
    """Call `tell_death` once, at the first death, with the end of the log. Called from a thread."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            for each in watched:
                if not each.is_there():
                    tell_death(f"{each.name} has died; {tail(each.log)}")
                    return

    watcher = threading.Thread(target=watch, name="watch-servers", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextmanager
def ended_by_a_death(watched: Sequence[Watched]) -> Iterator[None]:
    """
    End the block as soon as one of these processes is gone, also while the block waits. For the main thread.

    Raises:
        StackError: a process died; with the end of its log.
    """
    died: list[str] = []

    def interrupt(last_words: str) -> None:
        died.append(last_words)
        # The signal of Ctrl-C: nothing else ends every kind of wait.
        os.kill(os.getpid(), signal.SIGINT)

    try:
        with watching(watched, interrupt):
            yield
    except BaseException as error:
        # A client may notice before the watcher. Its error is not the cause either.
        if died and isinstance(error, Exception | KeyboardInterrupt):
            raise StackError(died[0]) from error
        raise


def _server(stack: Stack, name: str) -> Watched:
    return Watched(name, lambda: stack.pid(name) is not None, stack.log(name))

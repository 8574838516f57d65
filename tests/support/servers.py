"""
The Kafka and the MongoDB that all tests share, also in several processes. These have a second Kafka.

The process that begins the run starts them: pytest itself, or the controller of its workers (pytest -n 4),
which gives each worker the addresses. A server that dies ends the run: hundreds of tests would fail one by
one for that single reason, each after a timeout.
"""

import os
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ops.stack import Stack
from ops.stack.scratch import in_memory, scratch
from ops.stack.watch import servers_of, watching
from tests.support.waiting import eventually

# Every process of a run has this in its environment, so that it can be ended with the run. Not named KEPU_…:
# some tests take those variables away.
MARK = "TESTED_BY"
# A server of tests runs for minutes: the second compiler of Java would take more time than it saves. (The
# variable is of Java itself.)
JAVA = ("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")


APART = "apart"


class Servers:
    """One stack for the run, started when it is first asked for. Made before any other process of the run."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._stacks: dict[str, Stack] = {}
        self.death: str | None = None
        # Anew also within a run: a test that runs pytest must not be swept away with it.
        os.environ[MARK] = uuid.uuid4().hex
        os.environ.setdefault(*JAVA)
        self._opened = ExitStack()
        self._folder = self._opened.enter_context(
            scratch("kepu-tests-", f"{MARK}={os.environ[MARK]}", within=in_memory())
        )

    @property
    def stack(self) -> Stack:
        """
        The servers, up.

        Raises:
            StackError: they can't be started.
        """
        return self._up("stack", os.environ)

    @property
    def apart(self) -> Stack:
        """The same MongoDB with another Kafka, up. Nobody may have named a Kafka (sharing.py)."""
        return self._up(APART, with_mongo_of(self.stack))

    def _up(self, name: str, environment: Mapping[str, str]) -> Stack:
        if name not in self._stacks:
            stack = Stack(self._folder / name, detached=False, environment=environment, tell=self._tell)
            self._stacks[name] = stack = self._opened.enter_context(stack)
            self._opened.callback(_kill, stack)
            self._opened.enter_context(watching(servers_of(stack), self._end_the_run))
        return self._stacks[name]

    def close(self) -> None:
        """Stop them and remove what they wrote."""
        self._opened.close()

    def _end_the_run(self, last_words: str) -> None:
        self.death = f"all tests share it: {last_words}"
        # Like Ctrl-C: nothing else ends a test that waits in any loop or thread.
        os.kill(os.getpid(), signal.SIGINT)


def with_mongo_of(stack: Stack) -> dict[str, str]:
    """An environment for a stack that has the MongoDB of another one."""
    return {**os.environ, "KEPU_MONGO": stack.mongo}


@contextmanager
def own_stack(nodes: int = 1) -> Iterator[Stack]:
    """
    Separate servers for tests that kill them, also if KEPU_KAFKA and KEPU_MONGO name others.

    Args:
        nodes: of Kafka, and of MongoDB.
    """
    # Not pytest's folders: those stay for some time, and this data is 0.3 GB.
    own = scratch("kepu-own-", within=in_memory())
    with (
        own as folder,
        Stack(folder / "stack", brokers=nodes, mongo_nodes=nodes, detached=False, environment={}) as stack,
    ):
        yield stack
        _kill(stack)


def _kill(stack: Stack) -> None:
    """What a server would write at an orderly end is read by nobody."""
    for name in stack.names:
        if stack.pid(name) is not None:
            stack.kill(name)


async def stand_still(pid: int) -> None:
    """
    Stop a process by SIGSTOP, and wait until each of its threads stands.

    The signal alone is not enough: on another core a thread may still answer a request.
    """

    def all_stopped() -> bool:
        tasks = Path(f"/proc/{pid}/task").glob("*/stat")
        return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)

    os.kill(pid, signal.SIGSTOP)
    await eventually(all_stopped)

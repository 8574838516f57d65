"""
The state of a stack between commands: ports and processes, in one JSON file in its home.

Only the holder of the lock beside it writes the file. It is always replaced completely, so after a kill there
is either the old or the new file.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ops.stack.errors import StackError

LOCK_WAIT_SECONDS_MAX = 180.0
LOCK_POLL_SECONDS = 0.05


class ServerProcess(BaseModel):
    """A process of ours. Another program may get its pid later, so the command line must match too."""

    model_config = ConfigDict(frozen=True)

    pid: int
    command: tuple[str, ...]


class ServerState(BaseModel):
    """The ports stay when the process ends: clients find a restarted server at the first port, as before."""

    model_config = ConfigDict(frozen=True)

    ports: tuple[int, ...] = Field(min_length=1)
    process: ServerProcess | None = None


class State(BaseModel):
    model_config = ConfigDict(frozen=True)

    servers: dict[str, ServerState] = {}

    def with_server(self, name: str, server: ServerState) -> "State":
        return State(servers={**self.servers, name: server})

    def nodes(self, kind: str) -> int:
        """The number of nodes of this kind that have ever been started here."""
        return sum(name == kind or name.startswith(f"{kind}-") for name in self.servers)


def load(path: Path) -> State:
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return State()
    except ValidationError as error:
        raise StackError(
            f"{path} can't be read as the state of a stack: see with ps that none of its servers runs, "
            "then remove it"
        ) from error


def save(path: Path, state: State) -> None:
    # A stack that uses servers of somebody else has started nothing before, and so has no folder yet.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    forming = path.with_suffix(".forming")
    forming.write_text(state.model_dump_json(indent=2) + "\n")
    os.replace(forming, path)


@contextmanager
def locked(path: Path, wait_seconds: float = LOCK_WAIT_SECONDS_MAX) -> Iterator[None]:
    """Hold a lock against other processes and threads. It is released when its holder ends in any way."""
    try:
        import fcntl
    except ImportError as error:
        raise StackError("the local stack runs on Linux and macOS: on Windows, work inside WSL") from error
    deadline = time.monotonic() + wait_seconds
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StackError(
                        f"another command has held {path} for {wait_seconds:.0f} s: "
                        "wait for it or end it, then try again"
                    ) from None
                time.sleep(LOCK_POLL_SECONDS)
        yield

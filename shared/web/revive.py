"""
The health check of a container of ours. It also ends a process that does not live any more.

    python -m shared.web.revive

Docker only calls a container unhealthy, and starts again what has ended. So a process that hangs, or whose
consumer has stopped for a fault of ours, has to be ended: politely, and if that does not help, by force. How
long Docker then waits, and that it waits longer each time, is Docker's own (`restart`). It runs every few
seconds, so it imports next to nothing.
"""

import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from shared.web.probe import is_good

# In memory, and gone with the container's process.
MEMORY = Path("/tmp/kepu-looks")  # noqa: S108 (of the container)
# Looks in a row. The first of all may come before the process listens, on a full machine long before.
ENDED_AFTER = 3
KILLED_AFTER = 5
NEVER_LIVED_ENDED_AFTER = 18


class Looks(NamedTuple):
    """What earlier looks have found: whether the process has lived yet, and how often in a row it did not."""

    lived: bool = False
    failed: int = 0

    def then(self, *, alive: bool) -> "Looks":
        return Looks(lived=True) if alive else Looks(self.lived, self.failed + 1)

    @property
    def signal(self) -> signal.Signals | None:
        """What the process gets after these looks."""
        patience = 0 if self.lived else NEVER_LIVED_ENDED_AFTER - ENDED_AFTER
        if self.failed >= KILLED_AFTER + patience:
            return signal.SIGKILL
        return signal.SIGTERM if self.failed >= ENDED_AFTER + patience else None


def read(memory: Path) -> Looks:
    """The looks until now; none, if the file is not there or not good."""
    try:
        lived, failed = memory.read_text().split()
        return Looks(lived == "lived", int(failed))
    except (OSError, ValueError):
        return Looks()


def write(memory: Path, looks: Looks) -> None:
    """Keep the looks for the next one."""
    memory.write_text(f"{'lived' if looks.lived else 'never'} {looks.failed}")


def children_of(parent: int) -> list[int]:
    """The processes that this one has started. A look of Docker has no parent within the container."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name of a program may have blanks and brackets; the parent is the second word after it.
            words = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == parent:
            found.append(int(status.parent.name))
    return found


def look(port: int, memory: Path, parent: int = 1) -> bool:
    """Look once; end the process that the container's first one has started, if it is time. Is it ready?"""
    alive = is_good("livez", port)
    looks = read(memory).then(alive=alive)
    write(memory, looks)
    if looks.signal:
        for child in children_of(parent):
            os.kill(child, looks.signal)
    return alive and is_good("readyz", port)


if __name__ == "__main__":
    sys.exit(not look(int(os.environ.get("KEPU_PORT", "8000")), MEMORY))

"""A file that a command changes while services read it: one command at a time, and never half of it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

# It has no secrets, and a service in a container reads it as another user.
READABLE = 0o644


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """
    Nobody else changes the file until the end of the block. Its folder is made if it is not there.

    Raises:
        OSError: the folder cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replace(file: Path, content: bytes) -> None:
    """
    Replace the file at once.

    Raises:
        OSError: it cannot be written.
    """
    with NamedTemporaryFile(dir=file.parent, delete=False) as new:
        new.write(content)
        new.flush()
        os.fsync(new.fileno())
    os.chmod(new.name, READABLE)
    os.replace(new.name, file)

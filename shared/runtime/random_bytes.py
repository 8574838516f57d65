"""
Random bytes for keys, nonces and ids, without a system call for each of them.

The kernel gives many bytes at once, and each of them is given out once. A newcomer needs five pieces. During
a system call another thread may begin to work, and then this one has to wait for it.
"""

import os
import threading

TAKEN_AT_ONCE = 4_096


class _Taken(threading.local):
    """What this thread has taken from the kernel, and how much of it was given out."""

    content = b""
    given = 0


_taken = _Taken()


def random_bytes(size: int) -> bytes:
    """
    So many bytes that nobody can guess, as good as `os.urandom`.

    Args:
        size: at most `TAKEN_AT_ONCE`.
    """
    start = _taken.given
    end = start + size
    if end > len(_taken.content):
        _taken.content, start, end = os.urandom(TAKEN_AT_ONCE), 0, size
    _taken.given = end
    return _taken.content[start:end]


def _forget() -> None:
    """Otherwise a forked process would give out the same bytes as its parent."""
    _taken.content = b""


os.register_at_fork(after_in_child=_forget)

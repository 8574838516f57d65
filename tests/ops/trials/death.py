"""Run by test_run.py as a run of its own: a server dies under a test that waits for something else."""

import asyncio
import os
import signal

import pytest

from ops.stack import Stack

pytestmark = pytest.mark.stack


async def test_waits_for_long(stack: Stack) -> None:
    pid = stack.pid("mongo")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(600)


def test_comes_after_it() -> None:
    """Must not be run."""

"""
Processes that tests kill or stop.

Each is forked from a process that has imported the services: to import them anew takes over a second of a
core, and the tests start dozens of processes. The process that forks has neither threads nor connections, so
what it forks is like new. (`multiprocessing` calls it a fork server. Each worker of a run has at most one.)
"""

import asyncio
import multiprocessing
import os
import runpy
import time
from collections.abc import Callable, Coroutine, Mapping
from multiprocessing.connection import Connection
from typing import Any

# pytest too: multiprocessing imports the main module in every process.
PRELOADED = (
    "pytest",
    "services.notifications.app",
    "services.quiz.app",
    "services.registration.app",
    "tests.registration.builders",
    "tests.support.kafka",
)

Work = Callable[..., Coroutine[Any, Any, None]]

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(list(PRELOADED))
# In a process that a test kills: the way to the test.
_to_the_test: "Connection[str, str] | None" = None


class Killable:
    """A process of a test. Start it, kill it, start it again."""

    def __init__(self, run: Callable[..., None], *arguments: object) -> None:
        """
        Args:
            run: a function of a module; it runs in the process.
        """
        self._run, self._arguments = run, arguments
        self._process: multiprocessing.context.ForkServerProcess | None = None
        self._lines: Connection[str, str] | None = None

    @classmethod
    def working(cls, work: Work, *arguments: object) -> "Killable":
        """One that runs this async function of a module."""
        return cls(_work, work, *arguments)

    @classmethod
    def serving(cls, service: str, environment: Mapping[str, str]) -> "Killable":
        """One that is a service, with no other settings than these."""
        return cls(_serve, service, dict(environment))

    async def start(self) -> None:
        """Start it."""
        self._lines, theirs = _forking.Pipe(duplex=False)
        self._process = _forking.Process(
            target=_begin, args=(theirs, self._run, *self._arguments), daemon=True
        )
        # The first one waits for the process that forks, which imports everything.
        await asyncio.to_thread(self._process.start)
        theirs.close()

    async def line(self) -> str:
        """
        What it said by `say`, the first that was not read yet.

        Raises:
            EOFError: it has ended.
        """
        assert self._lines is not None
        return await asyncio.to_thread(self._lines.recv)

    @property
    def runs(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.is_alive()

    async def kill(self) -> None:
        """By SIGKILL. One that has ended by itself is a failure of the test."""
        assert self.runs, "the process has ended by itself"
        await self.end()

    async def stop(self, seconds: float) -> float:
        """
        By SIGTERM, as supervisors do.

        Returns: how many seconds it took to end.
        Raises:
            AssertionError: it had ended by itself, or has not ended after this time.
        """
        assert self.runs, "the process has ended by itself"
        assert self._process is not None
        began = time.monotonic()
        self._process.terminate()
        await asyncio.to_thread(self._process.join, seconds)
        assert not self._process.is_alive(), f"it has not ended within {seconds} s"
        return time.monotonic() - began

    async def end(self) -> None:
        """Kill it if it runs."""
        if self._process is None or self._lines is None:
            return
        self._process.kill()
        await asyncio.to_thread(self._process.join)
        self._process.close()
        self._lines.close()
        self._process = self._lines = None


def say(text: str) -> None:
    """Tell the test something; called in its process."""
    assert _to_the_test is not None
    _to_the_test.send(text)


def _begin(to_the_test: "Connection[str, str]", run: Callable[..., None], *arguments: object) -> None:
    global _to_the_test  # noqa: PLW0603 (a process has one test)
    _to_the_test = to_the_test
    run(*arguments)


def _work(work: Work, *arguments: object) -> None:
    asyncio.run(work(*arguments))


def _serve(service: str, environment: dict[str, str]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("KEPU_")}
    os.environ.clear()
    os.environ.update(kept | environment)
    # As `python -m services.NAME.app`.
    runpy.run_module(f"services.{service}.app", run_name="__main__", alter_sys=True)

"""
How a process is served, and how it ends: it drains first.

From SIGTERM on, /readyz is 503 while the process goes on answering for `KEPU_DRAIN_SECONDS`, so that
balancers look elsewhere before it stops listening. Each answer says `Connection: close`, so kept connections
of a proxy end between two requests. Then it finishes what is under way, as uvicorn does.
"""

import math
import signal
import time
from contextlib import suppress
from types import FrameType

import uvicorn

from shared.runtime.life import Life

# As uvicorn's, for an app that cannot start.
START_FAILED = 3


class Server(uvicorn.Server):
    """uvicorn's server, which drains before it ends."""

    def __init__(self, config: uvicorn.Config, life: Life, *, drain_seconds: float) -> None:
        super().__init__(config)
        self._life = life
        self._drain_seconds = drain_seconds
        self._drained_at = math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first SIGTERM; end at the second one, or at Ctrl-C."""
        first = not self._life.drains
        self._life.drains = True
        if first and sig == signal.SIGTERM and self._drain_seconds > 0:
            self._captured_signals.append(sig)
            self._drained_at = time.monotonic() + self._drain_seconds
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Whether to end; uvicorn asks ten times a second."""
        if time.monotonic() >= self._drained_at or self._life.failure is not None:
            self.should_exit = True
        return await super().on_tick(counter)


def serve(server: Server, life: Life) -> None:
    """
    Serve until the process is told to end.

    Raises:
        SystemExit: it cannot listen, or cannot start; with code 3.
    """
    # uvicorn raises the signal again when it has ended.
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started or life.failure is not None:
        raise SystemExit(START_FAILED)

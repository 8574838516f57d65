"""
How far a process is in its life: it starts, it serves, it is ready, it drains.

`/livez` and `/readyz` tell it (shared/web/health.py). Nothing here asks a server: shared servers fail for all
copies at once, and then no copy is worse than another one (docs/decisions/0090-three-questions.md).
"""

from collections.abc import Callable

from shared.runtime.errors import Unavailable

STARTING = "it is starting"


class Starting(Unavailable):
    """The process has no parts yet that could answer. Another copy may."""

    code = "starting"


class Life:
    """
    One process, from its start to its end.

    Attributes:
        serves: its parts are there, so routes can be answered.
        waits_for: why it is not ready yet; None from the first time on that all that it needs was there.
        drains: it was told to end, and goes on answering while balancers look elsewhere.
        failure: the error of ours because of which it cannot start.
        faults: by name, what says why a part has stopped until the process is started again, or None.
    """

    def __init__(self) -> None:
        self.serves = False
        self.waits_for: str | None = STARTING
        self.drains = False
        self.failure: Exception | None = None
        self.faults: dict[str, Callable[[], str | None]] = {}

    def check_serves(self) -> None:
        """
        Check whether routes can be answered.

        Raises:
            Starting: not yet.
        """
        if not self.serves:
            raise Starting(f"this service cannot answer yet: {self.waits_for}; try again in a few seconds")

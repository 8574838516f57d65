"""What the driver of MongoDB tells of its commands and connections, as metrics. Only `mongo` uses it."""

from typing import Any

from pymongo import monitoring

from shared.runtime import metrics
from shared.runtime.declared import OTHER

metrics.MONGO_SECONDS.begin(metrics.MONGO_COMMANDS)
metrics.MONGO_FAILURES.begin([*metrics.MONGO_COMMANDS, OTHER])
metrics.MONGO_POOL.begin(["open", "used"])


class Commands(monitoring.CommandListener):
    """Times each command."""

    def started(self, event: Any) -> None:
        """Do nothing: the driver tells the time at the end."""

    def succeeded(self, event: Any) -> None:
        """Observe the time of a command that was answered."""
        metrics.MONGO_SECONDS.labels(event.command_name).observe(event.duration_micros / 1e6)

    def failed(self, event: Any) -> None:
        """Count a command that was refused, or not answered."""
        metrics.MONGO_FAILURES.labels(event.command_name).inc()


class Connections(monitoring.ConnectionPoolListener):
    """Counts the connections, and those that a command uses."""

    def __init__(self) -> None:
        self._open, self._used = (metrics.MONGO_POOL.labels(state) for state in ("open", "used"))

    def connection_created(self, event: Any) -> None:
        """One more is open."""
        self._open.inc()

    def connection_closed(self, event: Any) -> None:
        """One less is open."""
        self._open.dec()

    def connection_checked_out(self, event: Any) -> None:
        """One more is used."""
        self._used.inc()

    def connection_checked_in(self, event: Any) -> None:
        """One less is used."""
        self._used.dec()

    def pool_created(self, event: Any) -> None:
        """Do nothing: connections are counted, not pools."""

    pool_ready = pool_cleared = pool_closed = pool_created
    connection_ready = connection_check_out_started = connection_check_out_failed = pool_created

"""Errors of the bench. `ops.errors` says how they are shown."""

from ops.errors import CommandError


class BenchError(CommandError):
    """A line cannot be measured: a process ended, or something is not ready, read or cleared in time."""


class LoadClientError(BenchError):
    """The compiled load client cannot be built, refused its plan, or did not end."""

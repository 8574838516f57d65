"""Errors of the local stack."""

from ops.errors import CommandError


class StackError(CommandError):
    """Kafka or MongoDB on this machine cannot be started, found, stopped or watched."""


class NotReady(Exception):
    """A server does not answer yet. Asking again may help."""

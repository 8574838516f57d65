"""What a user of the local stack can be told."""


class StackError(RuntimeError):
    """The stack can't do what was asked; the message names the thing, the reason and what to do next."""


class NotReady(Exception):
    """A server doesn't answer yet; asking again may help."""

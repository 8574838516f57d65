"""Errors that the kepu command tells its user in one sentence, without a traceback."""


class CommandError(RuntimeError):
    """
    The command cannot do what was asked.

    Each room of ops/ has its own kind, named after the problem. The message names the thing, the reason, and
    what to do next.
    """

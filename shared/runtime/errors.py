"""What can go wrong, by what the caller can do about it."""


class KepuError(Exception):
    """An error with a message for people and a stable code for programs."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Rejected(KepuError):
    """Retrying cannot help: the input is wrong, or what it asks for is not allowed."""

    code = "rejected"


class NotAuthenticated(Rejected):
    """The key or token is missing, expired or forged."""

    code = "not_authenticated"


class Forbidden(Rejected):
    """The key or token is good but does not open this."""

    code = "forbidden"


class NotFound(Rejected):
    """The thing named does not exist."""

    code = "not_found"


class Conflict(Rejected):
    """The thing exists but its state does not allow this."""

    code = "conflict"


class Unavailable(KepuError):
    """A server that we depend on does not answer: retrying helps, and no record is to blame."""

    code = "unavailable"


class Overloaded(Unavailable):
    """A bound on work in flight is reached: come back later."""

    code = "overloaded"

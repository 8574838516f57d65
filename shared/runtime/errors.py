"""
Errors, by what the caller can do.

`Rejected` and its kinds: trying again cannot help. `Unavailable`: trying again may help. HTTP turns them into
problems (shared/web/problems.py), and a consumer into dead letters or waiting (shared/messaging/settling.py).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any


class KepuError(Exception):
    """
    An error with a message for people and a stable code for programs.

    Args:
        values: the parts of the message that vary, for other languages (shared/web/wording.py).

    Attributes:
        shown: more fields of the problem, for programs (RFC 9457, section 3.2).
    """

    code = "error"
    shown: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, message: str, *, code: str | None = None, **values: Any) -> None:
        super().__init__(message)
        self.message = message
        self.values = values
        if code is not None:
            self.code = code


class Rejected(KepuError):
    """Retrying cannot help: the input is wrong, or what it asks for is not allowed."""

    code = "rejected"


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """
    What is wrong with one field of a request. It never contains the input.

    Args:
        field: where it stands, such as body.sessions.0.venue.
        detail: for people, in English.
        values: the parts of `detail` that vary, for other languages.
    """

    field: str
    code: str
    detail: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Invalid(Rejected):
    """
    Fields of the request are wrong.

    Args:
        faults: at least one.
        count: how many there are, if not all are listed.
    """

    code = "invalid"

    def __init__(self, faults: Sequence[Fault], count: int | None = None) -> None:
        self.faults = tuple(faults)
        self.count = count or len(self.faults)
        first = self.faults[0]
        more = f" ({self.count - 1} more)" if self.count > 1 else ""
        super().__init__(f"{first.field}: {first.detail}{more}")


class NotAuthenticated(Rejected):
    """The key or token is missing, expired or forged."""

    code = "not_authenticated"


class Forbidden(Rejected):
    """The key or token is good, but does not allow this."""

    code = "forbidden"


class NotFound(Rejected):
    """The thing named does not exist."""

    code = "not_found"


class Conflict(Rejected):
    """The thing exists but its state does not allow this."""

    code = "conflict"


class Outdated(Rejected):
    """The thing has changed since the client read it. The client has to read it again."""

    code = "outdated"


class Unavailable(KepuError):
    """A server that we need does not answer. Trying again helps, and no record is to blame."""

    code = "unavailable"


class TookTooLong(Unavailable):
    """
    One piece of work did not end in its time. The server may be well, and other pieces of work may go on.

    So a loop counts it as a fault of this piece of work, and not as an outage.
    """


class Overloaded(Unavailable):
    """The limit of work in progress is reached. Try again later."""

    code = "overloaded"

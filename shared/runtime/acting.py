"""
Organisers and their acts: who may do what, and which act is under way.

An act is a request by which an organiser changes something. The edge begins it before the route runs
(shared/web/edge/middleware.py), and `ActStore` keeps it (shared/storage/acts.py).
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Literal, Protocol

import msgspec

Role = Literal["owner", "organiser", "door", "viewer"]
# Detail of an act that a route adds: a number, or a code or reason that the organiser gave.
Details = Mapping[str, str | int]

# For the least role that a route needs: all roles that are enough.
OWNER: frozenset[Role] = frozenset({"owner"})
ORGANISER: frozenset[Role] = OWNER | {"organiser"}
DOOR: frozenset[Role] = ORGANISER | {"door"}
VIEWER: frozenset[Role] = ORGANISER | {"viewer"}
ANY_ROLE: frozenset[Role] = DOOR | VIEWER


class Organiser(msgspec.Struct, frozen=True):
    """Whose key a request carries: the name of the key, and its role."""

    name: str
    role: Role


class Act(msgspec.Struct, frozen=True):
    """
    What an organiser did.

    Attributes:
        ids: the ids in the path, by their names. Bodies are not kept.
        status: of the answer; None if the process ended before it, so that nobody knows the outcome.
        code: of the refusal.
        details: what the route added, such as how many people's names were opened.
    """

    act_id: str
    at: datetime
    who: str
    role: Role
    method: str
    route: str
    ids: dict[str, str]
    correlation_id: str
    status: int | None = None
    code: str | None = None
    details: dict[str, str | int] = {}


class ActLog(Protocol):
    """Keeps acts: each one before its effect, and its outcome after it."""

    async def begin(self, act: Act) -> None:
        """Keep an act durably, before its effect."""

    async def note(self, act_id: str, details: Details) -> None:
        """Add details durably, before the effect that they describe."""

    async def end(self, act_id: str, status: int, code: str | None) -> None:
        """Keep the outcome. The effect is there already, so a failure is only logged."""


class ActPages(Protocol):
    """Shows acts."""

    async def page(
        self, who: str | None, since: datetime | None, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Act]:
        """Acts before this time and id, the latest first: of one organiser, or of all."""


class Acting:
    """
    The act of the request at hand.

    Attributes:
        code: of the refusal, as soon as there is one.
    """

    def __init__(self, log: ActLog, act: Act) -> None:
        self.act = act
        self.code: str | None = None
        self._log = log

    async def note(self, **details: str | int) -> None:
        """Add details durably, before the effect that they describe."""
        await self._log.note(self.act.act_id, details)

    async def end(self, status: int) -> None:
        """Keep the outcome."""
        await self._log.end(self.act.act_id, status, self.code)


acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def current() -> Acting:
    """
    The act of the request at hand.

    Raises:
        LookupError: there is none, so what needs a log must not happen.
    """
    one = acting.get()
    if one is None:
        raise LookupError("this is no organiser's act")
    return one


def refused(code: str) -> None:
    """The act at hand, if there is one, is refused with this code."""
    if (one := acting.get()) is not None:
        one.code = code

"""
Who listens to live boards in a process, within bounds.

A listener keeps a connection and some memory for minutes, and anybody may be one. So there is a bound for a
network, for an organiser's key and for the process. If the process is full, a newcomer takes the place of the
one who has listened longest in the network that has most, unless it would have most itself.
"""

import asyncio
import random
import time
from collections.abc import Hashable
from typing import Literal, get_args

from shared.runtime import metrics
from shared.runtime.errors import Overloaded
from shared.web.edge.streams import Connection
from shared.web.senders import Bounded, bounded_of

LISTENERS_MAX = 4_000
# Half of them: a hall, or all who come through a proxy that is not named in the settings, are one network.
LISTENERS_OF_A_NETWORK_MAX = 2_000
LISTENERS_OF_A_KEY_MAX = 100
# Then the client connects again, and its key or token is checked again.
LISTENED_SECONDS_MAX = 600.0
# Each ends at another time within this share of the whole.
LISTENED_SHARE_MIN = 0.8

Why = Literal["displaced", "finished", "left", "stopping", "time"]
"""Why a stream has ended: nothing follows, the client has gone, or the process ends it."""

NAME = "live"
_refused = metrics.OVERLOADED.labels(NAME)
_ended = {why: metrics.LIVE_ENDED.labels(why) for why in get_args(Why)}


class Listener:
    """
    One stream.

    Attributes:
        view: what of the board it shows.
        why: that it has to end, and the reason; None while it goes on.
        sends: it waits until its client has read.
    """

    __slots__ = ("_connection", "_until", "_woken", "names", "sends", "view", "why")

    def __init__(
        self, view: Hashable, names: tuple[Bounded, ...], seconds: float, connection: Connection | None
    ) -> None:
        self.view = view
        self.names = names
        self.why: Why | None = None
        self.sends = False
        self._connection = connection
        self._woken = asyncio.Event()
        self._until = time.monotonic() + seconds

    def wake(self) -> None:
        """There may be something new."""
        self._woken.set()

    async def woken(self) -> None:
        """Wait until there may be something new since the last call."""
        await self._woken.wait()
        self._woken.clear()
        if self.why is None and time.monotonic() > self._until:
            self.why = "time"

    def end(self, why: Why) -> None:
        """Let it end now. If its client does not read, so does its connection."""
        self.why = self.why or why
        self.wake()
        if self.sends and self._connection is not None:
            self._connection.give_way()


class Listeners:
    """All listeners of a process."""

    def __init__(
        self,
        *,
        listeners_max: int = LISTENERS_MAX,
        of_a_network_max: int = LISTENERS_OF_A_NETWORK_MAX,
        of_a_key_max: int = LISTENERS_OF_A_KEY_MAX,
        listened_seconds_max: float = LISTENED_SECONDS_MAX,
    ) -> None:
        self._listeners_max = listeners_max
        self._of_a_network_max = of_a_network_max
        self._of_a_key_max = of_a_key_max
        self._listened_seconds_max = listened_seconds_max
        # In the order in which they came.
        self._all: dict[Listener, None] = {}
        self._by_name: dict[str, dict[Listener, None]] = {}
        self._stopping = False

    def __len__(self) -> int:
        return len(self._all)

    def admit(
        self, view: Hashable, *, address: str, key: str = "", connection: Connection | None = None
    ) -> Listener:
        """
        One more listener.

        Args:
            address: where the request comes from.
            key: the name of the organiser's key that it carries.

        Raises:
            Overloaded: too many listen already, or the process is about to end.
        """
        names = (Bounded(f"key {key}", 1),) if key else bounded_of(address)
        most = self._of_a_key_max if key else self._of_a_network_max
        if self._stopping or any(len(self._of(one)) >= most * one.times for one in names):
            raise _no_room()
        if len(self._all) >= self._listeners_max:
            self._make_room(names[0])
        spread = random.uniform(LISTENED_SHARE_MIN, 1.0)  # noqa: S311 (no secret)
        listener = Listener(view, names, self._listened_seconds_max * spread, connection)
        self._all[listener] = None
        for one in names:
            self._by_name.setdefault(one.name, {})[listener] = None
        metrics.LIVE_LISTENERS.set(len(self._all))
        return listener

    def leave(self, listener: Listener, why: Why) -> None:
        """This one has ended."""
        self._forget(listener)
        _ended[why].inc()

    def end_all(self) -> None:
        """The process is about to end: all end at once, and come back to another process."""
        self._stopping = True
        for listener in list(self._all):
            listener.end("stopping")

    def _of(self, one: Bounded) -> dict[Listener, None]:
        return self._by_name.get(one.name, {})

    def _make_room(self, newcomer: Bounded) -> None:
        # The first name of each is its network, or its key.
        most = max(self._by_name.values(), key=len)
        if len(most) <= len(self._of(newcomer)) + 1:
            raise _no_room()
        longest = next(iter(most))
        # Its place is free now; its stream ends in a moment.
        self._forget(longest)
        longest.end("displaced")

    def _forget(self, listener: Listener) -> None:
        if listener not in self._all:
            return
        del self._all[listener]
        for one in listener.names:
            others = self._by_name[one.name]
            del others[listener]
            if not others:
                del self._by_name[one.name]
        metrics.LIVE_LISTENERS.set(len(self._all))


def _no_room() -> Overloaded:
    _refused.inc()
    return Overloaded("too many listen to live boards; read the page, and try again in a minute")

"""
Heavy work that few may ask for: one at a time in a process, a rest after each, and all who ask in turn.

The keys of organisers go before everybody, so the places of the framework do not bound what they ask for.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from shared.runtime.errors import Overloaded
from shared.runtime.fair_queue import FairQueue, Sender

# After a turn there is a rest of this number of times its duration: such work has half of the time at most.
RESTS = 1
# Under way for one who asks; a browser sends six requests at once.
OF_ONE_MAX = 8

T = TypeVar("T")


class Paced:
    """
    Lets one in at a time, with a rest in between, and one of each asker in turn.

    `who` asks is the name of an organiser's key, or the id of a group. However much one of them asks for,
    another one waits for one turn of each, and not for all that came before. The turns of one asker go round
    too, among what it asks for parts of (for example sessions).
    """

    def __init__(self) -> None:
        self._line: FairQueue[tuple[Askers, Sender]] = FairQueue()
        self._under_way: Counter[Sender] = Counter()
        # Somebody has the turn, or it is the rest after one.
        self._taken = False

    def askers(self) -> "Askers":
        """Nobody yet."""
        return Askers(self._line, self._under_way)

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """
        Wait until it is the turn of this one.

        Raises:
            Overloaded: `OF_ONE_MAX` of theirs are under way already.
        """
        askers = self.askers()
        askers.add(who)
        try:
            async with self.turn_of(askers):
                yield
        finally:
            askers.end()

    @asynccontextmanager
    async def turn_of(self, askers: "Askers") -> AsyncIterator[None]:
        """Wait until it is the turn of any of these."""
        await self._wait(askers)
        began = time.monotonic()
        try:
            yield
        finally:
            rest_seconds = RESTS * (time.monotonic() - began)
            asyncio.get_running_loop().call_later(rest_seconds, self._call_next)

    async def pieces(self, who: str, pieces: AsyncIterator[T]) -> AsyncIterator[T]:
        """
        The same pieces, each made in a turn of its own.

        A client that reads slowly keeps nobody waiting. The file is under way until its last piece is read,
        or nobody has what is returned.

        Raises:
            Overloaded: `OF_ONE_MAX` of theirs are under way already.
        """
        made = self._pieces(who, pieces)
        # Its code has begun now: so its end runs also if nobody reads a piece.
        await anext(made)
        return made

    async def _pieces(self, who: str, pieces: AsyncIterator[T]) -> AsyncGenerator[Any]:
        askers = self.askers()
        askers.add(who)
        try:
            yield None
            while True:
                async with self.turn_of(askers):
                    try:
                        piece = await anext(pieces)
                    except StopAsyncIteration:
                        return
                yield piece
        finally:
            askers.end()

    async def _wait(self, askers: "Askers") -> None:
        if not self._taken:
            self._taken = True
            return
        called = askers.stand_in_line()
        try:
            await called
        except asyncio.CancelledError:
            if called.cancelled():
                askers.leave_line()
            else:
                # It was their turn already.
                self._call_next()
            raise

    def _call_next(self) -> None:
        while self._line:
            askers, name = self._line.take()
            if askers.call(name):
                return
        self._taken = False


class Askers:
    """
    Those who wait for the same turn: it comes as soon as it is the turn of any of them.

    For each of them one more is under way until the end.
    """

    def __init__(self, line: FairQueue[tuple["Askers", Sender]], under_way: Counter[Sender]) -> None:
        self._line = line
        self._under_way = under_way
        self._names: set[Sender] = set()
        # Done when the turn comes; None while they do not stand in the line.
        self._called: asyncio.Future[None] | None = None

    def add(self, who: str, of: str = "") -> None:
        """
        One more who asks. Somebody who asks already changes nothing.

        Args:
            of: what this is a part of: those of one asker take turns, and each has its own bound.

        Raises:
            Overloaded: `OF_ONE_MAX` of theirs are under way already.
        """
        name = Sender(who, of)
        if name in self._names:
            return
        if self._under_way[name] >= OF_ONE_MAX:
            raise Overloaded("your other requests of this kind are still under way; try again in a moment")
        self._under_way[name] += 1
        self._names.add(name)
        if self._called is not None:
            self._line.add(name, (self, name))

    def stand_in_line(self) -> asyncio.Future[None]:
        """They wait from now on, until what is returned is done."""
        self._called = asyncio.get_running_loop().create_future()
        for name in self._names:
            self._line.add(name, (self, name))
        return self._called

    def call(self, taken: Sender) -> bool:
        """
        It is their turn: that of this one, who is out of the line already.

        Returns: whether they still wait; the one who waited for them may have been cancelled.
        """
        called = self._called
        self.leave_line(taken)
        if called is None or called.done():
            return False
        called.set_result(None)
        return True

    def leave_line(self, taken: Sender | None = None) -> None:
        """They do not wait any more."""
        if self._called is not None:
            self._called = None
            for name in self._names - {taken}:
                self._line.remove(name, (self, name))

    def end(self) -> None:
        """Nothing of theirs is under way here any more."""
        self._under_way -= Counter(self._names)
        self._names.clear()

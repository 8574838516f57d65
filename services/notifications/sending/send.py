"""
Hand messages over on several connections at the same time. A wrong message does not stop the others.

A server may close the connection because of one recipient, or for its own reasons. So if the connection
closes at a message, the message is sent once more after all others, on another connection. If that connection
closes too, the message is the reason.

A message waits if too many of its kind are under way (places.py). Others go before it. If no message that is
left can be begun for a while, all that are left are put back: they must not wait for messages at which the
server hangs.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic

from services.notifications.sending.channel import Connection, Item, ServerDown
from services.notifications.sending.metrics import count_failed
from services.notifications.sending.places import Begun, Places
from services.notifications.sending.rules import Claimed, Reply
from services.notifications.sending.spans import record_sent
from services.notifications.texts.policy import CODE_KIND
from shared.contracts.origin import ids_of
from shared.runtime import tracing

log = logging.getLogger(__name__)

# After this number of closed connections at one message, the message is the reason.
CLOSINGS_MAX = 2
# The time for one message, including reconnects. The courier's lease depends on it (LEASE_SECONDS_MIN).
SEND_SECONDS_MAX = 45.0
# If no message was begun for this time, those that are left are put back.
PUT_BACK_SECONDS = 1.0
WATCH_SECONDS = PUT_BACK_SECONDS / 4


@dataclass(slots=True)
class Sent:
    """
    What becomes of messages while they are sent.

    `send_all` adds the replies one by one. At its end it adds the messages that were not sent, and the error
    if the server is away. `put_back`: messages that had to wait for others that are under way, added
    meanwhile.
    """

    replies: list[tuple[Claimed, Reply]] = field(default_factory=list)
    put_back: list[Claimed] = field(default_factory=list)
    untried: list[Claimed] = field(default_factory=list)
    down: ServerDown | None = None

    def take_replies(self) -> list[tuple[Claimed, Reply]]:
        """The replies since the last call."""
        taken, self.replies = self.replies, []
        return taken

    def take_put_back(self) -> list[Claimed]:
        """The messages that were put back since the last call."""
        taken, self.put_back = self.put_back, []
        return taken


async def send_all(
    connections: Sequence[Connection[Item]],
    items: Sequence[tuple[Claimed, Item]],
    may_go_on: Callable[[], bool],
    sent: Sent,
    release: Callable[[Connection[Item]], None],
    places: Places,
) -> None:
    """
    Hand these messages over, in this order, until all are sent or `may_go_on` returns False.

    Each connection is released as soon as it has nothing more to do. If the server is slow at one message,
    only one connection has to wait, and the others go on with other messages. If the server asks us to wait,
    all connections stop.
    """
    run = _Run(_Left(items), may_go_on, sent, places)

    async def over(connection: Connection[Item]) -> None:
        try:
            await run.send_until_empty(connection)
        finally:
            release(connection)

    watching = asyncio.create_task(run.watch())
    try:
        await asyncio.gather(*[over(connection) for connection in connections])
    finally:
        watching.cancel()
    run.end()


class _Run(Generic[Item]):
    """One call of `send_all`: what its connections know of each other."""

    def __init__(
        self, left: "_Left[Item]", may_go_on: Callable[[], bool], sent: Sent, places: Places
    ) -> None:
        self._left = left
        self._may_go_on = may_go_on
        self._sent = sent
        self._places = places
        self._closings: Counter[str] = Counter()
        self._lost: list[ServerDown] = []
        # The connections that were given a message.
        self._used: set[int] = set()
        # The connections that send one now, by the number of the message.
        self._sending: dict[int, Connection[Item]] = {}

    async def send_until_empty(self, connection: Connection[Item]) -> None:
        while self._left.items and self._may_go_on() and not self._asked_to_wait():
            if (begun := self._left.begin_first(self._places)) is None:
                return
            self._used.add(id(connection))
            one, item, under_way = begun
            began = time.monotonic()
            self._sending[under_way.number] = connection
            try:
                reply = await _send(connection, one, item)
            except ServerDown as error:
                self._lost.append(error)
                self._left.items.append((one, item))
                return
            finally:
                del self._sending[under_way.number]
                self._places.end(under_way, time.monotonic() - began)
            if reply.verdict == "closed":
                self._closings[one.message.message_id] += 1
                if self._closings[one.message.message_id] < CLOSINGS_MAX:
                    self._left.items.append((one, item))
                    continue
            self._sent.replies.append((one, reply))

    async def watch(self) -> None:
        """Put back what could not be begun for a while, and interrupt what takes too long, repeatedly."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for one in self._places.overdue():
                if (connection := self._sending.get(one.number)) is not None:
                    connection.interrupt()
            if not self._lost:
                # A message that has closed a connection stays, and is sent once more: it may be the reason.
                self._sent.put_back += self._left.take_idle(
                    lambda one: not self._closings[one.message.message_id]
                )

    def end(self) -> None:
        """Say what becomes of the rest, and whether the server is away."""
        rest = [one for one, _ in self._left.items]
        if not self._lost and self._may_go_on():
            self._sent.put_back += rest
        else:
            self._sent.untried = rest
        if self._asked_to_wait():
            self._sent.down = max(self._lost, key=lambda error: error.pause_seconds or 0.0)
        elif self._lost and len(self._lost) == len(self._used):
            self._sent.down = self._lost[0]

    def _asked_to_wait(self) -> bool:
        return any(error.pause_seconds is not None for error in self._lost)


class _Left(Generic[Item]):
    """The messages that are left."""

    def __init__(self, items: Sequence[tuple[Claimed, Item]]) -> None:
        self.items = deque(items)
        self._begun_at = time.monotonic()

    def begin_first(self, places: Places) -> tuple[Claimed, Item, Begun] | None:
        """The first message that may be under way now; None: all have to wait."""
        for at, (one, item) in enumerate(self.items):
            begun = places.begin(item.address, is_code=one.message.kind == CODE_KIND)
            if begun is not None:
                del self.items[at]
                self._begun_at = time.monotonic()
                return one, item, begun
        return None

    def take_idle(self, may_go: Callable[[Claimed], bool]) -> list[Claimed]:
        """The messages that may go, if none was begun for `PUT_BACK_SECONDS`. They are taken out."""
        if time.monotonic() - self._begun_at < PUT_BACK_SECONDS:
            return []
        taken = [one for one, _ in self.items if may_go(one)]
        self.items = deque((one, item) for one, item in self.items if not may_go(one))
        return taken


async def _send(connection: Connection[Item], one: Claimed, item: Item) -> Reply:
    began_ns = time.time_ns()
    reply = await _handed_over(connection, one, item)
    if tracing.recorder is not None:
        record_sent(tracing.recorder, one.message, reply, began_ns)
    return reply


async def _handed_over(connection: Connection[Item], one: Claimed, item: Item) -> Reply:
    try:
        async with asyncio.timeout(SEND_SECONDS_MAX):
            return await connection.send(item)
    except ServerDown:
        raise
    except TimeoutError:
        connection.drop()
        return Reply("deferred", connection.interrupted)
    except Exception as error:  # noqa: BLE001 (one message's fault, counted, and tried again later)
        connection.drop()
        count_failed(connection.unsendable)
        # Without the error's message, which may quote the address.
        log.warning(
            "a message failed; the others go on",
            extra={"reason": type(error).__name__, **ids_of(one.message.cause)},
        )
        return Reply("deferred", connection.unsendable)

"""
Requests that come at the same time share a transaction. A busy session does not delay other sessions.

One transaction for all sessions costs least. But if another process has locked one of the sessions, the
whole transaction fails. (A process that died within a transaction keeps its locks for a time.) Then each
session gets a transaction of its own. A session that is still locked gets its own queue, which is removed
when it is empty.

If more wait than one transaction decides, senders take turns (shared/messaging/fair_commit.py).
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import NamedTuple, TypeAlias

from services.registration.booking.batch import BookingRequest, Outcome
from services.registration.booking.book import BOOKINGS_MAX, Booking
from services.registration.sessions.rules import SessionId
from shared.messaging.fair_commit import FairGroupCommit, Room
from shared.runtime.errors import Rejected, Unavailable
from shared.runtime.fair_queue import Sender
from shared.storage.unit_of_work import Contended
from shared.web.senders import sender_at

# A transaction takes far less time, also if two copies of the service take turns.
CONTENDED_SECONDS_MAX = 0.3
# Each queue tries its transaction again and again. If more sessions are busy, then the database itself is too
# busy.
QUEUES_MAX = 16


class Asked(NamedTuple):
    """
    A request, and who sends it.

    Attributes:
        address: where it comes from.
        who: the participant whose token it carries; empty without one.
    """

    request: BookingRequest
    address: str
    who: str


Decided: TypeAlias = Outcome | Rejected
Queue: TypeAlias = FairGroupCommit[Asked, Decided]


class Gathering:
    """
    Gathers requests for places.

    Args:
        waiting_max: number of requests that may wait for a decision. If there are more, the last one of the
            sender who has most is refused.
        seconds_max: after this time a request gets the answer that it may have been booked or not.
    """

    def __init__(self, booking: Booking, *, waiting_max: int, seconds_max: float) -> None:
        self._booking = booking
        self._seconds_max = seconds_max
        self._room = Room("bookings", waiting_max)
        self._common: FairGroupCommit[Asked, Decided | Awaitable[Decided]] = FairGroupCommit(
            "bookings",
            self._book_together,
            sender_of=_sender_of,
            room=self._room,
            items_max=BOOKINGS_MAX,
            seconds_max=seconds_max,
        )
        self._queues: dict[SessionId, Queue] = {}

    @property
    def waiting(self) -> int:
        """Requests that are not decided yet."""
        return self._room.waiting

    @property
    def is_full(self) -> bool:
        """Whether one more request needs another one to give way."""
        return self._room.is_full

    def check_room(self, address: str, who: str) -> None:
        """
        Check that there is room for one more request of this sender.

        Raises:
            Overloaded: too many wait already, and nobody has more of them than this sender.
        """
        self._room.check(sender_at(address, who))

    async def book(self, asked: Asked) -> Decided:
        """
        Book one request.

        Raises:
            Overloaded: too many wait, and nobody has more of them than this sender; nothing was booked.
            Unavailable: it may have been booked or not; with the same key it is booked once.
        """
        decided = await self._common.add(asked)
        return decided if isinstance(decided, Outcome | Rejected) else await decided

    async def _book_together(self, asked: Sequence[Asked]) -> Sequence[Decided | Awaitable[Decided]]:
        # Earlier requests for a busy session wait in its queue. Later requests for it must wait behind them.
        together = [one.request for one in asked if one.request.session_id not in self._queues]
        decided: dict[int, Decided] = {}
        try:
            decided = await self._book(together)
        except Contended:
            by_session: dict[SessionId, list[BookingRequest]] = {}
            for one in together:
                by_session.setdefault(one.session_id, []).append(one)
            if len(by_session) > 1:
                for some in await asyncio.gather(*(self._book_or_not(one) for one in by_session.values())):
                    decided |= some
        return [decided.get(id(one.request)) or self._in_queue(one) for one in asked]

    async def _book(self, requests: Sequence[BookingRequest]) -> dict[int, Decided]:
        decided = await self._booking.book(requests, contended_seconds_max=CONTENDED_SECONDS_MAX)
        return {id(request): one for request, one in zip(requests, decided, strict=True)}

    async def _book_or_not(self, requests: Sequence[BookingRequest]) -> dict[int, Decided]:
        """
        Book these requests; the result is empty if the database gave no answer.

        In that case the requests go to the queues, and are booked from there. A request that was booked
        already is not booked again, because it has the same key.
        """
        try:
            return await self._book(requests)
        except Unavailable:
            return {}

    def _in_queue(self, asked: Asked) -> Awaitable[Decided]:
        session_id = asked.request.session_id
        queue = self._queues.get(session_id)
        if queue is None:
            if len(self._queues) >= QUEUES_MAX:
                return _failed(Contended("many sessions are busy; send it again"))
            queue = self._queues[session_id] = self._new_queue(session_id)
        return queue.add(asked)

    def _new_queue(self, session_id: SessionId) -> Queue:
        async def book(asked: Sequence[Asked]) -> Sequence[Decided]:
            try:
                return await self._booking.book([one.request for one in asked])
            finally:
                if queue.waiting == len(asked):
                    del self._queues[session_id]
                    self._room.commits.discard(queue)

        queue: Queue = FairGroupCommit(
            "bookings_apart",
            book,
            sender_of=_sender_of,
            room=self._room,
            items_max=BOOKINGS_MAX,
            seconds_max=self._seconds_max,
            tried=True,
        )
        return queue


def _sender_of(asked: Asked) -> Sender:
    return sender_at(asked.address, asked.who)


def _failed(error: Exception) -> Awaitable[Decided]:
    failed: asyncio.Future[Decided] = asyncio.get_running_loop().create_future()
    failed.set_exception(error)
    return failed

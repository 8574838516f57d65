"""
Requests that come at the same time share a transaction. A busy session does not delay other sessions.

One transaction for all sessions costs least. But if another process has locked one of the sessions, the
whole transaction fails. (A process that died within a transaction keeps its locks for a time.) Then each
session gets a transaction of its own. A session that is still locked gets its own queue, which is removed
when it is empty.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeAlias

from services.registration.booking.batch import BookingRequest, Outcome
from services.registration.booking.book import BOOKINGS_MAX, Booking
from services.registration.sessions.rules import SessionId
from shared.messaging.group_commit import GroupCommit
from shared.runtime.errors import Rejected, Unavailable
from shared.storage.unit_of_work import Contended

# A transaction takes far less time, also if two copies of the service take turns.
CONTENDED_SECONDS_MAX = 0.3
# Each queue tries its transaction again and again. If more sessions are busy, then the database itself is too
# busy.
QUEUES_MAX = 16

Decided: TypeAlias = Outcome | Rejected
Queue: TypeAlias = GroupCommit[BookingRequest, Decided]


class Gathering:
    """
    Gathers requests for places.

    Args:
        waiting_max: number of requests that may wait for a decision. More are refused.
        seconds_max: after this time a request gets the answer that it may have been booked or not.
    """

    def __init__(self, booking: Booking, *, waiting_max: int, seconds_max: float) -> None:
        self._booking = booking
        self._waiting_max = waiting_max
        self._seconds_max = seconds_max
        self._common: GroupCommit[BookingRequest, Decided | Awaitable[Decided]] = GroupCommit(
            "bookings",
            self._book_together,
            items_max=BOOKINGS_MAX,
            waiting_max=waiting_max,
            seconds_max=seconds_max,
        )
        self._queues: dict[SessionId, Queue] = {}

    def check_not_full(self) -> None:
        """
        Check that there is room for one more request.

        Raises:
            Overloaded: too many wait already.
        """
        self._common.check_not_full(self._waiting_apart)

    @property
    def waiting(self) -> int:
        """Requests that are not decided yet."""
        return self._common.waiting + self._waiting_apart

    @property
    def _waiting_apart(self) -> int:
        return sum(queue.waiting for queue in self._queues.values())

    async def book(self, request: BookingRequest) -> Decided:
        """
        Book one request.

        Raises:
            Overloaded: too many wait already; nothing was booked.
            Unavailable: it may have been booked or not; with the same key it is booked once.
        """
        decided = await self._common.add(request)
        return decided if isinstance(decided, Outcome | Rejected) else await decided

    async def _book_together(
        self, requests: Sequence[BookingRequest]
    ) -> Sequence[Decided | Awaitable[Decided]]:
        # Earlier requests for a busy session wait in its queue. Later requests for it must wait behind them.
        together = [one for one in requests if one.session_id not in self._queues]
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
        return [decided.get(id(one)) or self._in_queue(one) for one in requests]

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

    def _in_queue(self, request: BookingRequest) -> Awaitable[Decided]:
        queue = self._queues.get(request.session_id)
        if queue is None:
            if len(self._queues) >= QUEUES_MAX:
                return _failed(Contended("many sessions are busy; send it again"))
            queue = self._queues[request.session_id] = self._new_queue(request.session_id)
        try:
            return queue.add(request)
        except Unavailable as error:
            return _failed(error)

    def _new_queue(self, session_id: SessionId) -> Queue:
        async def book(requests: Sequence[BookingRequest]) -> Sequence[Decided]:
            try:
                return await self._booking.book(requests)
            finally:
                if queue.waiting == len(requests):
                    del self._queues[session_id]

        queue: Queue = GroupCommit(
            "bookings_apart",
            book,
            items_max=BOOKINGS_MAX,
            waiting_max=self._waiting_max,
            seconds_max=self._seconds_max,
        )
        return queue


def _failed(error: Exception) -> Awaitable[Decided]:
    failed: asyncio.Future[Decided] = asyncio.get_running_loop().create_future()
    failed.set_exception(error)
    return failed

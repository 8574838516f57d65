"""
Where people stand on waiting lists now.

On a short list those ahead are counted for each question. On a long one that would cost thousands for each of
somebody's waits. So the numbers of all who wait are read once for all who ask, and are good for some seconds.
"""

import asyncio
import time
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import TypeAlias

from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.sessions.rules import Session

# On a list of up to this length a position is counted.
SHORT_LIST_MAX = 200
# A position on a longer list is as it was up to this time ago.
POSITIONS_SECONDS = 2.0
# Long lists in memory: 8 bytes for each who waits.
LONG_LISTS_MAX = 100

Numbers: TypeAlias = "array[int]"


class Positions:
    """Says where registrations stand on waiting lists."""

    def __init__(
        self,
        registrations: RegistrationStore,
        *,
        counted_max: int = SHORT_LIST_MAX,
        kept_seconds: float = POSITIONS_SECONDS,
    ) -> None:
        self._registrations = registrations
        self._counted_max = counted_max
        self._kept_seconds = kept_seconds
        # Until when each is good. The one that is read while others ask is there too.
        self._lists: OrderedDict[str, tuple[float, asyncio.Task[Numbers]]] = OrderedDict()

    async def of(self, some: Collection[Registration], sessions: Mapping[str, Session]) -> dict[str, int]:
        """
        The positions, from 1, of those of these registrations that wait, by id.

        Args:
            sessions: theirs, as just read.
        """
        return {
            one.registration_id: await self._of(one, sessions[one.session_id])
            for one in some
            if one.status == "waitlisted"
        }

    async def _of(self, one: Registration, session: Session) -> int:
        if session.waiting <= self._counted_max:
            return await self._registrations.position(one) or 1
        return bisect_left(await self._numbers(one.session_id), one.sequence) + 1

    async def _numbers(self, session_id: str) -> Numbers:
        """The numbers of all who wait, in their order."""
        until, reading = self._lists.get(session_id, (0.0, None))
        now = time.monotonic()
        if reading is None or until < now or (reading.done() and reading.exception()):
            reading = asyncio.create_task(self._read(session_id))
            self._lists[session_id] = now + self._kept_seconds, reading
            self._lists.move_to_end(session_id)
            if len(self._lists) > LONG_LISTS_MAX:
                self._lists.popitem(last=False)
        # A client that goes away takes nothing from the others.
        return await asyncio.shield(reading)

    async def _read(self, session_id: str) -> Numbers:
        return array("q", sorted(await self._registrations.waiting_numbers(session_id)))

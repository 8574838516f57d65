"""
The names of members who have left their group come off its bookings, in the background.

Each registration is changed in a transaction of its own, with its session. What a killed worker has not done
is still marked, and another one does it.
"""

from services.registration.booking import metrics
from services.registration.booking.cancel import Cancellation
from services.registration.group_bookings.change_members import GroupChange
from services.registration.group_bookings.store import AttendanceStore
from services.registration.rosters.left import LeftMembers
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

REGISTRATIONS_MAX = 50


class TakingOff:
    """Takes members who have left off the bookings of their group."""

    def __init__(
        self,
        database: Database,
        left: LeftMembers,
        attendances: AttendanceStore,
        change: GroupChange,
        cancellation: Cancellation,
    ) -> None:
        self._database = database
        self._left = left
        self._attendances = attendances
        self._change = change
        self._cancellation = cancellation
        self.loop = Backlog("taking_off", left.pending, self.go_on).loop

    async def go_on(self, member_id: str) -> None:
        """Take a member off all bookings. What has begun stays, so these are looked at only once."""
        member = await self._left.unreleased(member_id)
        if member is None:
            return
        after: str | None = None
        while some := await self._attendances.of_members([member_id], after, REGISTRATIONS_MAX):
            for one in some:
                await self._take_off(one.registration_id, member_id)
            after = some[-1].registration_id
        await self._left.released(member)

    async def _take_off(self, registration_id: str, member_id: str) -> None:
        async def work(unit: UnitOfWork) -> dict[str, int]:
            if await self._left.lock(unit, member_id) is None:
                return {}
            return await self._change.take_off(unit, registration_id, member_id, self._cancellation)

        metrics.count(**await save_together(self._database, work))

"""A group names other members for its registration, more of them or fewer."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import events, metrics
from services.registration.booking.cancel import Cancellation
from services.registration.booking.promote import Promotion
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.consents.store import ConsentStore
from services.registration.group_bookings.book_members import check_members
from services.registration.group_bookings.rules import (
    MEMBER_LEFT,
    Attendance,
    is_changeable,
    named_once,
    registration_unknown,
    with_other_members,
    with_other_places,
)
from services.registration.group_bookings.store import AttendanceStore
from services.registration.participants.store import ParticipantStore
from services.registration.rosters.store import RosterStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.runtime.versions import Matching, always, check_version
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class GroupChange:
    """Changes who attends for a group."""

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        promotion: Promotion,
        *,
        members: RosterStore,
        attendances: AttendanceStore,
        consents: ConsentStore,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._promotion = promotion
        self._members = members
        self._attendances = attendances
        self._consents = consents

    async def change(
        self,
        group_id: str,
        registration_id: str,
        member_ids: Sequence[str],
        origin: Origin,
        matches: Matching = always,
    ) -> tuple[Registration, Attendance]:
        """
        Name the members for whom a registration has its places; the same ones again change nothing.

        With fewer members places come free, and the waiting list moves up in the same transaction.

        Raises:
            NotFound: there is no such registration of this group, or no such member.
            Outdated: others attend than was read.
            Conflict: there are not enough places, the registration is no place and no wait any more, the
                session has begun, or it was changed `ATTENDEES_CHANGES_MAX` times.
        """
        named = named_once(member_ids)

        async def work(unit: UnitOfWork) -> tuple[Registration, Attendance, Counter[str]]:
            before = (await self._registrations.by_id(unit, [registration_id])).get(registration_id)
            if before is None or before.participant_id != group_id:
                raise registration_unknown(registration_id)
            # As in a cancellation: what was read is still true, or the lock fails.
            session = (await self._sessions.lock(unit, [before.session_id]))[before.session_id]
            known = (await self._attendances.by_id([registration_id], unit)).get(registration_id)
            attending = known or Attendance(before.registration_id, group_id, before.session_id, [])
            check_version(matches, attending.version, f"who attends by registration {registration_id}")
            now = clock.now()
            if session.cancelled is not None:
                raise Conflict("the session is cancelled", code="session_cancelled")
            if session.has_begun(now):
                raise Conflict("the session has begun", code="session_closed")
            await self._participants.lock(unit, [group_id])
            await check_members(unit, self._members, self._consents, session, group_id, named)
            session, after = with_other_places(session, before, len(named))
            attending = with_other_members(attending, named)
            await self._attendances.save(unit, attending)
            if after == before:
                return after, attending, Counter()
            counts = await self._save_places(unit, session, after, origin, now)
            # A smaller wait may have got its places just now.
            after = (await self._registrations.by_id(unit, [registration_id]))[registration_id]
            return after, attending, counts

        registration, attendance, counts = await save_together(self._database, work)
        metrics.count(**counts)
        return registration, attendance

    async def _save_places(
        self, unit: UnitOfWork, session: Session, after: Registration, origin: Origin, now: datetime
    ) -> Counter[str]:
        """The group is told of its places, and the waiting list moves up."""
        await self._registrations.save(unit, [after])
        if after.status == "confirmed":
            unit.publish(events.confirmed(after, session, origin, now))
        elif (position := await self._registrations.position(after, unit)) is not None:
            unit.publish(events.waitlisted(after, session, position, origin, now))
        session, counts = await self._promotion.promote(unit, session, origin, now)
        await self._sessions.save(unit, [session])
        return counts

    async def take_off(
        self, unit: UnitOfWork, registration_id: str, member_id: str, cancellation: Cancellation
    ) -> Counter[str]:
        """
        Take a member who has left off a registration, in a unit of work; a repeat changes nothing.

        The place comes free, as if the manager had named the others; of the last one the registration is
        cancelled. Nothing changes once the session has begun or the ticket was shown. A place that is offered
        to the group stays as large as it was offered.

        Returns: how many were cancelled and promoted.
        """
        before = (await self._registrations.by_id(unit, [registration_id]))[registration_id]
        session = (await self._sessions.lock(unit, [before.session_id]))[before.session_id]
        now = clock.now()
        await self._participants.lock(unit, [before.participant_id])
        attending = (await self._attendances.by_id([registration_id], unit)).get(registration_id)
        if (
            attending is None
            or member_id not in attending.member_ids
            or not is_changeable(session, before, now)
        ):
            return Counter()
        rest = [one for one in attending.member_ids if one != member_id]
        await self._attendances.save(unit, replace(attending, member_ids=rest))
        if not rest:
            _, counts = await cancellation.cancel_in(unit, before, MEMBER_LEFT, UNKNOWN_ORIGIN)
            return counts
        if before.status not in ("confirmed", "waitlisted"):
            return Counter()
        session, after = with_other_places(session, before, len(rest))
        return await self._save_places(unit, session, after, UNKNOWN_ORIGIN, now)

"""A group asks for places for members of its roster: one registration, saved with the members' ids."""

from collections import Counter
from collections.abc import Sequence

from services.registration.booking import metrics
from services.registration.booking.batch import BookingRequest, Outcome
from services.registration.booking.book import Booking
from services.registration.consents.rules import check_minors
from services.registration.consents.store import ConsentStore
from services.registration.group_bookings.rules import Attendance, named_once
from services.registration.group_bookings.store import AttendanceStore
from services.registration.participants.rules import ParticipantId
from services.registration.rosters.edit_member import member_unknown
from services.registration.rosters.store import RosterStore
from services.registration.sessions.rules import Session, SessionId
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime.errors import Rejected
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class GroupBooking:
    """Books places for members."""

    def __init__(
        self,
        database: Database,
        booking: Booking,
        members: RosterStore,
        attendances: AttendanceStore,
        consents: ConsentStore,
        sessions: SessionStore,
    ) -> None:
        self._database = database
        self._booking = booking
        self._members = members
        self._attendances = attendances
        self._consents = consents
        self._sessions = sessions

    async def book(
        self,
        group_id: str,
        session_id: str,
        member_ids: Sequence[str],
        *,
        answer_id: str,
        fingerprint: str,
        origin: Origin,
    ) -> Outcome:
        """
        Ask for a place for each of these members.

        Args:
            answer_id: under this id the answer is stored; with the same one it is booked once.
            fingerprint: the same only for the same request.

        Raises:
            Rejected: a member is unknown or named twice, or the session gives no place and no wait.
        """
        named = named_once(member_ids)
        request = BookingRequest(
            answer_id=answer_id,
            fingerprint=fingerprint,
            request_id=answer_id,
            participant_id=ParticipantId(group_id),
            session_id=SessionId(session_id),
            places=len(named),
            newcomer=None,
            origin=origin,
        )

        async def work(unit: UnitOfWork) -> Outcome:
            # First the session, as in every booking; this also locks the group, so no member goes meanwhile.
            [outcome] = await self._booking.book_in(unit, [request])
            if isinstance(outcome, Rejected):
                raise outcome
            session = await self._sessions.read(unit, session_id)
            await check_members(unit, self._members, self._consents, session, group_id, named)
            id_ = outcome.answer.registration_id
            if id_ is not None and not outcome.repeated:
                attendance = Attendance(id_, group_id, request.session_id, named)
                await self._attendances.save(unit, attendance)
            return outcome

        outcome = await save_together(self._database, work)
        metrics.count(**Counter(["repeated" if outcome.repeated else outcome.answer.verdict]))
        return outcome


async def check_members(
    unit: UnitOfWork,
    members: RosterStore,
    consents: ConsentStore,
    session: Session,
    group_id: str,
    member_ids: Sequence[str],
) -> None:
    """
    Check that these are members of the group, and may attend this session.

    Raises:
        NotFound: one is no member.
        Conflict: one is a minor without a guardian's consent, which the session asks for.
    """
    found = await members.by_id(unit, group_id, member_ids)
    missing = next((one for one in member_ids if one not in found), None)
    if missing is not None:
        raise member_unknown(missing)
    if session.minors_need_consent:
        minors = [member.member_id for member in found.values() if member.is_minor]
        check_minors(minors, await consents.lock_given(unit, minors))

"""Cancelling: a place or a wait is given back, and the waiting list moves up in the same transaction."""

from collections import Counter

from services.registration.booking import events, metrics
from services.registration.booking.promote import Promotion
from services.registration.booking.rules import (
    BY_ERASURE,
    BY_ORGANISER,
    BY_PARTICIPANT,
    Registration,
    cancelled,
    check_cancellable,
    give_back,
    survives_erasure,
)
from services.registration.booking.store import RegistrationStore
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Cancellation:
    """Cancels registrations."""

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        registrations: RegistrationStore,
        promotion: Promotion,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._registrations = registrations
        self._promotion = promotion

    async def cancel(
        self, id_: str, participant_id: str | None, origin: Origin, *, reason: str | None = None
    ) -> Registration:
        """
        Cancel a registration; cancelling it again changes nothing.

        Args:
            participant_id: the participant whose registration it must be; None for an organiser.
            reason: the organiser's words to the participant.

        Raises:
            NotFound: there is no registration with this id, or it is somebody else's. The error is the same.
            Conflict: its ticket was shown already.
        """

        async def work(unit: UnitOfWork) -> tuple[Registration, Counter[str]]:
            registration = (await self._registrations.by_id(unit, [id_])).get(id_)
            if registration is None or participant_id not in (None, registration.participant_id):
                raise NotFound(f"there is no registration {id_}", code="registration_unknown")
            if not registration.is_active:
                return registration, Counter()
            check_cancellable(registration)
            code = BY_ORGANISER if participant_id is None else BY_PARTICIPANT
            return await self.cancel_in(unit, registration, code, origin, reason)

        registration, counts = await save_together(self._database, work)
        metrics.count(**counts)
        return registration

    async def cancel_erased(self, id_: str) -> None:
        """
        Cancel a registration of an erased participant, and delete its ticket; a repeat changes nothing.

        A place in a session that has begun stays (`rules.survives_erasure`). A visit stays too.
        """

        async def work(unit: UnitOfWork) -> Counter[str]:
            registration = (await self._registrations.by_id(unit, [id_]))[id_]
            counts = Counter[str]()
            if registration.status in ("held", "offered", "confirmed", "waitlisted"):
                _, counts = await self.cancel_in(unit, registration, BY_ERASURE, Origin())
            await self._registrations.drop_ticket(unit, id_)
            return counts

        metrics.count(**await save_together(self._database, work))

    async def cancel_in(
        self,
        unit: UnitOfWork,
        registration: Registration,
        code: str,
        origin: Origin,
        reason: str | None = None,
    ) -> tuple[Registration, Counter[str]]:
        """
        Cancel a registration in a unit of work that has read it, and let its session's waiting list move up.

        Returns: the registration after it, and how many were cancelled and promoted.
        """
        # The registration was read before this lock. If it has changed since, the transaction fails and runs
        # again. Most changes of a registration also change its session: then this lock fails. Other changes
        # write only the registration: then the write below fails.
        session = (await self._sessions.lock(unit, [registration.session_id]))[registration.session_id]
        # The time is read after the lock, as in `book`: so a promotion is always later than the wait.
        now = clock.now()
        if code == BY_ERASURE and survives_erasure(registration, session, now):
            return registration, Counter()
        gone = cancelled(registration)
        await self._registrations.save(unit, [gone])
        unit.publish(events.cancelled(gone, session, code, origin, now, reason=reason))
        session, counts = await self._promotion.promote(unit, give_back(session, registration), origin, now)
        await self._sessions.save(unit, [session])
        return gone, counts + Counter(cancelled=1)

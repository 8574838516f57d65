"""Places that were held or offered are confirmed, and get their tickets."""

from collections import Counter
from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import events, metrics
from services.registration.booking.rules import Registration, accepted, check_acceptable
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.participants.ensure_keys import ensure_keys
from services.registration.participants.keys import KeySealer
from services.registration.participants.rules import Participant
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotAuthenticated, NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class PlaceConfirmation:
    """
    Confirms places.

    No session is locked, since no counter changes: the place was taken before, and stays taken. Another
    transaction may end the registration at the same moment. Both write the same document, so one of them
    fails and runs again.
    """

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        *,
        sealer: KeySealer,
        tickets: TicketOffice,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._sealer = sealer
        self._tickets = tickets

    async def confirm_held(
        self, unit: UnitOfWork, participant: Participant, origin: Origin, now: datetime
    ) -> int:
        """
        Confirm all held places of a participant whose contact is verified now, and remove the time limit of
        the participant's waits.

        A repeat changes nothing. A place whose time is over is confirmed too, if it is not freed yet.
        A participant has at most `UNVERIFIED_MAX` held places and limited waits (admission.py).

        Args:
            unit: it has locked and saved the participant. So no booking of this participant comes in between.

        Returns: how many places were confirmed.
        """
        theirs = await self._registrations.active_of(unit, [participant.participant_id])
        waiting = [one for one in theirs if one.status == "waitlisted" and one.held_until is not None]
        await self._registrations.save(unit, [replace(one, held_until=None) for one in waiting])
        confirmed = 0
        for one in theirs:
            if one.status != "held":
                continue
            session = await self._sessions.read(unit, one.session_id)
            # A cancelled session loses its registrations in the background (programme/notify.py).
            if session.cancelled is None:
                await self._confirm(unit, one, session, origin, now)
                confirmed += 1
        return confirmed

    async def accept(self, id_: str, participant_id: str, origin: Origin) -> Registration:
        """
        Accept the offer of a place; accepting it again changes nothing.

        Raises:
            NotFound: there is no registration with this id, or it is somebody else's. The error is the same.
            Conflict: there is no offer, or its time is over: `not_offered`, `offer_expired`,
            `session_cancelled`. NotAuthenticated: the participant is erased.
        """

        async def work(unit: UnitOfWork) -> tuple[Registration, Counter[str]]:
            one = (await self._registrations.by_id(unit, [id_])).get(id_)
            if one is None or one.participant_id != participant_id:
                raise NotFound(f"there is no registration {id_}", code="registration_unknown")
            if one.status == "confirmed":
                return one, Counter()
            session = await self._sessions.read(unit, one.session_id)
            # The time is read before the write. If the place is freed between the two, the write fails.
            now = clock.now()
            check_acceptable(one, session, now)
            return await self._confirm(unit, one, session, origin, now, promoted=True), Counter(accepted=1)

        registration, counts = await save_together(self._database, work)
        metrics.count(**counts)
        return registration

    async def _confirm(
        self,
        unit: UnitOfWork,
        registration: Registration,
        session: Session,
        origin: Origin,
        now: datetime,
        *,
        promoted: bool = False,
    ) -> Registration:
        id_ = registration.participant_id
        keys = await ensure_keys(unit, [id_], self._participants, self._sealer, origin, now)
        if id_ not in keys:
            raise NotAuthenticated("this participant was erased", code="participant_erased")
        ticket = self._tickets.new_ticket(keys[id_])
        one = replace(accepted(registration), ticket_hash=ticket.hash, ticket_locked=ticket.encrypted)
        await self._registrations.save(unit, [one])
        unit.publish(events.confirmed(one, session, origin, now, promoted=promoted))
        return one

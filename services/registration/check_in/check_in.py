"""A ticket is shown at the door."""

from dataclasses import dataclass

from services.registration.booking import events, metrics
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.check_in.rules import check_door, check_ticket, checked_in
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who came in, and where. `already`: the ticket was shown before."""

    registration: Registration
    session: Session
    already: bool


class CheckIn:
    """Lets ticket holders in."""

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        tickets: TicketOffice,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._tickets = tickets

    async def check_in(self, ticket_code: str, origin: Origin) -> Arrival:
        """
        Let the holder of a ticket in; showing it again changes nothing.

        Raises:
            NotFound: no such ticket was given out.
            Conflict: the registration or its session was cancelled, or the session is not near.
        """
        hash_ = self._tickets.hash_of(ticket_code)

        async def work(unit: UnitOfWork) -> Arrival:
            registration = await self._registrations.with_ticket(unit, hash_)
            if registration is None:
                raise _unknown()
            # The ticket goes with its registration, a little after the erasure (erasure/finish.py).
            if await self._participants.erased(unit, [registration.participant_id]):
                raise _unknown()
            check_ticket(registration)
            # Not locked, since no counter changes. A cancellation at the same time conflicts with the write
            # below.
            session = await self._sessions.read(unit, registration.session_id)
            if registration.status == "checked_in":
                return Arrival(registration, session, already=True)
            now = clock.now()
            check_door(session, now)
            arrived = checked_in(registration)
            await self._registrations.save(unit, [arrived])
            unit.publish(events.checked_in(arrived, session, origin, now))
            return Arrival(arrived, session, already=False)

        arrival = await save_together(self._database, work)
        metrics.count(checked_in=0 if arrival.already else 1)
        return arrival


def _unknown() -> NotFound:
    return NotFound("there is no such ticket", code="ticket_unknown")

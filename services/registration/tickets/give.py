"""A participant fetches the ticket of a registration."""

from dataclasses import dataclass

from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import opened_ticket
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from services.registration.tickets.keys import TicketKey
from services.registration.tickets.rules import SignedTicket, ticket_of
from shared.runtime.errors import NotFound


@dataclass(frozen=True, slots=True)
class GivenTicket:
    """What a ticket says, its session, the code for typing, and the text of its QR code."""

    content: SignedTicket
    session: Session
    ticket_code: str
    text: str


class Tickets:
    """Gives tickets to those who hold them."""

    def __init__(
        self,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        key: TicketKey,
    ) -> None:
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._key = key

    async def give(self, registration_id: str, participant_id: str) -> GivenTicket:
        """
        The ticket of this registration, for its holder. Each call gives the same ticket.

        Raises:
            NotFound: there is no registration with this id, or it is somebody else's. The error is the same.
            Conflict: the registration holds no place.
        """
        registration = await self._registrations.read(registration_id)
        if registration is None or registration.participant_id != participant_id:
            raise NotFound(f"there is no registration {registration_id}", code="registration_unknown")
        session = (await self._sessions.by_id([registration.session_id]))[registration.session_id]
        content = ticket_of(registration, session, self._key.public.key_id)
        key = await self._participants.read_key(participant_id)
        ticket_code = opened_ticket(registration.ticket_locked, key)
        if ticket_code is None:
            # Erased a moment ago: key and profile are gone, and the registration goes soon.
            raise NotFound(f"there is no registration {registration_id}", code="registration_unknown")
        return GivenTicket(content, session, ticket_code, self._key.sign(content))

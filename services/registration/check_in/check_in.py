"""Arriving: a ticket is shown at the door."""

from dataclasses import dataclass

from msgspec.structs import replace

from services.registration.booking import events as announcing
from services.registration.booking import metrics as outcomes
from services.registration.booking.events import Origin
from services.registration.booking.rules import Registration, Session, check_door
from services.registration.booking.store import Books
from services.registration.programme.store import RegistrationStore
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who came in, where. `already`: the ticket was shown before."""

    registration: Registration
    session: Session
    already: bool


async def check_in(ticket_code: str, store: RegistrationStore, origin: Origin) -> Arrival:
    """
    Let the holder of a ticket in; showing it again changes nothing.

    Raises:
        NotFound: no such ticket was given out.
        Conflict: the registration or its session was cancelled, or the session is not near.
    """
    hash_ = store.lockbox.ticket_hash(ticket_code)

    async def work(books: Books) -> Arrival:
        registration = await books.with_ticket(hash_)
        if registration is None:
            raise NotFound("there is no such ticket", code="ticket_unknown")
        if registration.status == "cancelled":
            raise Conflict("the registration of this ticket was cancelled", code="ticket_cancelled")
        # Not locked: its counters stay; a cancellation meanwhile is in conflict with the write below.
        session = (await books.sessions([registration.session_id]))[registration.session_id]
        if registration.status == "checked_in":
            return Arrival(registration, session, already=True)
        now = clock.now()
        check_door(session, now)
        registration = replace(registration, status="checked_in", version=registration.version + 1)
        await books.save_registrations([registration])
        await books.tell([announcing.checked_in(registration, session, origin, now)])
        return Arrival(registration, session, already=False)

    arrival = await store.transaction(work)
    outcomes.count({"checked_in": 0 if arrival.already else 1})
    return arrival

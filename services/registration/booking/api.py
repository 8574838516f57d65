"""Registrations over HTTP: a participant sees and cancels their own. Asking for places is in `hot.py`."""

from datetime import datetime
from typing import Annotated

from fastapi import Body

from services.registration.booking.bodies import CancelIn, RegistrationOut, RegistrationsOut
from services.registration.booking.cancel import Cancellation
from services.registration.booking.confirm import PlaceConfirmation
from services.registration.booking.positions import Positions
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import opened_ticket
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime.acting import current
from shared.runtime.errors import NotFound, Rejected
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsParticipant, AsParticipantOrOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

Registrations = Annotated[RegistrationStore, provided(RegistrationStore)]
Sessions = Annotated[SessionStore, provided(SessionStore)]
PlacesInLine = Annotated[Positions, provided(Positions)]
Participants = Annotated[ParticipantStore, provided(ParticipantStore)]
Confirmations = Annotated[PlaceConfirmation, provided(PlaceConfirmation)]
Cancellations = Annotated[Cancellation, provided(Cancellation)]

routes = Routes(tags=["registration"])


@routes.get("/registrations", summary="Your own registrations, the latest first")
async def list_registrations(
    who: AsParticipant,
    registrations: Registrations,
    sessions: Sessions,
    participants: Participants,
    in_line: PlacesInLine,
    limit: Limit = PAGE,
    after: After = None,
) -> RegistrationsOut:
    """A page of them, with the codes of tickets."""
    place = place_after(after, datetime, str)
    page, following = await one_page(
        lambda most: registrations.page_of(who.participant_id, place, most),
        limit,
        lambda one: (one.asked_at, one.registration_id),
    )
    asked_for = await sessions.by_id({one.session_id for one in page})
    positions = await in_line.of(page, asked_for)
    key = await participants.read_key(who.participant_id)
    return RegistrationsOut(
        registrations=[
            RegistrationOut.of(
                one,
                asked_for[one.session_id],
                position=positions.get(one.registration_id),
                ticket_code=opened_ticket(one.ticket_locked, key) if one.is_active else None,
            )
            for one in page
        ],
        after=following,
    )


@routes.get("/registrations/{registration_id}", summary="One of your own registrations")
async def read_registration(
    registration_id: IdInPath,
    who: AsParticipant,
    registrations: Registrations,
    sessions: Sessions,
    participants: Participants,
    in_line: PlacesInLine,
) -> RegistrationOut:
    """404 `registration_unknown`, also for somebody else's."""
    one = await registrations.read(registration_id)
    if one is None or one.participant_id != who.participant_id:
        raise NotFound(f"there is no registration {registration_id}", code="registration_unknown")
    asked_for = await sessions.by_id([one.session_id])
    positions = await in_line.of([one], asked_for)
    key = await participants.read_key(who.participant_id)
    return RegistrationOut.of(
        one,
        asked_for[one.session_id],
        position=positions.get(one.registration_id),
        ticket_code=opened_ticket(one.ticket_locked, key) if one.is_active else None,
    )


@routes.post("/registrations/{registration_id}/accept", summary="Accept the offer of a place")
async def accept_offer(
    registration_id: IdInPath,
    who: AsParticipant,
    confirmation: Confirmations,
    sessions: Sessions,
    participants: Participants,
) -> RegistrationOut:
    """
    A place from the waiting list that is `offered` until `until`. Accepting it again changes nothing.

    To decline it, cancel the registration: the next one on the waiting list gets the place.
    404 `registration_unknown`, also for somebody else's. 409 `not_offered`, `offer_expired`,
    `session_cancelled`.
    """
    one = await confirmation.accept(registration_id, who.participant_id, Origin.of_request())
    session = (await sessions.by_id([one.session_id]))[one.session_id]
    key = await participants.read_key(who.participant_id)
    return RegistrationOut.of(one, session, ticket_code=opened_ticket(one.ticket_locked, key))


@routes.post("/registrations/{registration_id}/cancel", summary="Cancel a registration")
async def cancel_registration(
    registration_id: IdInPath,
    who: AsParticipantOrOrganiser,
    cancellation: Cancellations,
    sessions: Sessions,
    form: Annotated[CancelIn | None, Body()] = None,
) -> RegistrationOut:
    """
    By its participant, or by an organiser with the key, who may say why. Cancelling it again changes nothing.

    404 `registration_unknown`, also for somebody else's; 409 `already_checked_in`; 422 `reason_of_organiser`
    (a participant needs none, and sends no body).
    """
    participant_id = who.participant_id if who else None
    if form is not None:
        if participant_id is not None:
            raise Rejected("only organisers give a reason: send no body", code="reason_of_organiser")
        await current().note(reason=form.code)
    cancelled = await cancellation.cancel(
        registration_id, participant_id, Origin.of_request(), reason=form.text if form else None
    )
    session = (await sessions.by_id([cancelled.session_id]))[cancelled.session_id]
    return RegistrationOut.of(cancelled, session)

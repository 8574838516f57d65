"""Registration over HTTP, for participants: see what there is, ask for a place, cancel, be erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from services.registration.booking.bodies import (
    ActivitiesOut,
    ActivityOut,
    BookingOut,
    ErasedOut,
    RegistrationIn,
    RegistrationOut,
    RegistrationsOut,
    SessionOut,
)
from services.registration.booking.cancel import cancel
from services.registration.booking.events import Origin
from services.registration.booking.hot import REGISTER_PATH
from services.registration.booking.idempotency import KEY_PATTERN, RequestKeys
from services.registration.booking.rules import Registration, Session
from services.registration.erasure.erase import erase
from services.registration.participants.keys import opened_ticket
from services.registration.participants.rules import Activity
from services.registration.programme.store import RegistrationStore
from shared.runtime import clock, logs
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, IdInPath, Limit, after_of, place_after
from shared.web.identity import AsParticipant, organiser, participant
from shared.web.tokens import Participant

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=KEY_PATTERN,
        description="made up afresh for each request, and the same when it is sent again",
        examples=["5f0c7a52-7f0e-4f5e-9d5c-0b8f6c1e3b0e"],
    ),
]

_bearer = HTTPBearer(auto_error=False, description="The token given at registration")
_key_header = APIKeyHeader(name="X-Organiser-Key", auto_error=False, description="The organisers' key")


@dataclass(frozen=True, slots=True)
class RegistrationApi:
    """What the routes stand on."""

    store: RegistrationStore
    keys: RequestKeys


def router() -> APIRouter:
    """All participants' routes; what they stand on is `app.state.registration`, a `RegistrationApi`."""
    routes = APIRouter(tags=["registration"])
    routes.get("/activities", summary="The week's activities, the earliest first")(list_activities)
    routes.get("/activities/{activity_id}", summary="One activity, with free places")(read_activity)
    routes.post(
        REGISTER_PATH,
        status_code=201,
        response_model=BookingOut,
        summary="Ask for places",
        responses={200: {"model": BookingOut, "description": "Nothing changed: it was so before"}},
    )(register)
    routes.get("/registrations", summary="One's own registrations, the latest first")(list_registrations)
    routes.get("/registrations/{registration_id}", summary="One of one's own registrations")(
        read_registration
    )
    routes.post("/registrations/{registration_id}/cancel", summary="Give a place or a wait back")(
        cancel_registration
    )
    routes.delete("/participants/me", summary="Have oneself erased")(erase_participant)
    return routes


def standing_on(request: Request) -> RegistrationApi:
    """What this app's routes stand on."""
    api: RegistrationApi = request.app.state.registration
    return api


def origin() -> Origin:
    """What the events of this request follow from."""
    return Origin(correlation_id=logs.correlation_id.get())


async def whoever(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Participant | None:
    """The participant whose token the request carries, if it carries one."""
    return await participant(request, credentials) if credentials else None


async def list_activities(request: Request, limit: Limit = PAGE, after: After = None) -> ActivitiesOut:
    """A page of them, with free places."""
    store = standing_on(request).store
    activities = await store.activities(place_after(after, datetime, str), limit)
    sessions = await store.sessions_of([activity.activity_id for activity in activities])
    last = activities[-1] if len(activities) == limit else None
    return ActivitiesOut(
        activities=[activity_out(activity, sessions) for activity in activities],
        after=after_of(last.starts_at, last.activity_id) if last else None,
    )


async def read_activity(request: Request, activity_id: IdInPath) -> ActivityOut:
    """It can be put as it is answered here. 404 `activity_unknown`."""
    store = standing_on(request).store
    activity = await store.activity(activity_id)
    if activity is None:
        raise NotFound(f"there is no activity {activity_id}", code="activity_unknown")
    return activity_out(activity, await store.sessions_of([activity_id]))


# Here for the OpenAPI document alone: registering.py answers it before the framework.
async def register(
    form: RegistrationIn,
    key: IdempotencyKey,
    who: Annotated[Participant | None, Depends(whoever)],
) -> None:
    """
    The outcome at once: confirmed with a ticket, or waitlisted with a position.

    Who is registered for the session already gets that registration, with the code `already_registered`.
    Whatever is refused leaves nothing, and may be answered otherwise later, also with the same key:
    `session_full`, `session_closed`, `session_not_open`, `session_cancelled`, `places_above_capacity`,
    `idempotency_key_reused` (409), `session_unknown` (404), `participant_erased`, `places_need_group` (403),
    `group_unknown`, `participant_missing`, `participant_and_token` (422).
    503: it may be booked or not. Send it again after `Retry-After`, with the same key: it is booked once.
    """
    raise NotFound("there is nothing under this path")


async def list_registrations(
    request: Request, who: AsParticipant, limit: Limit = PAGE, after: After = None
) -> RegistrationsOut:
    """A page of them, with the codes of tickets."""
    store = standing_on(request).store
    registrations = await store.registrations_of(who.participant_id, place_after(after, datetime, str), limit)
    sessions = await store.sessions({registration.session_id for registration in registrations})
    key = await store.contact_key(who.participant_id)
    last = registrations[-1] if len(registrations) == limit else None
    return RegistrationsOut(
        registrations=[
            await registration_out(registration, sessions[registration.session_id], store, key)
            for registration in registrations
        ],
        after=after_of(last.asked_at, last.registration_id) if last else None,
    )


async def read_registration(
    request: Request, registration_id: IdInPath, who: AsParticipant
) -> RegistrationOut:
    """Somebody else's is as unknown as one that never was: 404 `registration_unknown`."""
    store = standing_on(request).store
    registration = await store.registration(registration_id)
    if registration is None or registration.participant_id != who.participant_id:
        raise NotFound(f"there is no registration {registration_id}", code="registration_unknown")
    sessions = await store.sessions([registration.session_id])
    key = await store.contact_key(who.participant_id)
    return await registration_out(registration, sessions[registration.session_id], store, key)


async def cancel_registration(
    request: Request,
    registration_id: IdInPath,
    who: Annotated[Participant | None, Depends(whoever)],
    organiser_key: Annotated[str | None, Depends(_key_header)],
) -> RegistrationOut:
    """
    By the participant, or by an organiser with the key; again, it changes nothing.

    404 `registration_unknown`, also for somebody else's; 409 `already_checked_in`.
    """
    if who is None:
        await organiser(request, organiser_key)
    store = standing_on(request).store
    participant_id = who.participant_id if who else None
    registration = await cancel(registration_id, participant_id, store, origin())
    sessions = await store.sessions([registration.session_id])
    return await registration_out(registration, sessions[registration.session_id], store)


async def erase_participant(request: Request, who: AsParticipant) -> ErasedOut:
    """
    Profile, contact and tickets go, what is still to come is cancelled; the token registers nothing any more.
    """
    erased_at = await erase(who.participant_id, standing_on(request).store, origin())
    return ErasedOut(participant_id=who.participant_id, erased_at=erased_at)


def activity_out(activity: Activity, sessions: Sequence[Session]) -> ActivityOut:
    """An activity with those of these sessions that are its own."""
    return ActivityOut(
        activity_id=activity.activity_id,
        title=activity.title,
        summary=activity.summary,
        organiser=activity.organiser,
        kind=activity.kind,
        remarks=activity.remarks,
        sessions=[session_out(one) for one in sessions if one.activity_id == activity.activity_id],
    )


def session_out(session: Session) -> SessionOut:
    """A session as it is now."""
    return SessionOut(
        session_id=session.session_id,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        venue=session.venue,
        district=session.district,
        capacity=session.capacity,
        free=session.free,
        waiting=session.waiting,
        waiting_max=session.waiting_max,
        opens_at=session.opens_at,
        closes_at=session.closes_at,
        open=session.is_open(clock.now()),
        state="planned" if session.cancelled is None else "cancelled",
        cancelled_for=session.cancelled,
    )


async def registration_out(
    registration: Registration, session: Session, store: RegistrationStore, key: bytes | None = None
) -> RegistrationOut:
    """A registration as it is now; with its holder's key also the ticket."""
    waits = registration.status == "waitlisted"
    return RegistrationOut(
        registration_id=registration.registration_id,
        participant_id=registration.participant_id,
        status=registration.status,
        places=registration.places,
        asked_at=registration.asked_at,
        position=await store.position(registration) if waits else None,
        ticket_code=opened_ticket(registration.ticket_locked, key) if registration.holds_or_waits else None,
        activity_id=session.activity_id,
        activity_title=session.activity_title,
        session_id=session.session_id,
        starts_at=session.starts_at,
        venue=session.venue,
    )

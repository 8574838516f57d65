"""Registration over HTTP, for organisers: put the programme and the groups, let people in."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from services.registration.booking.api import (
    activity_out,
    origin,
    registration_out,
    session_out,
    standing_on,
)
from services.registration.booking.bodies import (
    ActivityIn,
    ActivityOut,
    CheckInOut,
    GroupIn,
    GroupOut,
    GroupsOut,
    SessionCancelIn,
    SessionIn,
    SessionOut,
    TicketIn,
)
from services.registration.booking.rules import ActivityId, Session, SessionId
from services.registration.check_in.check_in import check_in
from services.registration.participants.put_group import put_group
from services.registration.participants.rules import Activity, Group
from services.registration.programme.put_activity import cancel_session, put_activity
from shared.contracts.events import Language
from shared.contracts.sealing import Contact
from shared.runtime.errors import NotFound, Rejected
from shared.web.forms import PAGE, After, IdInPath, Limit, after_of, place_after
from shared.web.identity import AsOrganiser

# An activity with all the sessions that it may have, its Chinese written as escapes.
ACTIVITY_BYTES_MAX = 262_144
LANGUAGE: Language = "zh-CN"


def router() -> APIRouter:
    """All organisers' routes; they stand on the same as the participants'."""
    routes = APIRouter(tags=["organisers"])
    routes.put(
        "/activities/{activity_id}",
        dependencies=[AsOrganiser],
        max_body_size=ACTIVITY_BYTES_MAX,
        summary="Put an activity with all its sessions; repeating it changes nothing",
    )(save_activity)
    routes.put(
        "/groups/{group_id}",
        dependencies=[AsOrganiser],
        summary="Put a school, unit or service team; repeating it changes nothing",
    )(save_group)
    routes.get("/groups", summary="The groups that take part")(list_groups)
    routes.get("/groups/{group_id}", summary="One group")(read_group)
    routes.post(
        "/sessions/{session_id}/cancel",
        dependencies=[AsOrganiser],
        summary="Cancel a session: its registrations are cancelled and its people told",
    )(call_off)
    routes.post("/check-ins", dependencies=[AsOrganiser], summary="Let the holder of a ticket in")(
        show_ticket
    )
    return routes


async def save_activity(
    request: Request, activity_id: IdInPath, form: Annotated[ActivityIn, Body()]
) -> ActivityOut:
    """
    More places promote from the waiting list. People of a session that moves are told within seconds.

    409 `capacity_below_taken`, `capacity_below_waiting` (somebody waits for more places than
    there would be), `session_in_use` (it would go, and somebody has registered),
    `session_elsewhere` (it is another activity's).
    """
    _check_same(form.activity_id, activity_id)
    store = standing_on(request).store
    activity = Activity(
        activity_id=activity_id,
        title=form.title,
        summary=form.summary,
        organiser=form.organiser,
        kind=form.kind,
        remarks=form.remarks,
        starts_at=min(session.starts_at for session in form.sessions),
    )
    sessions = [_session(activity, session) for session in form.sessions]
    await put_activity(activity, sessions, store, origin())
    return activity_out(activity, await store.sessions_of([activity_id]))


def _session(activity: Activity, form: SessionIn) -> Session:
    return Session(
        session_id=SessionId(form.session_id),
        activity_id=ActivityId(activity.activity_id),
        activity_title=activity.title,
        starts_at=form.starts_at,
        ends_at=form.ends_at,
        venue=form.venue,
        district=form.district,
        capacity=form.capacity,
        waiting_max=form.waiting_max,
        opens_at=form.opens_at,
        closes_at=form.closes_at,
    )


def _check_same(said: str | None, in_path: str) -> None:
    if said not in (None, in_path):
        raise Rejected(f"the path says {in_path} and the body says {said}", code="id_differs")


async def call_off(
    request: Request, session_id: IdInPath, form: Annotated[SessionCancelIn, Body()]
) -> SessionOut:
    """
    It takes nobody any more; cancelling it again changes nothing.

    404 `session_unknown`.
    """
    return session_out(await cancel_session(session_id, form.reason, standing_on(request).store))


async def save_group(request: Request, group_id: IdInPath, form: Annotated[GroupIn, Body()]) -> GroupOut:
    """A group is a participant too: it can be awarded and notified. 409 `group_id_taken`."""
    _check_same(form.group_id, group_id)
    api = standing_on(request)
    contact = Contact(name=form.contact.name, email=form.contact.email) if form.contact else None
    group = Group(
        group_id=group_id,
        name=form.name,
        kind=form.kind,
        district=form.district,
        language=form.language or LANGUAGE,
        remarks=form.remarks,
        contact_fingerprint=api.keys.fingerprint(contact.model_dump_json().encode()) if contact else None,
    )
    saved = await put_group(
        group,
        contact,
        api.store,
        origin(),
        keep_contact="contact" not in form.model_fields_set,
        keep_language=form.language is None,
    )
    return _group_out(saved)


async def list_groups(request: Request, limit: Limit = PAGE, after: After = None) -> GroupsOut:
    """A page of them, in the order of their ids."""
    place = place_after(after, str)
    groups = await standing_on(request).store.groups(place[0] if place else None, limit)
    return GroupsOut(
        groups=[_group_out(group) for group in groups],
        after=after_of(groups[-1].group_id) if len(groups) == limit else None,
    )


async def read_group(request: Request, group_id: IdInPath) -> GroupOut:
    """It can be put as it is answered here: its contact stays. 404 `group_unknown`."""
    group = await standing_on(request).store.group(group_id)
    if group is None:
        raise NotFound(f"there is no group {group_id}", code="group_unknown", group_id=group_id)
    return _group_out(group)


def _group_out(group: Group) -> GroupOut:
    return GroupOut(
        group_id=group.group_id,
        name=group.name,
        kind=group.kind,
        district=group.district,
        language=group.language,
        remarks=group.remarks,
    )


async def show_ticket(request: Request, form: TicketIn) -> CheckInOut:
    """
    The second time is told by `already`.

    Case, width, spaces, dashes and look-alike letters (O for 0, I or L for 1) don't matter.
    404 `ticket_unknown`, 409 `ticket_cancelled`, `session_cancelled`, `check_in_too_early` (more than 3 hours
    before the session), `check_in_too_late` (more than 2 hours after it).
    """
    store = standing_on(request).store
    arrival = await check_in(form.ticket_code, store, origin())
    return CheckInOut(
        already=arrival.already,
        registration=await registration_out(arrival.registration, arrival.session, store),
    )

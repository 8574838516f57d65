"""Registration over HTTP, for organisers: put the programme and the groups, let people in."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from services.registration.api import (
    IdInPath,
    Limit,
    Offset,
    activity_out,
    origin,
    registration_out,
    standing_on,
)
from services.registration.arriving import check_in
from services.registration.forms import (
    ActivityIn,
    ActivityOut,
    CheckInOut,
    GroupIn,
    GroupOut,
    GroupsOut,
    SessionIn,
    TicketIn,
)
from services.registration.programme import put_activity, put_group
from services.registration.records import Activity, Group, Profile
from services.registration.rules import ActivityId, Session, SessionId
from shared.contracts.sealing import Contact, seal
from shared.runtime import clock
from shared.web.http import AsOrganiser

# An activity with all the sessions that it may have, its Chinese written as escapes.
ACTIVITY_BYTES_MAX = 262_144


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
    routes.post("/check-ins", dependencies=[AsOrganiser], summary="Let the holder of a ticket in")(
        show_ticket
    )
    return routes


async def save_activity(
    request: Request, activity_id: IdInPath, form: Annotated[ActivityIn, Body()]
) -> ActivityOut:
    """
    More places promote from the waiting list.

    409 `capacity_below_taken`, `capacity_below_waiting` (somebody waits for more places than
    there would be), `session_in_use` (it would go, and somebody has registered),
    `session_elsewhere` (it is another activity's).
    """
    store = standing_on(request).store
    activity = Activity(
        activity_id=activity_id,
        title=form.title,
        summary=form.summary,
        organiser=form.organiser,
        kind=form.kind,
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
        starts_at=clock.to_milliseconds(form.starts_at),
        ends_at=clock.to_milliseconds(form.ends_at),
        venue=form.venue,
        district=form.district,
        capacity=form.capacity,
        waiting_max=form.waiting_max,
        opens_at=form.opens_at and clock.to_milliseconds(form.opens_at),
        closes_at=form.closes_at and clock.to_milliseconds(form.closes_at),
    )


async def save_group(request: Request, group_id: IdInPath, form: GroupIn) -> GroupOut:
    """A group is a participant too: it can be awarded and notified. 409 `group_id_taken`."""
    api = standing_on(request)
    group = Group(
        group_id, form.name, form.kind, form.district, api.keys.fingerprint(form.model_dump_json().encode())
    )
    contact = form.contact and Contact(name=form.contact.name, email=form.contact.email)
    profile = Profile(
        kind="group",
        group_id=None,
        district=form.district,
        audience="other",
        language=form.language,
        contact_sealed=seal(contact, api.contact_public_key) if contact else None,
    )
    await put_group(group, profile, api.store, origin())
    return _group_out(group)


async def list_groups(request: Request, offset: Offset = 0, limit: Limit = 20) -> GroupsOut:
    """At most 100 a page, in the order of their ids."""
    store = standing_on(request).store
    return GroupsOut(
        total=await store.count_groups(),
        groups=[_group_out(group) for group in await store.groups(offset, limit)],
    )


def _group_out(group: Group) -> GroupOut:
    return GroupOut(group_id=group.group_id, name=group.name, kind=group.kind, district=group.district)


async def show_ticket(request: Request, form: TicketIn) -> CheckInOut:
    """
    The second time is told by `already`.

    Case, spaces and look-alike letters (O for 0, I or L for 1) don't matter.
    404 `ticket_unknown`, 409 `ticket_cancelled`.
    """
    store = standing_on(request).store
    arrival = await check_in(form.ticket_code, store, origin())
    return CheckInOut(
        already=arrival.already,
        registration=await registration_out(arrival.registration, arrival.session, store),
    )

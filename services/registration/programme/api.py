"""The programme over HTTP: everybody reads it, organisers put activities and cancel sessions."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body

from services.registration.programme.bodies import (
    ActivitiesOut,
    ActivityIn,
    ActivityOut,
    SessionCancelIn,
    SessionIn,
    SessionOut,
)
from services.registration.programme.change import ProgrammeChanges
from services.registration.programme.rules import Activity
from services.registration.programme.store import ActivityStore
from services.registration.sessions.rules import ActivityId, Session, SessionId
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, IdInPath, Limit, after_of, check_same_id, place_after
from shared.web.identity import AsOrganiser
from shared.web.provided import provided

# An activity with all the sessions that it may have, its Chinese written as escapes.
ACTIVITY_BYTES_MAX = 262_144

Activities = Annotated[ActivityStore, provided(ActivityStore)]
Sessions = Annotated[SessionStore, provided(SessionStore)]
Changes = Annotated[ProgrammeChanges, provided(ProgrammeChanges)]

routes = APIRouter(tags=["programme"])


@routes.get("/activities", summary="The week's activities, the earliest first")
async def list_activities(
    activities: Activities, sessions: Sessions, limit: Limit = PAGE, after: After = None
) -> ActivitiesOut:
    """A page of them, with free places."""
    page = await activities.page(place_after(after, datetime, str), limit)
    of_page = await sessions.of_activities([activity.activity_id for activity in page])
    last = page[-1] if len(page) == limit else None
    return ActivitiesOut(
        activities=[ActivityOut.of(activity, of_page) for activity in page],
        after=after_of(last.starts_at, last.activity_id) if last else None,
    )


@routes.get("/activities/{activity_id}", summary="One activity, with free places")
async def read_activity(activity_id: IdInPath, activities: Activities, sessions: Sessions) -> ActivityOut:
    """It can be put as it is answered here. 404 `activity_unknown`."""
    activity = await activities.read(activity_id)
    if activity is None:
        raise NotFound(f"there is no activity {activity_id}", code="activity_unknown")
    return ActivityOut.of(activity, await sessions.of_activities([activity_id]))


@routes.put(
    "/activities/{activity_id}",
    dependencies=[AsOrganiser],
    max_body_size=ACTIVITY_BYTES_MAX,
    summary="Put an activity with all its sessions; repeating it changes nothing",
)
async def put_activity(
    activity_id: IdInPath,
    form: Annotated[ActivityIn, Body()],
    changes: Changes,
    sessions: Sessions,
) -> ActivityOut:
    """
    With more places the waiting list moves up: the first 200 at once, the others within seconds. The answer
    has the numbers as they are: `free` are places that nobody holds yet. If a session moves, its people are
    notified within seconds.

    409 `capacity_below_taken`, `capacity_below_waiting` (somebody waits for more places than there would be),
    `waiting_max_below_waiting` (more registrations wait), `waiting_policy_in_use` (somebody waits by the
    present policy), `session_in_use` (it would go, and somebody has
    registered), `session_elsewhere` (it is another activity's), `session_in_past` (it has not ended, and
    would move to a time that is over). 422 `id_differs`.
    """
    check_same_id(form.activity_id, activity_id)
    activity = Activity(
        activity_id=activity_id,
        title=form.title,
        summary=form.summary,
        organiser=form.organiser,
        kind=form.kind,
        remarks=form.remarks,
        starts_at=min(session.starts_at for session in form.sessions),
    )
    put = [_session(activity, session) for session in form.sessions]
    await changes.put_activity(activity, put, Origin.of_request())
    return ActivityOut.of(activity, await sessions.of_activities([activity_id]))


@routes.post(
    "/sessions/{session_id}/cancel",
    dependencies=[AsOrganiser],
    summary="Cancel a session: its registrations are cancelled, and those registered are notified",
)
async def cancel_session(
    session_id: IdInPath, form: Annotated[SessionCancelIn, Body()], changes: Changes
) -> SessionOut:
    """
    Nobody can register for it any more. Cancelling it again changes nothing.

    404 `session_unknown`.
    """
    return SessionOut.of(await changes.cancel_session(session_id, form.reason))


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
        admits=form.admits,
        places_per_person_max=form.places_per_person_max,
        waiting_policy=form.waiting_policy,
        offer_minutes=form.offer_minutes,
        overlap=form.overlap,
    )

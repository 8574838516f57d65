"""The programme over HTTP: everybody reads it, organisers put, cancel and remove activities and sessions."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Body, Response

from services.registration.programme.bodies import (
    ActivitiesOut,
    ActivityIn,
    ActivityOut,
    SessionCancelIn,
    SessionIn,
    SessionOut,
    how_many_fit,
)
from services.registration.programme.cancel import ProgrammeCancellation
from services.registration.programme.change import ProgrammeChanges
from services.registration.programme.remove import ProgrammeRemoval
from services.registration.programme.rules import Activity, activity_unknown
from services.registration.programme.store import ActivityStore
from services.registration.sessions.rules import ActivityId, Session, SessionId
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.web.forms import PAGE, After, IdInPath, Limit, after_of, check_same_id, one_page, place_after
from shared.web.identity import AsOrganiser, IsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

# An activity with all the sessions that it may have, its Chinese written as escapes.
ACTIVITY_BYTES_MAX = 262_144

Activities = Annotated[ActivityStore, provided(ActivityStore)]
Sessions = Annotated[SessionStore, provided(SessionStore)]
Changes = Annotated[ProgrammeChanges, provided(ProgrammeChanges)]
Cancellation = Annotated[ProgrammeCancellation, provided(ProgrammeCancellation)]
Removal = Annotated[ProgrammeRemoval, provided(ProgrammeRemoval)]

routes = Routes(tags=["programme"])


@routes.get("/activities", summary="The week's activities, the earliest first")
async def list_activities(
    activities: Activities,
    sessions: Sessions,
    is_organiser: IsOrganiser,
    limit: Limit = PAGE,
    after: After = None,
) -> ActivitiesOut:
    """
    A page of them, with free places. With the organisers' key drafts too. A page has at most 300 sessions, or
    a single activity.
    """
    place = place_after(after, datetime, str)
    page, following = await one_page(
        lambda most: activities.page(place, most, drafts=is_organiser),
        limit,
        _place,
    )
    counts = await sessions.counts([activity.activity_id for activity in page])
    if (fitting := how_many_fit([counts[activity.activity_id] for activity in page])) < len(page):
        page = page[:fitting]
        following = after_of(*_place(page[-1]))
    of_page = await sessions.of_activities([activity.activity_id for activity in page])
    by_activity: dict[str, list[Session]] = defaultdict(list)
    for session in _shown(of_page, is_organiser):
        by_activity[session.activity_id].append(session)
    return ActivitiesOut(
        activities=[ActivityOut.of(activity, by_activity[activity.activity_id]) for activity in page],
        after=following,
    )


@routes.get("/activities/{activity_id}", responses=TAGGED, summary="One activity, with free places")
async def read_activity(
    activity_id: IdInPath,
    activities: Activities,
    sessions: Sessions,
    is_organiser: IsOrganiser,
    response: Response,
) -> ActivityOut:
    """
    With the organisers' key drafts too. It can be put as it is answered here.

    `ETag` names the version of what organisers have put; the numbers of places are no part of it. It is weak
    (`W/"7"`) where drafts are left out.

    404 `activity_unknown`, also for a draft.
    """
    activity = await activities.read(activity_id)
    if activity is None or (activity.draft and not is_organiser):
        raise activity_unknown(activity_id)
    of_activity = await sessions.of_activities([activity_id])
    shown = _shown(of_activity, is_organiser)
    response.headers["etag"] = etag(activity.version, complete=len(shown) == len(of_activity))
    return ActivityOut.of(activity, shown)


@routes.put(
    "/activities/{activity_id}",
    dependencies=[AsOrganiser],
    max_body_size=ACTIVITY_BYTES_MAX,
    responses=TAGGED | CHANGED,
    summary="Put an activity with all its sessions; repeating it changes nothing",
)
async def put_activity(
    activity_id: IdInPath,
    form: Annotated[ActivityIn, Body()],
    changes: Changes,
    sessions: Sessions,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> ActivityOut:
    """
    With `draft` only organisers see it. Without it, it is published, and nobody can make it a draft again.

    With more places the waiting list moves up: the first 200 at once, the others within seconds. The answer
    has the numbers as they are: `free` are places that nobody holds yet. If a session moves, its people are
    notified within seconds.

    412 `version_differs`: `If-Match` is not the `ETag` of now.

    409 `capacity_below_taken`, `capacity_below_waiting` (somebody waits for more places than there would be),
    `waiting_max_below_waiting` (more registrations wait), `waiting_policy_in_use` (somebody waits by the
    present policy), `session_in_use` (it would go, and somebody has a place or waits), `session_has_rota` (it
    would go, and somebody is on its rota), `session_elsewhere` (it is another activity's), `session_in_past`
    (it has not ended, and would move to a time that is over), `shift_in_past` (one of its shifts would),
    `activity_published`, `session_published` (it would become a draft).
    422 `id_differs`, `shift_out_of_reach` (a shift would not be near its session any more).
    """
    check_same_id(form.activity_id, activity_id)
    activity = Activity(
        activity_id=activity_id,
        title=form.title,
        summary=form.summary,
        organiser=form.organiser,
        kind=form.kind,
        remarks=form.remarks,
        draft=form.draft,
        starts_at=min(session.starts_at for session in form.sessions),
    )
    put = [_session(activity, session) for session in form.sessions]
    saved = await changes.put_activity(activity, put, matching(if_match, if_none_match), Origin.of_request())
    response.headers["etag"] = etag(saved.version)
    return ActivityOut.of(saved, await sessions.of_activities([activity_id]))


@routes.delete(
    "/activities/{activity_id}",
    dependencies=[AsOrganiser],
    status_code=204,
    responses=CHANGED,
    summary="Remove an activity that nobody uses any more, with its sessions",
)
async def remove_activity(activity_id: IdInPath, removal: Removal, if_match: IfMatch = None) -> None:
    """
    People who had registered, and have cancelled since, still see what they had registered for.

    404 `activity_unknown`; 409 `session_in_use`: somebody has a place or waits, so cancel it first;
    `session_has_rota`: somebody is on its rota or has volunteered; 412 `version_differs`.
    """
    await removal.remove_activity(activity_id, matching(if_match), Origin.of_request())


@routes.post(
    "/activities/{activity_id}/cancel",
    dependencies=[AsOrganiser],
    summary="Cancel an activity: all its sessions that are not over",
)
async def cancel_activity(
    activity_id: IdInPath,
    form: Annotated[SessionCancelIn, Body()],
    cancellation: Cancellation,
    sessions: Sessions,
    response: Response,
) -> ActivityOut:
    """
    As if each session was cancelled. Cancelling it again changes nothing.

    404 `activity_unknown`; 409 `activity_draft`.
    """
    activity = await cancellation.cancel_activity(activity_id, form.as_reason, Origin.of_request())
    response.headers["etag"] = etag(activity.version)
    return ActivityOut.of(activity, await sessions.of_activities([activity_id]))


@routes.post(
    "/sessions/{session_id}/cancel",
    dependencies=[AsOrganiser],
    summary="Cancel a session: its registrations are cancelled, and those registered are notified",
)
async def cancel_session(
    session_id: IdInPath, form: Annotated[SessionCancelIn, Body()], cancellation: Cancellation
) -> SessionOut:
    """
    Nobody can register for it any more. Cancelling it again changes nothing, and the first reason stays.

    404 `session_unknown`; 409 `session_draft`.
    """
    return SessionOut.of(await cancellation.cancel_session(session_id, form.as_reason, Origin.of_request()))


@routes.delete(
    "/sessions/{session_id}",
    dependencies=[AsOrganiser],
    status_code=204,
    summary="Remove a session that nobody uses any more",
)
async def remove_session(session_id: IdInPath, removal: Removal) -> None:
    """
    People who had registered, and have cancelled since, still see what they had registered for.

    404 `session_unknown`; 409 `session_in_use`: somebody has a place or waits, so cancel it first;
    `session_has_rota`: somebody is on its rota or has volunteered; `session_last`: it is the only one of its
    activity, so remove the activity.
    """
    await removal.remove_session(session_id, Origin.of_request())


def _place(activity: Activity) -> tuple[datetime, str]:
    return activity.starts_at, activity.activity_id


def _shown(sessions: Sequence[Session], is_organiser: bool) -> list[Session]:
    return [session for session in sessions if is_organiser or session.is_public]


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
        minors_need_consent=form.minors_need_consent,
        draft=form.draft,
        reminders=form.reminders,
        feedback=form.feedback,
        activity_draft=activity.draft,
    )

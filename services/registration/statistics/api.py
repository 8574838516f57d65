"""Statistics over HTTP, for organisers."""

from typing import Annotated

from fastapi import APIRouter

from services.registration.programme.rules import activity_unknown
from services.registration.programme.store import ActivityStore
from services.registration.sessions.store import SessionStore
from services.registration.statistics.bodies import StatisticsOut
from services.registration.statistics.store import StatisticsStore
from shared.runtime import clock
from shared.web.forms import IdInPath
from shared.web.identity import AsViewer
from shared.web.provided import provided

Activities = Annotated[ActivityStore, provided(ActivityStore)]
Sessions = Annotated[SessionStore, provided(SessionStore)]
Statistics = Annotated[StatisticsStore, provided(StatisticsStore)]

routes = APIRouter(tags=["statistics"])


@routes.get(
    "/activities/{activity_id}/statistics",
    dependencies=[AsViewer],
    summary="An activity in numbers: who registered, waits, came, or stayed away",
)
async def activity_statistics(
    activity_id: IdInPath, activities: Activities, sessions: Sessions, statistics: Statistics
) -> StatisticsOut:
    """By session, by audience and by district. 404 `activity_unknown`."""
    if await activities.read(activity_id) is None:
        raise activity_unknown(activity_id)
    of_activity = await sessions.of_activities([activity_id])
    ids = [session.session_id for session in of_activity]
    by_session = await statistics.by_session(ids)
    audiences, districts = await statistics.by_person(ids)
    return StatisticsOut.of(activity_id, of_activity, by_session, audiences, districts, clock.now())

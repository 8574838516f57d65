"""Statistics over HTTP, for organisers."""

from typing import Annotated

from services.registration.programme.rules import activity_unknown
from services.registration.programme.store import ActivityStore
from services.registration.statistics.bodies import StatisticsOut
from services.registration.statistics.count import Counting
from shared.web.forms import IdInPath
from shared.web.identity import ByViewer
from shared.web.provided import provided
from shared.web.routes import Routes

Activities = Annotated[ActivityStore, provided(ActivityStore)]
Counts = Annotated[Counting, provided(Counting)]

routes = Routes(tags=["statistics"])


@routes.get(
    "/activities/{activity_id}/statistics",
    summary="An activity in numbers: who registered, waits, came, or stayed away",
)
async def activity_statistics(
    activity_id: IdInPath, by: ByViewer, activities: Activities, counts: Counts
) -> StatisticsOut:
    """
    By session, by audience and by district. All who ask at the same time get the same counts. Those of a
    large activity take seconds; who asks again meanwhile gets the last ones, with their time in `counted_at`.
    404 `activity_unknown`; 503 `overloaded` if there are no counts yet and it takes long, or if your key
    waits for eight activities.
    """
    if await activities.read(activity_id) is None:
        raise activity_unknown(activity_id)
    return StatisticsOut.of(activity_id, await counts.of(activity_id, by.name))

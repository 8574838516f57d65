"""The standings as they change, over HTTP."""

from functools import partial
from typing import Annotated

import msgspec
from fastapi import Query

from services.quiz.live.board import ROWS_MAX, StandingsBoards, View
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.showing import check_scores_shown
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.api import TOP
from shared.runtime import acting
from shared.web.identity import AsParticipantOrNone, ByOrganiserOrNone
from shared.web.live.boards import Boards
from shared.web.live.frames import MEDIA_TYPE, event
from shared.web.live.listeners import Listeners
from shared.web.live.stream import EventStream
from shared.web.provided import provided
from shared.web.routes import Routes

BOARD = "standings"
EXAMPLE = (
    "event: standings\nid: 5f1d0c6c4bb6a5ad90\n"
    'data: {"quiz_id":"puyang-2023-contest","final":false,"frozen_at":null,"participants":1,'
    '"points_max":20.0,"standings":[{"rank":1,"alias":"7K3QM0R9","points":19.5,"score_percent":97,'
    '"time_used_seconds":412,"finished_at":"2026-05-20T09:31:07Z"}]}\n\n'
)

routes = Routes(tags=["quiz"])


@routes.get(
    "/quizzes/{quiz_id}/standings/live",
    summary="The first standings, again whenever they change: server-sent events",
    status_code=200,
    response_class=EventStream,
    responses={200: {"content": {MEDIA_TYPE: {"example": EXAMPLE}}}},
)
async def listen_to_standings(
    quiz_id: QuizIdInPath,
    catalogue: Annotated[Catalogue, provided(Catalogue)],
    standings: Annotated[StandingsBoards, provided(StandingsBoards)],
    aliases: Annotated[Aliases, provided(Aliases)],
    erased: Annotated[Erased, provided(Erased)],
    boards: Annotated[Boards, provided(Boards)],
    listeners: Annotated[Listeners, provided(Listeners)],
    by: ByOrganiserOrNone,
    who: AsParticipantOrNone,
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = TOP,
) -> EventStream:
    """
    `standings` has the first `limit` standings, as the page has them: at the beginning, and at most once a
    second when they have changed. `frozen`, `thawed`, `closed`, `cancelled` and `removed` tell of the quiz.
    After the last three nothing follows. With a token, `yours` has your alias at the beginning.

    A stream ends after ten minutes at most: connect again, as browsers do. Send `Last-Event-ID`: 204 says
    that nothing follows. A browser does not come back after another status: read the page then.

    Whoever may read the page may listen: 409 `quiz_not_closed`, 401 `participant_erased`. 503 `overloaded`
    if too many listen.
    """
    first = b""
    if who is not None:
        erased.check(who.participant_id)
        alias = aliases.of(quiz_id, who.participant_id)
        first = event("yours", msgspec.json.encode({"quiz_id": quiz_id, "alias": alias}))
    record = (await catalogue.look_up(quiz_id)).record
    check_scores_shown(record, by)
    view = View(limit, by is not None, by is not None and by.role in acting.ORGANISER)
    read = partial(standings.read, quiz_id)
    return EventStream(boards, listeners, (BOARD, quiz_id), read, view, by=by.name if by else "", first=first)

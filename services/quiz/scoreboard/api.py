"""The scoreboard and the contest of the ICPC's Contest API over HTTP."""

from typing import Annotated

import msgspec
from fastapi import Query, Response

from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.showing import check_scores_shown
from services.quiz.scoreboard.board import SCOREBOARD_ROWS_MAX, Scoreboards
from services.quiz.scoreboard.bodies import ContestOut, ScoreboardOut
from services.quiz.scoreboard.rules import contest_of
from shared.web.identity import ByOrganiserOrNone
from shared.web.provided import provided
from shared.web.routes import Routes

JSON = "application/json"

routes = Routes(tags=["quiz"])

OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]


@routes.get(
    "/quizzes/{quiz_id}/standings/scoreboard",
    summary="The first standings as a scoreboard of the ICPC's Contest API",
    response_model=ScoreboardOut,
)
async def read_scoreboard(
    quiz_id: QuizIdInPath,
    catalogue: OfferedQuizzes,
    scoreboards: Annotated[Scoreboards, provided(Scoreboards)],
    by: ByOrganiserOrNone,
    limit: Annotated[int, Query(ge=1, le=SCOREBOARD_ROWS_MAX)] = SCOREBOARD_ROWS_MAX,
) -> Response:
    """
    As the Contest API 2026-01 has it for contests of the type `score`, without problems: a team is a
    participant, its id the alias. The first 1,000 are there; the page of standings has all.

    Whoever may read the standings may read it: 409 `quiz_not_closed`. 503 `overloaded` if eight of other
    quizzes are being made for your key, or for everybody without one.
    """
    record = (await catalogue.look_up(quiz_id)).record
    check_scores_shown(record, by)
    found = await scoreboards.first(quiz_id, limit, by.name if by else "")
    # A thousand rows: the framework need not check them again.
    return Response(msgspec.json.encode(found), media_type=JSON)


@routes.get(
    "/quizzes/{quiz_id}/standings/contest",
    summary="The quiz as a contest of the ICPC's Contest API",
    response_model=ContestOut,
)
async def read_contest(quiz_id: QuizIdInPath, catalogue: OfferedQuizzes) -> Response:
    """What a scoreboard's client reads of the contest. Everybody may read it."""
    record = (await catalogue.look_up(quiz_id)).record
    return Response(msgspec.json.encode(contest_of(record)), media_type=JSON)

"""Quiz over HTTP: standings, one's own rank, freeze and thaw."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.quiz.quizzes.bodies import FreezeOut, OwnStandingOut, StandingOut, StandingsOut
from services.quiz.quizzes.rules import CLOSE_NOTICE_SECONDS
from services.quiz.quizzes.store import QuizRecord
from services.quiz.scoring.rules import HALVES_A_QUESTION, score_percent
from services.quiz.serving import QuizIdInPath, quiz_of
from services.quiz.standings.rules import Standing, place, ranked
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.web.identity import AsOrganiser, AsParticipant

TOP, TOP_MAX = 10, 100


def add_standings(routes: APIRouter) -> None:
    """Add the routes."""
    routes.add_api_route(
        "/quizzes/{quiz_id}/standings",
        read_standings,
        methods=["GET"],
        response_model=StandingsOut,
        summary="The top of the standings",
    )
    routes.add_api_route(
        "/quizzes/{quiz_id}/standings/me",
        read_own_standing,
        methods=["GET"],
        response_model=OwnStandingOut,
        summary="One's own rank",
    )
    for path, change, summary in (
        ("/quizzes/{quiz_id}/standings/freeze", freeze_standings, "Freeze the standings that everyone sees"),
        ("/quizzes/{quiz_id}/standings/thaw", thaw_standings, "Show the standings as they are again"),
    ):
        routes.add_api_route(
            path,
            change,
            methods=["POST"],
            response_model=FreezeOut,
            dependencies=[AsOrganiser],
            summary=summary,
        )


async def read_standings(
    request: Request, quiz_id: QuizIdInPath, limit: Annotated[int, Query(ge=1, le=TOP_MAX)] = TOP
) -> StandingsOut:
    """Equal points in equal seconds share a rank; who finished earlier is only listed first."""
    api = quiz_of(request)
    record = (await api.catalogue.look_up(quiz_id)).record
    best = ranked(await api.store.standings.top(quiz_id, limit), record.quiz.opens_at)
    # The page is of now, the number of a moment ago.
    participants = max(await api.ranks.participants(quiz_id), len(best))
    return StandingsOut(
        quiz_id=quiz_id,
        final=record.status == "closed",
        frozen_at=record.frozen_at,
        participants=participants,
        points_max=record.quiz.questions_a_paper,
        standings=[_standing_out(standing, record) for standing in best],
    )


async def read_own_standing(request: Request, quiz_id: QuizIdInPath, who: AsParticipant) -> OwnStandingOut:
    """404 `standing_unknown` before the first result, or the first one before a freeze."""
    api = quiz_of(request)
    api.catalogue.erased.check(who.participant_id)
    record = (await api.catalogue.look_up(quiz_id)).record
    order = await api.store.standings.order_of(quiz_id, who.participant_id)
    if order is None:
        raise NotFound(f"you have no result in quiz {quiz_id} yet", code="standing_unknown")
    rank = await api.ranks.rank(quiz_id, order)
    standing = _standing_out(Standing(rank, who.participant_id, place(order, record.quiz.opens_at)), record)
    return OwnStandingOut(
        **standing.model_dump(), points_max=record.quiz.questions_a_paper, frozen_at=record.frozen_at
    )


async def freeze_standings(request: Request, quiz_id: QuizIdInPath) -> FreezeOut:
    """
    Everyone sees the results submitted until `frozen_at`, however late they are graded, and no later ones.

    `frozen_at` is two seconds ahead, so that every process knows. Results are given to their
    participants all the same. Repeating it changes nothing; the close ends it. Refused:
    `quiz_closed` (409).
    """
    api = quiz_of(request)
    await api.catalogue.look_up(quiz_id)
    await api.store.quizzes.freeze(quiz_id, clock.now() + timedelta(seconds=CLOSE_NOTICE_SECONDS))
    await api.catalogue.refresh()
    record = api.catalogue.find(quiz_id).record
    if record.frozen_at is None and record.status != "open":
        raise Conflict(f"quiz {quiz_id} is {record.status}: its standings are final soon", code="quiz_closed")
    return FreezeOut(quiz_id=quiz_id, frozen_at=record.frozen_at)


async def thaw_standings(request: Request, quiz_id: QuizIdInPath) -> FreezeOut:
    """What was held back stands within seconds. Repeating it changes nothing."""
    api = quiz_of(request)
    await api.catalogue.look_up(quiz_id)
    await api.store.quizzes.thaw(quiz_id)
    await api.catalogue.refresh()
    return FreezeOut(quiz_id=quiz_id, frozen_at=api.catalogue.find(quiz_id).record.frozen_at)


def _standing_out(standing: Standing, record: QuizRecord) -> StandingOut:
    halves, halves_max = standing.place.halves, HALVES_A_QUESTION * record.quiz.questions_a_paper
    return StandingOut(
        rank=standing.rank,
        participant_id=standing.participant_id,
        points=halves / HALVES_A_QUESTION,
        score_percent=score_percent(halves, halves_max),
        time_used_seconds=standing.place.time_used_seconds,
        finished_at=standing.place.finished_at,
    )

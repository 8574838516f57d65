"""Standings over HTTP: read by everyone, one's own rank, frozen and thawed by organisers."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from services.quiz.disqualified.rules import check_may_take_part
from services.quiz.disqualified.store import DisqualifiedStore, id_of
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.record import not_open_yet
from services.quiz.quizzes.rules import NOTICE_SECONDS
from services.quiz.quizzes.showing import check_scores_shown, not_closed_yet
from services.quiz.quizzes.store import QuizStore
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.bodies import FROZEN_AT, StandingOut, place_of, place_to_go_on, standing_out
from services.quiz.standings.export import EXAMPLE, MEDIA_TYPE, StandingFiles
from services.quiz.standings.ranks import Ranks
from services.quiz.standings.rules import Standing, parts_of
from services.quiz.standings.store import StandingStore
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.web.forms import After
from shared.web.identity import AsOrganiser, AsParticipant, AsParticipantOrNone, ByOrganiserOrNone
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.senders import FromNetwork

TOP, TOP_MAX = 10, 100

routes = Routes(tags=["quiz"])

Quizzes = Annotated[QuizStore, provided(QuizStore)]
OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
Standings = Annotated[StandingStore, provided(StandingStore)]
CountedRanks = Annotated[Ranks, provided(Ranks)]
Files = Annotated[StandingFiles, provided(StandingFiles)]
KnownAliases = Annotated[Aliases, provided(Aliases)]
ErasedParticipants = Annotated[Erased, provided(Erased)]
WhoIsDisqualified = Annotated[DisqualifiedStore, provided(DisqualifiedStore)]


class OwnStandingOut(StandingOut):
    points_max: float = Field(examples=[20])
    frozen_at: datetime | None = Field(None, description=FROZEN_AT)


class StandingsOut(BaseModel):
    """A page of the best, in order; final once the quiz is closed."""

    quiz_id: str
    final: bool
    frozen_at: datetime | None = Field(None, description=FROZEN_AT)
    participants: int
    points_max: float = Field(examples=[20])
    standings: list[StandingOut] = Field(max_length=TOP_MAX)
    after: str | None = Field(None, description="where the next page begins; null on the last one")


class FreezeOut(BaseModel):
    quiz_id: str = Field(examples=["puyang-2023-contest"])
    frozen_at: datetime | None = Field(description=FROZEN_AT)


@routes.get("/quizzes/{quiz_id}/standings", summary="The standings, best first, in pages")
async def read_standings(
    quiz_id: QuizIdInPath,
    catalogue: OfferedQuizzes,
    ranks: CountedRanks,
    aliases: KnownAliases,
    erased: ErasedParticipants,
    by: ByOrganiserOrNone,
    who: AsParticipantOrNone,
    limit: Annotated[int, Query(ge=1, le=TOP_MAX)] = TOP,
    after: After = None,
) -> StandingsOut:
    """
    The quiz's `ties` say who shares a rank, and its `counts` which attempt of a participant is ranked. Of
    those who share a rank, less time and an earlier finish are only listed first.

    Who improves while you read may leave a page that you have not read; nobody else is missed or comes twice.

    Everybody may read it. With a token your own standing is marked (401 `participant_erased`). With an
    organiser's key the ids of the participants are there. 409 `quiz_not_closed` if the quiz shows scores
    at the close: before it only organisers and owners read the standings.
    """
    if who is not None:
        erased.check(who.participant_id)
    offered = await catalogue.look_up(quiz_id)
    record = offered.record
    check_scores_shown(record, by)
    best, following = await ranks.page(record, place_of(after), limit)
    # The page shows the present, the number is a moment old.
    participants = max(await ranks.participants(quiz_id), len(best))
    return StandingsOut(
        quiz_id=quiz_id,
        final=record.status == "closed",
        frozen_at=record.frozen_at,
        participants=participants,
        points_max=offered.half_points_max / HALF_POINTS_A_POINT,
        standings=[
            standing_out(
                standing,
                offered,
                aliases,
                yours=who is not None and standing.participant_id == who.participant_id,
                is_organiser=by is not None,
            )
            for standing in best
        ],
        after=None if following is None else place_to_go_on(following),
    )


@routes.get(
    "/quizzes/{quiz_id}/standings/export",
    summary="All standings as a CSV file",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {"example": EXAMPLE}}}},
)
async def export_standings(
    quiz_id: QuizIdInPath,
    catalogue: OfferedQuizzes,
    files: Files,
    by: ByOrganiserOrNone,
    network: FromNetwork,
) -> StreamingResponse:
    """
    Organisers get it at any time, with the ids of participants; everybody else after the close: 409
    `quiz_not_closed`.

    The file is made while it is sent. If the connection ends early, it is not complete: ask again. 503
    `overloaded` if eight files are under way for your key or, without one, for your network.
    """
    offered = await catalogue.look_up(quiz_id)
    record = offered.record
    check_scores_shown(record, by)
    if by is None and record.status != "closed":
        raise not_closed_yet(record)
    return StreamingResponse(
        await files.file(offered, by, network),
        media_type=MEDIA_TYPE,
        headers={"content-disposition": f'attachment; filename="standings-{quiz_id}.csv"'},
    )


@routes.get("/quizzes/{quiz_id}/standings/me", summary="One's own rank")
async def read_own_standing(
    quiz_id: QuizIdInPath,
    who: AsParticipant,
    catalogue: OfferedQuizzes,
    standings: Standings,
    ranks: CountedRanks,
    aliases: KnownAliases,
    erased: ErasedParticipants,
    disqualified: WhoIsDisqualified,
) -> OwnStandingOut:
    """
    404 `standing_unknown` before the first result, or the first one before a freeze. 409 `quiz_not_closed` if
    the quiz shows scores at the close. 403 `disqualified` with the reason.
    """
    erased.check(who.participant_id)
    offered = await catalogue.look_up(quiz_id)
    record = offered.record
    if record.decided:
        [state] = await disqualified.states([id_of(quiz_id, who.participant_id)])
        check_may_take_part(state)
    check_scores_shown(record, None)
    order = await standings.order_of(quiz_id, who.participant_id)
    if order is None:
        raise NotFound(f"you have no result in quiz {quiz_id} yet", code="standing_unknown")
    ties = record.quiz.ties
    rank = await ranks.rank(quiz_id, order, ties)
    standing = standing_out(
        Standing(rank, who.participant_id, parts_of(order, record.quiz.opens_at, ties)),
        offered,
        aliases,
        yours=True,
        is_organiser=False,
    )
    return OwnStandingOut(
        **standing.model_dump(),
        points_max=offered.half_points_max / HALF_POINTS_A_POINT,
        frozen_at=record.frozen_at,
    )


@routes.post(
    "/quizzes/{quiz_id}/standings/freeze",
    dependencies=[AsOrganiser],
    summary="Freeze the standings that everyone sees",
)
async def freeze_standings(quiz_id: QuizIdInPath, quizzes: Quizzes, catalogue: OfferedQuizzes) -> FreezeOut:
    """
    Everyone sees all results submitted until `frozen_at`, also those that are graded much later, and no
    others.

    `frozen_at` is two seconds in the future, so that every process knows. Participants still see their own
    results. Repeating it changes nothing; the close ends it. Refused: `quiz_not_open` (409) before it opens,
    `quiz_closed` (409).
    """
    await catalogue.look_up(quiz_id)
    now = clock.now()
    await quizzes.freeze(quiz_id, now, now + timedelta(seconds=NOTICE_SECONDS))
    await catalogue.refresh()
    record = catalogue.find(quiz_id).record
    if record.frozen_at is None and now < record.quiz.opens_at:
        raise not_open_yet(record)
    if record.frozen_at is None and record.status != "open":
        raise Conflict(f"quiz {quiz_id} is {record.status}: its standings are final soon", code="quiz_closed")
    return FreezeOut(quiz_id=quiz_id, frozen_at=record.frozen_at)


@routes.post(
    "/quizzes/{quiz_id}/standings/thaw",
    dependencies=[AsOrganiser],
    summary="Show the standings as they are again",
)
async def thaw_standings(quiz_id: QuizIdInPath, quizzes: Quizzes, catalogue: OfferedQuizzes) -> FreezeOut:
    """Results that were held back are shown within seconds. Repeating it changes nothing."""
    await catalogue.look_up(quiz_id)
    await quizzes.thaw(quiz_id)
    await catalogue.refresh()
    return FreezeOut(quiz_id=quiz_id, frozen_at=catalogue.find(quiz_id).record.frozen_at)

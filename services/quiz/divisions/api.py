"""
Divisions over HTTP: their boards, one's own places, compared with each other; frozen and sized by organisers.
"""

from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse

from services.quiz.disqualified.rules import check_may_take_part
from services.quiz.disqualified.store import DisqualifiedStore, id_of
from services.quiz.divisions.boards import Boards, frozen_at
from services.quiz.divisions.bodies import (
    BoardOut,
    ComparedOut,
    ComparisonOut,
    MadeOut,
    OwnDivisionOut,
    OwnDivisionsOut,
)
from services.quiz.divisions.counting import Board
from services.quiz.divisions.export import BoardFiles
from services.quiz.divisions.figures import By, Compared, Value, compared, order_of
from services.quiz.divisions.rules import (
    BEST,
    BEST_MAX,
    BEST_MIN,
    Division,
    Kind,
    unknown,
)
from services.quiz.divisions.store import DivisionStore
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.showing import check_scores_shown, not_closed_yet
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.bodies import place_of, place_to_go_on, standing_out
from services.quiz.standings.export import EXAMPLE, MEDIA_TYPE
from shared.contracts.checked import Line
from shared.runtime import acting
from shared.runtime.acting import Organiser
from shared.runtime.errors import Forbidden, NotFound
from shared.web.forms import PAGE, After, Limit, one_page, place_after
from shared.web.identity import AsParticipant, AsParticipantOrNone, ByOrganiserOrNone
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.senders import FromNetwork

TOP, TOP_MAX = 10, 100

routes = Routes(tags=["quiz"])

OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
Divisions = Annotated[DivisionStore, provided(DivisionStore)]
ReadBoards = Annotated[Boards, provided(Boards)]
Files = Annotated[BoardFiles, provided(BoardFiles)]
KnownAliases = Annotated[Aliases, provided(Aliases)]
ErasedParticipants = Annotated[Erased, provided(Erased)]
WhoIsDisqualified = Annotated[DisqualifiedStore, provided(DisqualifiedStore)]
Name = Annotated[Line, Query(description="of the division; a group's is its id")]


@routes.get("/quizzes/{quiz_id}/divisions/{kind}", summary="Divisions of a kind against each other")
async def compare_divisions(
    quiz_id: QuizIdInPath,
    kind: Kind,
    catalogue: OfferedQuizzes,
    divisions: Divisions,
    boards: ReadBoards,
    by_key: ByOrganiserOrNone,
    by: By = "mean",
    best: Annotated[int, Query(ge=BEST_MIN, le=BEST_MAX, description="people of each that count")] = BEST,
    limit: Limit = PAGE,
    after: After = None,
) -> ComparisonOut:
    """
    By the mean points of the `best` people of each, or by the share of its people who took part. A division
    with fewer people, or without a size, is listed last, without a rank. Equal ones share a rank (1, 2, 2,
    4).

    404 `quiz_unknown`; 409 `quiz_not_closed` if the quiz shows scores at the close.
    """
    offered = await catalogue.look_up(quiz_id)
    check_scores_shown(offered.record, by_key)
    place = place_after(after, str, int, int)
    behind = order_of(Value(*place[1:3]) if place[2] > 0 else None, place[0]) if place else None
    state, sizes = await divisions.state(quiz_id), await divisions.sizes(quiz_id, kind)
    table = await boards.table(quiz_id, state, kind)
    ranked = compared(table.values(), by, best, sizes)

    async def first(most: int) -> list[Compared]:
        return [one for one in ranked if behind is None or one.order > behind][:most]

    shown, following = await one_page(first, limit, _as_after)
    return ComparisonOut(
        **MadeOut.of(offered.record, state).model_dump(),
        kind=kind,
        by=by,
        best=best,
        frozen_at=frozen_at(offered.record, state, kind),
        points_max=offered.half_points_max / HALF_POINTS_A_POINT,
        divisions=[ComparedOut.of(one, offered, state, best, open_=_may_see_all(by_key)) for one in shown],
        after=following,
    )


@routes.get("/quizzes/{quiz_id}/divisions/{kind}/standings", summary="The standings of a division")
async def read_division(
    quiz_id: QuizIdInPath,
    kind: Kind,
    name: Name,
    catalogue: OfferedQuizzes,
    divisions: Divisions,
    boards: ReadBoards,
    aliases: KnownAliases,
    erased: ErasedParticipants,
    by: ByOrganiserOrNone,
    who: AsParticipantOrNone,
    limit: Annotated[int, Query(ge=1, le=TOP_MAX)] = TOP,
    after: After = None,
) -> BoardOut:
    """
    As the standings of the quiz, with the same aliases, ties and pages, as of the moment `as_of`.

    Everybody may read it, except the board of a few people: 403 `division_hidden`. 404 `division_unknown`,
    409 `quiz_not_closed`, 401 `participant_erased`.
    """
    if who is not None:
        erased.check(who.participant_id)
    offered = await catalogue.look_up(quiz_id)
    check_scores_shown(offered.record, by)
    state = await divisions.state(quiz_id)
    board = _board(await boards.table(quiz_id, state, kind), Division(kind, name), by)
    page, following = await boards.page(offered.record, state, board, place_of(after), limit)
    return BoardOut(
        **MadeOut.of(offered.record, state).model_dump(),
        kind=kind,
        name=name,
        frozen_at=frozen_at(offered.record, state, kind, name),
        participants=board.people,
        points_max=offered.half_points_max / HALF_POINTS_A_POINT,
        standings=[
            standing_out(
                one,
                offered,
                aliases,
                yours=who is not None and one.participant_id == who.participant_id,
                is_organiser=by is not None,
            )
            for one in page
            if one.participant_id not in erased.ids
        ],
        after=None if following is None else place_to_go_on(following),
    )


@routes.get(
    "/quizzes/{quiz_id}/divisions/{kind}/standings/export",
    summary="All standings of a division as a CSV file",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {"example": EXAMPLE}}}},
)
async def export_division(
    quiz_id: QuizIdInPath,
    kind: Kind,
    name: Name,
    catalogue: OfferedQuizzes,
    divisions: Divisions,
    boards: ReadBoards,
    files: Files,
    by: ByOrganiserOrNone,
    network: FromNetwork,
) -> StreamingResponse:
    """
    Organisers get it at any time, with the ids of participants; everybody else when it is final: 409
    `quiz_not_closed`. 403 `division_hidden`, 404 `division_unknown`, 503 `overloaded` as for the whole file.
    """
    offered = await catalogue.look_up(quiz_id)
    check_scores_shown(offered.record, by)
    state = await divisions.state(quiz_id)
    if by is None and not (offered.record.status == "closed" and state.final):
        raise not_closed_yet(offered.record)
    board = _board(await boards.table(quiz_id, state, kind), Division(kind, name), by)
    return StreamingResponse(
        await files.file(offered, Division(kind, name), by, network),
        media_type=MEDIA_TYPE,
        headers={"content-disposition": f'attachment; filename="{quiz_id}-{kind}-{board.number}.csv"'},
    )


@routes.get("/quizzes/{quiz_id}/standings/me/divisions", summary="One's own rank in each division")
async def read_own_divisions(
    quiz_id: QuizIdInPath,
    who: AsParticipant,
    catalogue: OfferedQuizzes,
    divisions: Divisions,
    boards: ReadBoards,
    aliases: KnownAliases,
    erased: ErasedParticipants,
    disqualified: WhoIsDisqualified,
) -> OwnDivisionsOut:
    """
    404 `standing_unknown` if you are on no board yet. 409 `quiz_not_closed`; 403 `disqualified` with the
    reason.
    """
    erased.check(who.participant_id)
    offered = await catalogue.look_up(quiz_id)
    record = offered.record
    if record.decided:
        [decided] = await disqualified.states([id_of(quiz_id, who.participant_id)])
        check_may_take_part(decided)
    check_scores_shown(record, None)
    state = await divisions.state(quiz_id)
    own = await boards.own(record, state, who.participant_id)
    if not own:
        raise NotFound(f"you are on no board of quiz {quiz_id} yet", code="standing_unknown")
    return OwnDivisionsOut(
        **MadeOut.of(offered.record, state).model_dump(),
        points_max=offered.half_points_max / HALF_POINTS_A_POINT,
        divisions=[
            OwnDivisionOut(
                kind=board.kind,
                name=board.name,
                frozen_at=frozen_at(record, state, board.kind, board.name),
                hidden=board.hidden,
                participants=board.people,
                standing=None
                if board.hidden
                else standing_out(standing, offered, aliases, yours=True, is_organiser=False),
            )
            for board, standing in own
        ],
    )


def _as_after(one: Compared) -> tuple[str, int, int]:
    part, whole = one.value or (0, 0)
    return one.board.name, part, whole


def _may_see_all(by: Organiser | None) -> bool:
    return by is not None and by.role in acting.ORGANISER


def _board(table: dict[str, Board], division: Division, by: Organiser | None) -> Board:
    if (board := table.get(division.name)) is None:
        raise unknown(division.name)
    if board.hidden and not _may_see_all(by):
        raise Forbidden(
            f"few people of {board.name} took part: its board is not public",
            code="division_hidden",
            name=board.name,
        )
    return board

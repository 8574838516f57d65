"""Organisers freeze and thaw divisions, and put how many people divisions have in all."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Query, Response

from services.quiz.divisions.boards import Boards
from services.quiz.divisions.bodies import DivisionFreezeOut, Sizes
from services.quiz.divisions.rules import FREEZES_MAX, SIZES_BYTES_MAX, Freeze, Kind, unknown
from services.quiz.divisions.store import DivisionStore
from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.record import not_open_yet
from shared.contracts.checked import Line
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.runtime.versions import check_version
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, etag, matching

routes = Routes(tags=["quiz"])

OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
Divisions = Annotated[DivisionStore, provided(DivisionStore)]
ReadBoards = Annotated[Boards, provided(Boards)]
NameOrAll = Annotated[Line | None, Query(description="without it: all of the kind")]


@routes.post(
    "/quizzes/{quiz_id}/divisions/{kind}/freeze",
    dependencies=[AsOrganiser],
    summary="Freeze a division, or all of a kind",
)
async def freeze_divisions(
    quiz_id: QuizIdInPath,
    kind: Kind,
    catalogue: OfferedQuizzes,
    divisions: Divisions,
    boards: ReadBoards,
    name: NameOrAll = None,
) -> DivisionFreezeOut:
    """
    Everybody goes on seeing what is on the board now. The standings of the quiz and other divisions stay as
    they are. Repeating it changes nothing; the close ends it.

    404 `division_unknown`; 409 `quiz_not_open`, `quiz_closed`, `freezes_full`.
    """
    record = (await catalogue.look_up(quiz_id)).record
    now = clock.now()
    if now < record.quiz.opens_at:
        raise not_open_yet(record)
    if record.status != "open":
        raise Conflict(f"quiz {quiz_id} is {record.status}: its standings are final soon", code="quiz_closed")
    table = await boards.table(quiz_id, await divisions.state(quiz_id), kind)
    if not table or name not in (None, *table):
        raise unknown(name or kind)
    if not await divisions.freeze(quiz_id, Freeze(kind, name, now)):
        raise Conflict(
            f"{FREEZES_MAX} divisions are frozen, each for itself: freeze all of a kind",
            code="freezes_full",
            max=FREEZES_MAX,
        )
    return DivisionFreezeOut.made(quiz_id, kind, name, await divisions.state(quiz_id))


@routes.post(
    "/quizzes/{quiz_id}/divisions/{kind}/thaw",
    dependencies=[AsOrganiser],
    summary="Show a division, or all of a kind, as they are again",
)
async def thaw_divisions(
    quiz_id: QuizIdInPath, kind: Kind, catalogue: OfferedQuizzes, divisions: Divisions, name: NameOrAll = None
) -> DivisionFreezeOut:
    """
    The boards are made anew in the background. Without a name, each freeze of the kind ends. Repeating it
    changes nothing. A freeze of the quiz stays.
    """
    await catalogue.look_up(quiz_id)
    await divisions.thaw(quiz_id, kind, name, clock.now())
    return DivisionFreezeOut.made(quiz_id, kind, name, await divisions.state(quiz_id))


@routes.get(
    "/quizzes/{quiz_id}/divisions/{kind}/sizes",
    dependencies=[AsOrganiser],
    responses=TAGGED,
    summary="How many people divisions have in all, as a PUT takes it",
)
async def read_sizes(
    quiz_id: QuizIdInPath, kind: Kind, catalogue: OfferedQuizzes, divisions: Divisions, response: Response
) -> Sizes:
    """404 `quiz_unknown`."""
    await catalogue.look_up(quiz_id)
    sizes = Sizes(sizes=await divisions.sizes(quiz_id, kind))
    response.headers["etag"] = etag(sizes.version)
    return sizes


@routes.put(
    "/quizzes/{quiz_id}/divisions/{kind}/sizes",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Put how many people divisions have in all",
    max_body_size=SIZES_BYTES_MAX,
)
async def put_sizes(
    quiz_id: QuizIdInPath,
    kind: Kind,
    sizes: Sizes,
    catalogue: OfferedQuizzes,
    divisions: Divisions,
    response: Response,
    if_match: IfMatch = None,
) -> Sizes:
    """
    They hold at once, in place of those before.

    404 `quiz_unknown`; 412 `version_differs`.
    """
    await catalogue.look_up(quiz_id)
    matches = matching(if_match)

    def check(before: Mapping[str, int]) -> None:
        check_version(matches, Sizes(sizes=dict(before)).version, f"the sizes of quiz {quiz_id}")

    await divisions.put_sizes(quiz_id, kind, sizes.sizes, check)
    response.headers["etag"] = etag(sizes.version)
    return sizes

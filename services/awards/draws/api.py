"""Draws over HTTP: organisers hold them, and everybody may look and compute them again."""

from typing import Annotated, Any

from fastapi import Query, Response, status
from fastapi.responses import StreamingResponse

from services.awards.draws.bodies import (
    DRAW_BYTES_MAX,
    NAMED_BYTES_MAX,
    AgainIn,
    DefinitionOut,
    DrawIn,
    DrawOut,
    InputsIn,
    MoveIn,
    NamingIn,
    NamingOut,
    StateOut,
    StatesOut,
)
from services.awards.draws.hold import Draws
from services.awards.draws.page import draw_page, script
from services.awards.draws.rules import Drawing
from services.awards.draws.store import DrawStore, Kept
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, IdInPath, Limit, check_same_id, one_page, place_after
from shared.web.identity import AsOrganiser, AsViewer
from shared.web.paced import Paced
from shared.web.pages.reader import AsReader
from shared.web.pages.templates import SHOWS_PAGE
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.senders import FromNetwork
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

TEXT = "text/plain; charset=utf-8"
EXAMPLE = "0b1c9a52-7f3f-4a3e-9d6b-8a1f2c3d4e5f 1\n"

Kepts = Annotated[DrawStore, provided(DrawStore)]
Acts = Annotated[Draws, provided(Draws)]
Pace = Annotated[Paced, provided(Paced)]
Number = Annotated[
    int | None, Query(ge=1, le=1_000, description="which drawing, if it was held again; else the latest")
]

routes = Routes(tags=["draws"])


@routes.get("/draws", dependencies=[AsViewer], summary="All draws, and how far they are")
async def list_draws(kepts: Kepts, after: After = None, limit: Limit = PAGE) -> StatesOut:
    """By id."""
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: kepts.page(place[0] if place else "", most), limit, lambda one: (one.draw.draw_id,)
    )
    return StatesOut(draws=[StateOut.of(one) for one in page], after=following)


@routes.get(
    "/draws/verify.js",
    summary="The script of the page of a draw",
    response_class=Response,
    responses={200: {"content": {"text/javascript": {"schema": {"type": "string"}}}}},
)
async def read_script() -> Response:
    """It computes a draw again in the reader's browser."""
    return Response(script(), media_type="text/javascript; charset=utf-8")


@routes.put(
    "/draws/{draw_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    max_body_size=DRAW_BYTES_MAX,
    summary="Put a draw, or change one that is not announced",
)
async def put_draw(
    draw_id: IdInPath,
    body: DrawIn,
    acts: Acts,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> DefinitionOut:
    """
    A repeat changes nothing. 404 `scheme_unknown`, `quiz_unknown`; 422 `draw_id_differs`, `scheme_not_drawn`,
    `scheme_without_lots`, `source_time_passed`; 409 `draw_announced`, `scheme_of_other_draw`, `scheme_draft`,
    `draw_scheme_stays`, `too_many_draws`, `commitment_used`, `quiz_cancelled`; 412 `version_differs`.
    """
    check_same_id(body.draw_id, draw_id, code="draw_id_differs")
    kept = await acts.put(body.draw(draw_id), matching(if_match, if_none_match))
    return _definition(kept, response)


@routes.get(
    "/draws/{draw_id}/definition",
    dependencies=[AsOrganiser],
    responses=TAGGED,
    summary="A draw as it was put, with who does not take part",
)
async def get_definition(draw_id: IdInPath, kepts: Kepts, response: Response) -> DefinitionOut:
    """What `PUT` takes, with an `ETag` for `If-Match`. 404 `draw_unknown`."""
    return _definition(await kepts.get(draw_id), response)


@routes.get("/draws/{draw_id}/state", dependencies=[AsViewer], summary="How far a draw is")
async def get_state(draw_id: IdInPath, kepts: Kepts) -> StateOut:
    """
    404 `draw_unknown`. If `failed` is `entrants_missing` or `too_many_entrants`, change the draw; if it is
    `source_time_passed`, name a later source. Of a draw among tied people: `tie_missing` says that there is
    no such tie (yet), `prizes_differ` that other places are left (`GET /schemes/{scheme_id}/state` lists
    them), and `results_missing` that awards has not all results yet: freeze it again.
    """
    return await _state(await kepts.get(draw_id), kepts)


@routes.post(
    "/draws/{draw_id}/entrants",
    dependencies=[AsOrganiser],
    max_body_size=NAMED_BYTES_MAX,
    summary="Name entrants of a draw",
)
async def name_entrants(draw_id: IdInPath, body: NamingIn, acts: Acts) -> NamingOut:
    """
    Who is named already gets the new chances. 404 `draw_unknown`, 409 `draw_announced`, `too_many_entrants`,
    422 `entrants_not_named`.
    """
    named = await acts.name(draw_id, {one.entrant_id: one.chances for one in body.entrants})
    return NamingOut(draw_id=draw_id, named=named)


@routes.delete(
    "/draws/{draw_id}/entrants", status_code=204, dependencies=[AsOrganiser], summary="Name nobody any more"
)
async def unname_entrants(draw_id: IdInPath, acts: Acts) -> None:
    """404 `draw_unknown`, 409 `draw_announced`, 422 `entrants_not_named`."""
    await acts.unname(draw_id)


@routes.post(
    "/draws/{draw_id}/freeze",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[AsOrganiser],
    summary="Fix the list of entrants and announce it",
)
async def freeze(draw_id: IdInPath, acts: Acts, kepts: Kepts) -> StateOut:
    """
    The list is made in the background: read the state until it is `announced`. A repeat changes nothing.

    404 `draw_unknown`, `scheme_unknown`, `quiz_unknown`; 422 `scheme_not_drawn`, `source_time_passed`; 409
    `quiz_cancelled`, `commitment_used`, `too_many_drawings`.
    """
    return await _state(await acts.freeze(draw_id), kepts)


@routes.post("/draws/{draw_id}/hold", dependencies=[AsOrganiser], summary="Draw the winners")
async def hold(draw_id: IdInPath, body: InputsIn, acts: Acts, kepts: Kepts) -> DrawOut:
    """
    The awards follow within seconds. A repeat with the same inputs changes nothing.

    404 `draw_unknown`, `draw_not_announced`; 409 `source_time_ahead`, `draw_held`; 422 `seed_incomplete`,
    `seed_of_other_kind`, `secret_differs`.
    """
    return await _out(await acts.hold(draw_id, body.inputs), kepts)


@routes.post(
    "/draws/{draw_id}/moves",
    dependencies=[AsOrganiser],
    summary="Let the next reserve move up for somebody who is not entitled",
)
async def move(draw_id: IdInPath, body: MoveIn, acts: Acts, kepts: Kepts) -> DrawOut:
    """
    The award is taken back with the reason, and the reserve gets one. A repeat changes nothing.

    404 `draw_unknown`, `draw_not_announced`; 409 `draw_not_held`, `participant_erased`;
    422 `entrant_not_drawn`.
    """
    return await _out(await acts.move(draw_id, body.entrant_id, body.reason), kepts)


@routes.post(
    "/draws/{draw_id}/again",
    dependencies=[AsOrganiser],
    summary="Let a draw be held again, with a reason",
)
async def again(draw_id: IdInPath, body: AgainIn, acts: Acts, kepts: Kepts) -> StateOut:
    """
    The awards are taken back with the reason, and the draw may be changed. What was drawn stays visible.
    A repeat changes nothing. 404 `draw_unknown`, `draw_not_announced`.
    """
    return await _state(await acts.again(draw_id, body.number, body.reason), kepts)


@routes.get(
    "/draws/{draw_id}",
    response_model=DrawOut,
    responses=SHOWS_PAGE,
    summary="A draw, for anybody, to compute it again",
)
async def read_draw(draw_id: IdInPath, kepts: Kepts, reader: AsReader, number: Number = None) -> Any:
    """404 `draw_unknown`, `draw_not_announced`. A browser gets a page that computes the draw again."""
    said = await _out(await _drawing(draw_id, number, kepts), kepts)
    return reader.answer(said, lambda: draw_page(said, reader.language))


@routes.get(
    "/draws/{draw_id}/entrants.txt",
    response_class=StreamingResponse,
    responses={200: {"content": {TEXT: {"example": EXAMPLE}}}},
    summary="The list of entrants, for anybody",
)
async def read_entrants(
    draw_id: IdInPath, kepts: Kepts, pace: Pace, network: FromNetwork, number: Number = None
) -> StreamingResponse:
    """
    A line for each: id, space, chances. Its SHA-256 was announced. 404 `draw_unknown`, `draw_not_announced`;
    503 `overloaded` if eight are under way for your network.
    """
    drawing = await _drawing(draw_id, number, kepts)
    pieces = await pace.pieces(network, kepts.texts(drawing.list_id))
    return StreamingResponse(pieces, media_type=TEXT)


def _definition(kept: Kept, response: Response) -> DefinitionOut:
    response.headers["etag"] = etag(kept.version)
    return DefinitionOut(**dict(kept.draw), version=kept.version)


async def _state(kept: Kept, kepts: DrawStore) -> StateOut:
    pieces = await kepts.measured(kept.list_id) if kept.list_id else []
    return StateOut.of(kept, sum(piece.entrants for piece in pieces))


async def _drawing(draw_id: str, number: int | None, kepts: DrawStore) -> Drawing:
    kept = await kepts.get(draw_id)
    # A draft of a later drawing is not public yet: the one before is shown.
    drawing = await kepts.drawing(draw_id, number or kept.number)
    if drawing is None and number is None:
        drawing = await kepts.drawing(draw_id, kept.number - 1)
    if drawing is None:
        raise NotFound(f"draw {draw_id} is not announced yet", code="draw_not_announced")
    return drawing


async def _out(drawing: Drawing, kepts: DrawStore) -> DrawOut:
    others = await kepts.others(drawing.draw_id, drawing.number)
    return DrawOut.of(drawing, others)

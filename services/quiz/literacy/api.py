"""Reports of literacy over HTTP, for organisers alone: two reports together may tell of one person."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from services.quiz.literacy.bodies import CountOut, LiteracyOut
from services.quiz.literacy.figures import By, Figures, of_all, of_cells
from services.quiz.literacy.rules import Interval, Measure
from services.quiz.literacy.store import LiteracyStore
from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, Limit, one_page, place_after
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.tables import Cell, csv_file
from shared.web.versions import CHANGED, TAGGED, IfMatch, etag, matching

CSV = "text/csv; charset=utf-8"
EXPORTED: tuple[By, ...] = ("audience", "district", "unit")

routes = Routes(tags=["quiz"])

OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]
Literacy = Annotated[LiteracyStore, provided(LiteracyStore)]
Kind = Annotated[By, Query(description="of what the cells are: audiences are the five key groups and others")]


@routes.get(
    "/quizzes/{quiz_id}/literacy",
    dependencies=[AsOrganiser],
    summary="People by the tiers of scientific literacy",
)
async def read_literacy(
    quiz_id: QuizIdInPath,
    catalogue: OfferedQuizzes,
    literacy: Literacy,
    by: Kind = "audience",
    limit: Limit = PAGE,
    after: After = None,
) -> LiteracyOut:
    """
    Each person counts once, by the attempt in the standings. Cells of few people are `hidden`, and more of
    them if they could be computed from the others. If nobody is counted yet, reading it lets people be
    counted: ask again. After the close they are counted once more.

    404 `quiz_unknown`.
    """
    place = place_after(after, int)
    await catalogue.look_up(quiz_id)
    state, census = await literacy.state(quiz_id), await literacy.census(quiz_id)
    if census is None:
        if not state.due:
            await literacy.ask(quiz_id)
        return LiteracyOut.made(quiz_id, state._replace(due=True), by, None, [], None)
    cells = list(enumerate(of_cells(census, state.measure, by)))
    begin = place[0] + 1 if place else 0

    async def first(most: int) -> list[tuple[int, Figures]]:
        return cells[begin:][:most]

    page, following = await one_page(first, limit, lambda numbered: (numbered[0],))
    shown = [figures for _, figures in page]
    return LiteracyOut.made(quiz_id, state, by, of_all(census, state.measure), shown, following)


@routes.post(
    "/quizzes/{quiz_id}/literacy",
    status_code=202,
    dependencies=[AsOrganiser],
    summary="Count people by the tiers of scientific literacy anew",
)
async def count_literacy(quiz_id: QuizIdInPath, catalogue: OfferedQuizzes, literacy: Literacy) -> CountOut:
    """They are counted in the background: read until `due` is false. 404 `quiz_unknown`."""
    await catalogue.look_up(quiz_id)
    await literacy.ask(quiz_id)
    return CountOut.of(quiz_id, await literacy.state(quiz_id))


@routes.get(
    "/quizzes/{quiz_id}/literacy/measure",
    dependencies=[AsOrganiser],
    responses=TAGGED,
    summary="The tiers of a quiz's report, as a PUT takes them",
)
async def read_measure(
    quiz_id: QuizIdInPath, catalogue: OfferedQuizzes, literacy: Literacy, response: Response
) -> Measure:
    """404 `quiz_unknown`."""
    await catalogue.look_up(quiz_id)
    measure = (await literacy.state(quiz_id)).measure
    response.headers["etag"] = etag(measure.version)
    return measure


@routes.put(
    "/quizzes/{quiz_id}/literacy/measure",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Put the tiers of a quiz's report, and the smallest cell that it shows",
)
async def put_measure(
    quiz_id: QuizIdInPath,
    measure: Measure,
    catalogue: OfferedQuizzes,
    literacy: Literacy,
    response: Response,
    if_match: IfMatch = None,
) -> Measure:
    """
    People are not counted anew: the report has the new tiers at once.

    404 `quiz_unknown`; 412 `version_differs`.
    """
    # Not of a quiz that was removed a moment ago: the next one of its name would have it.
    await catalogue.refresh()
    catalogue.find(quiz_id)
    await literacy.put_measure(quiz_id, measure, matching(if_match))
    response.headers["etag"] = etag(measure.version)
    return measure


@routes.get(
    "/quizzes/{quiz_id}/literacy/export",
    dependencies=[AsOrganiser],
    summary="The report as a file: CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {CSV: {"example": "by,name,people,mean_percent,mean_low,mean_high"}}}},
)
async def export_literacy(
    quiz_id: QuizIdInPath,
    catalogue: OfferedQuizzes,
    literacy: Literacy,
) -> StreamingResponse:
    """
    Everybody, and all cells of all kinds. Of hidden cells there is only the name.

    404 `quiz_unknown`, `literacy_not_counted`.
    """
    await catalogue.look_up(quiz_id)
    state, census = await literacy.state(quiz_id), await literacy.census(quiz_id)
    if census is None:
        raise NotFound(f"nobody is counted in quiz {quiz_id} yet", code="literacy_not_counted")
    columns = ["by", "name", "people", "mean_percent", "mean_low", "mean_high"]
    for tier in state.measure.tiers:
        columns += [f"{tier.name} {of}" for of in ("people", "percent", "low", "high")]

    async def rows() -> AsyncIterator[list[list[Cell]]]:
        yield [_row("all", of_all(census, state.measure))]
        for by in EXPORTED:
            yield [_row(by, one) for one in of_cells(census, state.measure, by)]

    return StreamingResponse(
        csv_file(columns, rows()),
        media_type=CSV,
        headers={"content-disposition": f'attachment; filename="literacy-{quiz_id}.csv"'},
    )


def _row(by: str, figures: Figures) -> list[Cell]:
    row: list[Cell] = [by, figures.name, figures.people, *_in_cells(figures.mean)]
    for people, share in figures.tiers:
        row += [people, *_in_cells(share)]
    return row


def _in_cells(interval: Interval | None) -> list[Cell]:
    return [f"{one:.2f}" for one in interval] if interval else [None, None, None]

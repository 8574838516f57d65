"""Statistics of awards over HTTP, for viewers; by what is known of recipients for organisers alone."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from services.awards.known.rules import check_quiz
from services.awards.known.store import KnownStore
from services.awards.names.store import NameStore
from services.awards.schemes.store import SchemeStore
from services.awards.statistics.bodies import CellOut, CountOut, StatisticsOut
from services.awards.statistics.count import Counted, Counting, Wanted
from services.awards.statistics.rules import OF_PEOPLE, By, Cell, Count, cells_of, total
from shared.contracts.checked import ID_PATTERN
from shared.contracts.events import AwardKind
from shared.runtime import acting
from shared.web.admitting import check_role
from shared.web.forms import PAGE, After, Limit, one_page, place_after
from shared.web.identity import AsViewer, ByViewer
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.tables import Cell as TableCell
from shared.web.tables import csv_file

CSV = "text/csv; charset=utf-8"
COLUMNS = ("分类", "编号或名称", "标题", "获奖者", "有效", "已撤销", "已被替换", "未显示")
HIDDEN = "人数过少"
# Cells in a piece of a file: the names of so many units are opened at a time.
PIECE_CELLS = 200
BY_IN_CHINESE: dict[By, str] = {
    "scheme": "奖项",
    "tier": "等级",
    "kind": "类型",
    "district": "地区",
    "unit": "单位",
    "audience": "人群",
}

Counts = Annotated[Counting, provided(Counting)]
Known = Annotated[KnownStore, provided(KnownStore)]
Names = Annotated[NameStore, provided(NameStore)]
Schemes = Annotated[SchemeStore, provided(SchemeStore)]
ByInQuery = Annotated[By, Query(description="of what the cells are")]

routes = Routes(tags=["awards"])


async def _counted(
    who: ByViewer,
    counting: Counts,
    schemes: Schemes,
    known: Known,
    by: ByInQuery = "scheme",
    scheme_id: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
    kind: AwardKind | None = None,
    quiz_id: Annotated[
        str | None, Query(pattern=ID_PATTERN, description="whose results the schemes use")
    ] = None,
) -> Counted:
    if by in OF_PEOPLE:
        # Of two counts before and after one award, the difference tells of whom it is.
        check_role(who, acting.ORGANISER)
    if scheme_id is not None:
        await schemes.get(scheme_id)
    if quiz_id is not None:
        check_quiz(quiz_id, known=await known.has_quiz(quiz_id))
    return await counting.of(Wanted(by in OF_PEOPLE, scheme_id, kind, quiz_id), who.name)


CountedNow = Annotated[Counted, Depends(_counted)]


@routes.get(
    "/awards/statistics", dependencies=[AsViewer], summary="Awards in numbers: held, revoked and superseded"
)
async def read_statistics(
    counted: CountedNow,
    names: Names,
    by: ByInQuery = "scheme",
    limit: Limit = PAGE,
    after: After = None,
) -> StatisticsOut:
    """
    By scheme, tier or kind; for organisers also by district, unit and audience of the recipients, as they are
    now. There cells of fewer than five people are `hidden`, and more of them if they could be computed from
    the others. A count that takes long is up to ten seconds old: `counted_at`.

    403 `organiser_role`; 404 `scheme_unknown`, `quiz_unknown`; 409 `too_many_cells`; 503 `overloaded`.
    """
    place = place_after(after, bool, str)
    cells = cells_of(counted.rows, by)
    left = [cell for cell in cells if place is None or _place(cell) > place]

    async def first(most: int) -> Sequence[Cell]:
        return left[:most]

    page, following = await one_page(first, limit, _place)
    titles = await _titles(by, page, counted, names)
    of_people = by in OF_PEOPLE
    return StatisticsOut(
        by=by,
        counted_at=counted.counted_at,
        all=CountOut.of(total(counted.rows), of_people=of_people),
        cells=[CellOut.of(cell, titles, of_people=of_people) for cell in page],
        after=following,
    )


@routes.get(
    "/awards/statistics/export",
    dependencies=[AsViewer],
    summary="Awards in numbers as a file: CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {CSV: {"example": ",".join(COLUMNS)}}}},
)
async def export_statistics(counted: CountedNow, names: Names, by: ByInQuery = "scheme") -> StreamingResponse:
    """
    All, and all cells of this kind. Of hidden cells there is only the name.

    403 `organiser_role`; 404 `scheme_unknown`, `quiz_unknown`; 409 `too_many_cells`; 503 `overloaded`.
    """
    cells, kind = cells_of(counted.rows, by), BY_IN_CHINESE[by]
    of_people = by in OF_PEOPLE

    async def rows() -> AsyncIterator[list[list[TableCell]]]:
        yield [["合计", None, None, *_figures(total(counted.rows), of_people=of_people)]]
        for start in range(0, len(cells), PIECE_CELLS):
            some = cells[start : start + PIECE_CELLS]
            titles = await _titles(by, some, counted, names)
            yield [
                [kind, one.name, titles.get(one.name or ""), *_figures(one.count, of_people=of_people)]
                for one in some
            ]

    return StreamingResponse(
        csv_file(COLUMNS, rows()),
        media_type=CSV,
        headers={"content-disposition": f'attachment; filename="awards-by-{by}.csv"'},
    )


async def _titles(by: By, cells: Sequence[Cell], counted: Counted, names: NameStore) -> Mapping[str, str]:
    """What the cells of schemes and units are called, by id."""
    if by == "scheme":
        return counted.titles
    if by != "unit":
        return {}
    shown = await names.shown([cell.name for cell in cells if cell.name])
    return {id_: one.text for id_, one in shown.items() if one.text}


def _figures(count: Count | None, *, of_people: bool) -> list[TableCell]:
    if count is None:
        return [None, None, None, None, HIDDEN]
    return [count.recipients if of_people else None, count.held, count.revoked, count.superseded, None]


def _place(cell: Cell) -> tuple[bool, str]:
    return cell.name is None, cell.name or ""

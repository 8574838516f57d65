"""Ceremonies over HTTP: organisers put them, presenters read scripts, the hall shows slides."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import Body, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from services.awards.ceremonies.bodies import (
    ChangedOut,
    CodesIn,
    HallLinkOut,
    HandedOut,
    ProxiesOut,
    ProxyOut,
    ScriptOut,
)
from services.awards.ceremonies.hand_over import HandingOver
from services.awards.ceremonies.page import SCRIPT, SECONDS, SECONDS_MAX, SECONDS_MIN, STYLE, hall_page
from services.awards.ceremonies.put import Putting, proxy_version
from services.awards.ceremonies.rules import Ceremony, CeremonyTerms, Proxy
from services.awards.ceremonies.script import COLUMNS, Scripts, rows
from services.awards.ceremonies.store import CeremonyStore, proxy_unknown
from shared.contracts.checked import Id
from shared.contracts.events import Language
from shared.web.forms import PAGE, After, IdInPath, Limit, check_same_id, one_page, place_after
from shared.web.identity import AsOrganiser, AsViewer, ByViewer
from shared.web.pages.reader import AsReader
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.tables import csv_file, xlsx_file
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

# Nobody has to know how a code looks: one of another form is unknown like any other.
HALL_CODE_CHARS_MAX = 200
CEREMONY_BYTES_MAX = 65_536

Format = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Ceremonies = Annotated[CeremonyStore, provided(CeremonyStore)]
Changes = Annotated[Putting, provided(Putting)]
Making = Annotated[Scripts, provided(Scripts)]
Marking = Annotated[HandingOver, provided(HandingOver)]
HallCodeInPath = Annotated[str, Path(max_length=HALL_CODE_CHARS_MAX)]
Seconds = Annotated[int, Query(ge=SECONDS_MIN, le=SECONDS_MAX, description="how long a slide is shown")]

routes = Routes(tags=["ceremonies"])


class CeremonyIn(CeremonyTerms):
    """A ceremony as an organiser puts it; its id, if given, is the path's."""

    ceremony_id: Id | None = Field(None, examples=["closing-2026"])


class CeremoniesOut(BaseModel):
    """A page of ceremonies; `after` leads to the next one, null on the last."""

    ceremonies: list[Ceremony]
    after: str | None


class ProxyIn(Proxy):
    """Who comes for a recipient: either an id or a name. The recipient's id, if given, is the path's."""

    recipient_id: Id | None = None


@routes.get("/ceremonies", dependencies=[AsViewer], summary="All ceremonies")
async def list_ceremonies(ceremonies: Ceremonies, after: After = None, limit: Limit = PAGE) -> CeremoniesOut:
    """By id."""
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: ceremonies.page(place[0] if place else "", most), limit, lambda one: (one.ceremony_id,)
    )
    return CeremoniesOut(ceremonies=list(page), after=following)


@routes.put(
    "/ceremonies/{ceremony_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Put a ceremony, or change one",
    max_body_size=CEREMONY_BYTES_MAX,
)
async def put_ceremony(
    ceremony_id: IdInPath,
    body: CeremonyIn,
    changes: Changes,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Ceremony:
    """
    A repeat changes nothing. Its items call awards tier by tier, the lowest tier first.

    404 `scheme_unknown`; 422 `ceremony_id_differs`, `called_twice`, `tier_unknown`; 409
    `too_many_ceremonies`; 412 `version_differs`.
    """
    check_same_id(body.ceremony_id, ceremony_id, code="ceremony_id_differs")
    said = {name: getattr(body, name) for name in ("title", "title_en", "session_id", "items")}
    ceremony = Ceremony(ceremony_id=ceremony_id, **said)
    response.headers["etag"] = etag(await changes.put(ceremony, matching(if_match, if_none_match)))
    return ceremony


@routes.get(
    "/ceremonies/{ceremony_id}", dependencies=[AsViewer], responses=TAGGED, summary="A ceremony as it was put"
)
async def get_ceremony(ceremony_id: IdInPath, ceremonies: Ceremonies, response: Response) -> Ceremony:
    """What `PUT` takes, with an `ETag` for `If-Match`. 404 `ceremony_unknown`."""
    ceremony, version = await ceremonies.get(ceremony_id)
    response.headers["etag"] = etag(version)
    return ceremony


@routes.delete(
    "/ceremonies/{ceremony_id}",
    status_code=204,
    dependencies=[AsOrganiser],
    responses=CHANGED,
    summary="Delete a ceremony, with its proxies and its link",
)
async def delete_ceremony(ceremony_id: IdInPath, changes: Changes, if_match: IfMatch = None) -> None:
    """404 `ceremony_unknown`; 409 `ceremony_in_use`: awards were handed over at it; 412 `version_differs`."""
    await changes.delete(ceremony_id, matching(if_match))


@routes.get("/ceremonies/{ceremony_id}/proxies", dependencies=[AsOrganiser], summary="Who comes for whom")
async def list_proxies(ceremony_id: IdInPath, ceremonies: Ceremonies) -> ProxiesOut:
    """By recipient. 404 `ceremony_unknown`."""
    await ceremonies.get(ceremony_id)
    found = await ceremonies.proxies(ceremony_id)
    return ProxiesOut(proxies=[ProxyOut.of(recipient_id, one) for recipient_id, one in found.items()])


@routes.put(
    "/ceremonies/{ceremony_id}/proxies/{recipient_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Say who comes for a recipient",
)
async def put_proxy(
    ceremony_id: IdInPath,
    recipient_id: IdInPath,
    body: ProxyIn,
    changes: Changes,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> ProxyOut:
    """
    Organisers alone read it, and it is deleted when the recipient, or the receiver, is erased.

    404 `ceremony_unknown`, `recipient_unknown`; 422 `id_differs`, `one_receiver`; 409 `participant_erased`,
    `too_many_proxies`; 412 `version_differs`.
    """
    check_same_id(body.recipient_id, recipient_id)
    proxy = Proxy(receiver_id=body.receiver_id, receiver_name=body.receiver_name, reason=body.reason)
    version = await changes.put_proxy(ceremony_id, recipient_id, proxy, matching(if_match, if_none_match))
    response.headers["etag"] = etag(version)
    return ProxyOut.of(recipient_id, proxy)


@routes.get(
    "/ceremonies/{ceremony_id}/proxies/{recipient_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED,
    summary="Who comes for a recipient",
)
async def get_proxy(
    ceremony_id: IdInPath, recipient_id: IdInPath, ceremonies: Ceremonies, response: Response
) -> ProxyOut:
    """404 `ceremony_unknown`, `proxy_unknown`."""
    await ceremonies.get(ceremony_id)
    proxy = await ceremonies.proxy(ceremony_id, recipient_id)
    if proxy is None:
        raise proxy_unknown(recipient_id)
    response.headers["etag"] = etag(proxy_version(proxy))
    return ProxyOut.of(recipient_id, proxy)


@routes.delete(
    "/ceremonies/{ceremony_id}/proxies/{recipient_id}",
    status_code=204,
    dependencies=[AsOrganiser],
    responses=CHANGED,
    summary="Nobody comes for a recipient any more",
)
async def delete_proxy(
    ceremony_id: IdInPath, recipient_id: IdInPath, changes: Changes, if_match: IfMatch = None
) -> None:
    """404 `ceremony_unknown`, `proxy_unknown`; 412 `version_differs`."""
    await changes.delete_proxy(ceremony_id, recipient_id, matching(if_match))


@routes.get("/ceremonies/{ceremony_id}/script", summary="The running order for the presenter, as it is now")
async def read_script(
    ceremony_id: IdInPath, by: ByViewer, ceremonies: Ceremonies, making: Making
) -> ScriptOut:
    """
    Awards that are held, lowest tier first; who is there; which were handed over. Erased people are left out.

    404 `ceremony_unknown`; 409 `too_many_awards`; 503 `overloaded` if too many requests of your key are under
    way.
    """
    ceremony, _ = await ceremonies.get(ceremony_id)
    return ScriptOut.of(await making.script(by.name, ceremony))


@routes.get(
    "/ceremonies/{ceremony_id}/script/export",
    summary="The same as a file: CSV or XLSX",
    response_class=StreamingResponse,
    responses={200: {"content": {media: {} for media in MEDIA_TYPES.values()}}},
)
async def export_script(
    ceremony_id: IdInPath,
    by: ByViewer,
    ceremonies: Ceremonies,
    making: Making,
    format: Format = "csv",  # noqa: A002 (the name in the query)
) -> StreamingResponse:
    """A row for each award, in order. The same refusals as `/script`."""
    ceremony, _ = await ceremonies.get(ceremony_id)
    script = await making.script(by.name, ceremony)
    pieces: AsyncIterator[bytes] = (csv_file if format == "csv" else xlsx_file)(COLUMNS, rows(script))
    return StreamingResponse(
        pieces,
        media_type=MEDIA_TYPES[format],
        headers={"content-disposition": f'attachment; filename="script-{ceremony_id}.{format}"'},
    )


@routes.post(
    "/ceremonies/{ceremony_id}/handed-over",
    dependencies=[AsOrganiser],
    summary="These awards were handed over",
)
async def hand_over(ceremony_id: IdInPath, form: Annotated[CodesIn, Body()], marking: Marking) -> ChangedOut:
    """
    All of them are marked, or none. A repeat changes nothing. Event: `award.handed_over`.

    404 `ceremony_unknown`, `award_unknown`; 422 `award_code_malformed`; 409 `award_not_held`,
    `award_not_called`, `handed_over_elsewhere`, `handed_over_too_often`, `participant_erased`.
    """
    changed = await marking.mark(ceremony_id, form.award_codes, over=True)
    return ChangedOut(changed=[HandedOut.of(one) for one in changed])


@routes.post(
    "/ceremonies/{ceremony_id}/handed-over/undo",
    dependencies=[AsOrganiser],
    summary="These awards were not handed over",
)
async def undo(ceremony_id: IdInPath, form: Annotated[CodesIn, Body()], marking: Marking) -> ChangedOut:
    """
    A marking by mistake. One that is not there changes nothing. Event: `award.handed_over`, with false.

    404 `ceremony_unknown`, `award_unknown`; 422 `award_code_malformed`; 409 `participant_erased`.
    """
    changed = await marking.mark(ceremony_id, form.award_codes, over=False)
    return ChangedOut(changed=[HandedOut.of(one) for one in changed])


@routes.post(
    "/ceremonies/{ceremony_id}/hall-link",
    status_code=201,
    dependencies=[AsOrganiser],
    summary="A link for the computer of the hall",
)
async def make_link(ceremony_id: IdInPath, changes: Changes) -> HallLinkOut:
    """The link that was made before ends now. 404 `ceremony_unknown`."""
    code, until = await changes.make_link(ceremony_id)
    return HallLinkOut(hall_code=code, expires_at=until)


@routes.delete(
    "/ceremonies/{ceremony_id}/hall-link",
    status_code=204,
    dependencies=[AsOrganiser],
    summary="End the link of the hall",
)
async def end_link(ceremony_id: IdInPath, changes: Changes) -> None:
    """A repeat changes nothing. 404 `ceremony_unknown`."""
    await changes.end_link(ceremony_id)


@routes.get("/hall/slides.js", summary="The script of the slides", response_class=Response)
async def slides_script() -> Response:
    """The page of the hall names it with its hash."""
    return Response(SCRIPT, media_type="text/javascript; charset=utf-8")


@routes.get("/hall/slides.css", summary="The style of the slides", response_class=Response)
async def slides_style() -> Response:
    """The page of the hall names it with its hash."""
    return Response(STYLE, media_type="text/css; charset=utf-8")


@routes.get(
    "/hall/{hall_code}",
    summary="The slides for the screen of the hall: the link that an organiser makes",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
)
async def show_slides(
    hall_code: HallCodeInPath,
    reader: AsReader,
    changes: Changes,
    making: Making,
    seconds: Seconds = SECONDS,
    language: Language | None = None,
) -> Response:
    """
    A page with all slides, which needs no network after it is loaded. Names are as their holders show them.

    Load it again shortly before the ceremony: an award that was revoked since is gone then. 404
    `hall_link_unknown`; 409 `too_many_awards`; 503 `overloaded`.
    """
    ceremony = await changes.of_link(hall_code)
    script = await making.script(f"hall {ceremony.ceremony_id}", ceremony)
    return hall_page(script, language or reader.language, seconds)

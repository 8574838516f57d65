"""Templates, documents, prints and the page behind the QR code over HTTP."""

from typing import Annotated

from fastapi import Header, Path, Query, Response

from services.awards.documents import page
from services.awards.documents.bodies import (
    DocumentIn,
    PrintIn,
    PrintOut,
    PrintsOut,
    TemplateIn,
    TemplateLineOut,
    TemplatesOut,
    VerifiedOut,
    line_of,
    whole_of,
)
from services.awards.documents.defaults import DEFAULTS
from services.awards.documents.make import Documents
from services.awards.documents.print_pages import start_print
from services.awards.documents.prints import PrintStore
from services.awards.documents.put import SAMPLE_AT, put_template, sample
from services.awards.documents.rules import Template
from services.awards.documents.store import TemplateStore
from services.awards.documents.typeset import Press
from services.awards.issued.codes import CODE_CHARS_MAX, read_code
from services.awards.issued.tries import CountsWrongCodes
from services.awards.schemes.store import SchemeStore
from shared.contracts.checked import Version
from shared.contracts.events import AwardKind, Language
from shared.web.forms import PAGE, After, IdInPath, Limit, check_same_id, one_page, place_after
from shared.web.identity import AsOrganiser, AsParticipantOrNone, AsViewer, ByOrganiser, ByOrganiserOrNone
from shared.web.pages.reader import AsReader
from shared.web.pages.templates import SHOWS_PAGE
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.senders import FromNetwork
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

# Two pictures, and the texts.
TEMPLATE_BYTES_MAX = 1_048_576
PDF = "application/pdf"
# So many tags a browser sends at the most.
SEEN_CHARS_MAX = 200

Templates = Annotated[TemplateStore, provided(TemplateStore)]
Prints = Annotated[PrintStore, provided(PrintStore)]
Schemes = Annotated[SchemeStore, provided(SchemeStore)]
Making = Annotated[Documents, provided(Documents)]
Printer = Annotated[Press, provided(Press)]
CodeInPath = Annotated[str, Path(max_length=CODE_CHARS_MAX, examples=["KW-7Q2MA-X4D0P"])]
FileNumber = Annotated[int, Path(ge=1, le=1_000_000)]
In = Annotated[Language, Query(description="of the texts")]
Seen = Annotated[str, Header(alias="If-None-Match", max_length=SEEN_CHARS_MAX)]
DocumentVersion = Annotated[Version | None, Query(description="of the award, as the QR code says it")]
AS_PDF: dict[int | str, dict[str, object]] = {200: {"content": {PDF: {}}}}

routes = Routes(tags=["documents"])


@routes.get("/templates", dependencies=[AsViewer], summary="All templates of documents")
async def list_templates(templates: Templates, after: After = None, limit: Limit = PAGE) -> TemplatesOut:
    """By id, without their texts and pictures."""
    place = place_after(after, str)
    shown, following = await one_page(
        lambda most: templates.page(place[0] if place else "", most), limit, lambda one: (one[0],)
    )
    lines = [
        TemplateLineOut(template_id=id_, title=title, schemes=list(schemes)) for id_, title, schemes in shown
    ]
    return TemplatesOut(templates=lines, after=following)


@routes.get("/templates/defaults/{kind}", dependencies=[AsViewer], summary="The template without a template")
async def read_default_template(kind: AwardKind) -> Template:
    """What documents of this kind look like if no template names their scheme. Copy it, and put yours."""
    return DEFAULTS[kind]


@routes.get("/templates/{template_id}", dependencies=[AsViewer], responses=TAGGED, summary="A template")
async def read_template(template_id: IdInPath, templates: Templates, response: Response) -> Template:
    """What `PUT` takes, with an `ETag` for `If-Match`. 404 `template_unknown`."""
    template, version = await templates.get(template_id)
    response.headers["etag"] = etag(version)
    return template


@routes.put(
    "/templates/{template_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    max_body_size=TEMPLATE_BYTES_MAX,
    summary="Put a template, or change one",
)
async def put_one_template(
    template_id: IdInPath,
    body: TemplateIn,
    templates: Templates,
    press: Printer,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Template:
    """
    A page is made with it before it is stored. Texts may have placeholders: `{name}`, `{unit}`,
    `{scheme_title}`, `{tier}`, `{date}`, `{date_in_characters}`, `{code}`, `{issuer}`, `{address}`.

    422 `template_id_differs`, `placeholder_unknown`, `beyond_page`, `scheme_twice`, `picture_refused`,
    `character_without_font`, `page_not_made`; 409 `scheme_has_template`, `too_many_templates`; 412
    `version_differs`.
    """
    check_same_id(body.template_id, template_id, code="template_id_differs")
    matches = matching(if_match, if_none_match)
    stored, version = await put_template(body.of(template_id), templates, press, matches)
    response.headers["etag"] = etag(version)
    return stored


@routes.delete(
    "/templates/{template_id}",
    status_code=204,
    dependencies=[AsOrganiser],
    responses=CHANGED,
    summary="Delete a template",
)
async def delete_template(template_id: IdInPath, templates: Templates, if_match: IfMatch = None) -> None:
    """Its schemes have the default template again. 404 `template_unknown`; 412 `version_differs`."""
    await templates.delete(template_id, matching(if_match))


@routes.get(
    "/templates/{template_id}/sample.pdf",
    dependencies=[AsViewer],
    response_class=Response,
    responses=AS_PDF,
    summary="A document that nobody has, to look at a template",
)
async def read_sample(
    template_id: IdInPath, templates: Templates, press: Printer, language: In = "zh-CN"
) -> Response:
    """404 `template_unknown`."""
    template, _ = await templates.get(template_id)
    one = sample(template, language, press)
    return Response(await press.typesetter.document(template, [one], language, SAMPLE_AT), media_type=PDF)


@routes.get(
    "/awards/{award_code}/document.pdf",
    response_class=Response,
    responses=AS_PDF,
    dependencies=[CountsWrongCodes],
    summary="The document of an award, to print",
)
async def read_document(
    award_code: CodeInPath,
    making: Making,
    who: AsParticipantOrNone,
    by: ByOrganiserOrNone,
    network: FromNetwork,
    language: In = "zh-CN",
    seen: Seen = "",
) -> Response:
    """
    A PDF/A file. The holder gets it with the full name, everyone else with the code as the holder shows the
    name, organisers too. The same award gives the same bytes; with `If-None-Match`, perhaps 304.

    404 `award_unknown`, `document_of_erased`; 409 `document_of_revoked`; 422 `award_code_malformed`,
    `character_without_font`, `page_not_made`; 503 `overloaded`.
    """
    made = await making.of_award(
        read_code(award_code),
        language,
        seen=seen,
        participant_id=who.participant_id if who else None,
        network=by.name if by else network,
    )
    headers = {"etag": etag(made.tag), "vary": "Authorization"}
    if made.content is None:
        return Response(status_code=304, headers=headers)
    return Response(made.content, media_type=PDF, headers=headers)


@routes.post(
    "/awards/{award_code}/document.pdf",
    response_class=Response,
    responses=AS_PDF,
    summary="The document of an award with the full name",
)
async def open_document(
    award_code: CodeInPath, body: DocumentIn, making: Making, by: ByOrganiser
) -> Response:
    """
    For one that has to be printed again. The log of acts keeps your reason before the name is opened.

    404 `award_unknown`, `document_of_erased`; 409 `document_of_revoked`; 422 `award_code_malformed`,
    `character_without_font`; 503 `overloaded`.
    """
    made = await making.open(read_code(award_code), body.language, by.name, body.reason)
    return Response(made.content, media_type=PDF)


@routes.post(
    "/schemes/{scheme_id}/prints",
    status_code=202,
    dependencies=[AsOrganiser],
    summary="Begin to make the documents of a scheme for a printer",
)
async def begin_print(
    scheme_id: IdInPath, body: PrintIn, schemes: Schemes, templates: Templates, prints: Prints
) -> PrintOut:
    """
    In the background, for the awards that are held. Look how far it is, and download the files.

    404 `scheme_unknown`; 409 `too_many_prints`.
    """
    return whole_of(await start_print(scheme_id, body.language, schemes, templates, prints), set())


@routes.get("/schemes/{scheme_id}/prints", dependencies=[AsOrganiser], summary="A scheme's prints")
async def list_prints(scheme_id: IdInPath, prints: Prints) -> PrintsOut:
    """The latest first."""
    return PrintsOut(prints=[line_of(one) for one in await prints.of_scheme(scheme_id)])


@routes.get("/schemes/{scheme_id}/prints/{print_id}", dependencies=[AsOrganiser], summary="A print")
async def read_print(scheme_id: IdInPath, print_id: IdInPath, prints: Prints) -> PrintOut:
    """How far it is, what could not be printed, and its files. 404 `print_unknown`."""
    one = await prints.get(print_id, scheme_id)
    return whole_of(one, await prints.file_numbers(print_id))


@routes.get(
    "/schemes/{scheme_id}/prints/{print_id}/files/{number}.pdf",
    dependencies=[AsOrganiser],
    response_class=Response,
    responses=AS_PDF,
    summary="A file of a print",
)
async def read_print_file(
    scheme_id: IdInPath, print_id: IdInPath, number: FileNumber, prints: Prints
) -> Response:
    """404 `print_unknown`, `print_file_unknown`."""
    await prints.get(print_id, scheme_id)
    return Response(await prints.file(print_id, number), media_type=PDF)


@routes.delete(
    "/schemes/{scheme_id}/prints/{print_id}",
    status_code=204,
    dependencies=[AsOrganiser],
    summary="Delete a print and its files",
)
async def delete_print(scheme_id: IdInPath, print_id: IdInPath, prints: Prints) -> None:
    """404 `print_unknown`."""
    await prints.get(print_id, scheme_id)
    await prints.delete(print_id)


@routes.get(
    "/verify/{award_code}",
    response_model=VerifiedOut,
    responses=SHOWS_PAGE,
    dependencies=[CountsWrongCodes],
    summary="The page behind the QR code of a document",
)
async def verify(
    award_code: CodeInPath, making: Making, reader: AsReader, version: DocumentVersion = None
) -> object:
    """
    A page for browsers, JSON for programs. 422 `award_code_malformed`, 404 `award_unknown`.

    It shows the name as the holder has chosen, and nothing about an erased person. If another award takes its
    place, it leads to that one.
    """
    award, name, erased = await making.look_up(read_code(award_code))
    after = await making.code_after(award)
    said = page.verified(award, version, name, erased=erased, after=after)
    return reader.answer(said, lambda: page.verification_page(said, reader.language))

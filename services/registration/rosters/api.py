"""Rosters over HTTP. Only managers of a group see its members; an organiser's key opens nothing here."""

from typing import Annotated

from fastapi import Body, Header, Request, Response

from services.registration.managers.limit import GroupLimit
from services.registration.managers.manage import Managers
from services.registration.participants.store import ParticipantStore
from services.registration.rosters.admit import opened
from services.registration.rosters.bodies import (
    ConfirmationIn,
    ImportOut,
    MemberIn,
    MemberOut,
    MemberPutIn,
    MembersOut,
)
from services.registration.rosters.edit_member import MemberChanges, member_unknown
from services.registration.rosters.preview import Previews, import_unknown
from services.registration.rosters.read_table import ROSTER_BYTES_MAX
from services.registration.rosters.store import ImportStore, RosterStore
from shared.contracts.origin import Origin
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsParticipant
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, etag, matching
from shared.web.wording import language_of

Managing = Annotated[Managers, provided(Managers)]
Limiting = Annotated[GroupLimit, provided(GroupLimit)]
Previewing = Annotated[Previews, provided(Previews)]
Changes = Annotated[MemberChanges, provided(MemberChanges)]
Members = Annotated[RosterStore, provided(RosterStore)]
Imports = Annotated[ImportStore, provided(ImportStore)]
Participants = Annotated[ParticipantStore, provided(ParticipantStore)]
AcceptLanguage = Annotated[str, Header(description="zh-CN or en: the language of the messages")]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
# The body is the file itself, so the framework cannot describe it.
FILE = {"requestBody": {"required": True, "content": {"text/csv": _BINARY, XLSX: _BINARY}}}

routes = Routes(tags=["rosters"])


@routes.post(
    "/groups/{group_id}/roster-imports",
    status_code=201,
    max_body_size=ROSTER_BYTES_MAX,
    openapi_extra=FILE,
    summary="Preview a roster from a file",
)
async def preview_roster(
    group_id: IdInPath,
    who: AsParticipant,
    request: Request,
    managing: Managing,
    previewing: Previewing,
    accept_language: AcceptLanguage = "",
) -> ImportOut:
    """
    The body is a CSV file (UTF-8 or GB18030; comma, semicolon or tab) or an XLSX workbook, whose first sheet
    is read. The first line has the headings: 姓名 name (needed), 班级 department, 编号 number, 邮箱 email,
    人群 audience, 未成年 minor. Nothing is imported yet.

    403 `not_manager`; 409 `previews_too_many`, `roster_busy` (a file of yours is being read); 422
    `roster_unreadable`, `roster_encoding`, `roster_too_long`, `roster_too_wide`, `roster_unpacked`,
    `roster_empty`, `roster_column_missing`, `roster_column_doubled`, `roster_full`; 404 `group_unknown`;
    503 `overloaded`.
    """
    await managing.check(group_id, who.participant_id)
    preview = await previewing.preview(group_id, who.participant_id, await request.body())
    return ImportOut.of(preview, language_of(accept_language.encode("latin-1", "replace")))


@routes.post(
    "/groups/{group_id}/roster-imports/{import_id}/confirmation",
    status_code=202,
    summary="Import what was previewed",
)
async def confirm_import(
    group_id: IdInPath,
    import_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    previewing: Previewing,
    form: Annotated[ConfirmationIn, Body()],
    accept_language: AcceptLanguage = "",
) -> ImportOut:
    """
    It is imported in the background, some hundred lines at a time; read the import until it is `imported`:
    `added`, `changed` and `unchanged` say how many lines are done. If the roster is not any more what was
    previewed, nothing is imported (`failed`: `member_email_known`, `roster_full`). What becomes wrong after
    that is left out, and is a bad line with its fault. Repeating it changes nothing.

    403 `not_manager`; 404 `import_unknown`; 409 `import_has_bad_lines`, `import_empty`; 429 `lines_too_many`.
    """
    await managing.check(group_id, who.participant_id)
    confirmed = await previewing.confirm(group_id, import_id, skip_bad_lines=form.skip_bad_lines)
    return ImportOut.of(confirmed, language_of(accept_language.encode("latin-1", "replace")))


@routes.get("/groups/{group_id}/roster-imports/{import_id}", summary="A preview, or what became of it")
async def read_import(
    group_id: IdInPath,
    import_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    imports: Imports,
    accept_language: AcceptLanguage = "",
) -> ImportOut:
    """403 `not_manager`; 404 `import_unknown`."""
    await managing.check(group_id, who.participant_id)
    found = await imports.read(group_id, import_id)
    if found is None:
        raise import_unknown(import_id)
    return ImportOut.of(found, language_of(accept_language.encode("latin-1", "replace")))


@routes.get("/groups/{group_id}/members", summary="The members of your group")
async def list_members(
    group_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    members: Members,
    participants: Participants,
    limit: Limit = PAGE,
    after: After = None,
) -> MembersOut:
    """
    A page of them, in the order of their ids, which begin with the time. Whoever has left your group is there
    too, with the state `left`. 403 `not_manager`.
    """
    await managing.check(group_id, who.participant_id)
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: members.page_with_left(group_id, place[0] if place else None, most),
        limit,
        lambda one: (one.member_id,),
    )
    ids = {one.participant_id for one in page}
    keys, verified = await participants.read_keys(ids), await participants.read_verified(ids)
    return MembersOut(
        members=[
            MemberOut.of(one, opened(one, keys), is_verified=one.participant_id in verified) for one in page
        ],
        after=following,
    )


@routes.post("/groups/{group_id}/members", status_code=201, summary="Add a member")
async def add_member(
    group_id: IdInPath,
    who: AsParticipant,
    form: Annotated[MemberIn, Body()],
    managing: Managing,
    limiting: Limiting,
    changes: Changes,
    participants: Participants,
) -> MemberOut:
    """
    The same member again changes nothing. Somebody who takes part already with this e-mail is the member.

    403 `not_manager`; 404 `group_unknown`; 409 `member_known`, `member_email_known` (another member has this
    e-mail), `member_left` (the person has left your group, and comes back by a claim code); 422
    `roster_full`; 429 `group_changes_too_many`: many members go by a file.
    """
    await managing.check(group_id, who.participant_id)
    await limiting.check_change(group_id)
    details = form.details()
    member = await changes.add(group_id, details, Origin.of_request())
    verified = await participants.read_verified([member.participant_id])
    return MemberOut.of(member, details, is_verified=bool(verified))


@routes.get("/groups/{group_id}/members/{member_id}", responses=TAGGED, summary="One member of your group")
async def read_member(
    group_id: IdInPath,
    member_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    members: Members,
    participants: Participants,
    response: Response,
) -> MemberOut:
    """
    `PUT` accepts this answer without a change. There is no `ETag` of somebody who has left.

    403 `not_manager`; 404 `member_unknown`.
    """
    await managing.check(group_id, who.participant_id)
    if (found := await members.read_with_left(group_id, member_id)) is None:
        raise member_unknown(member_id)
    if found.left_at is None:
        response.headers["etag"] = etag(found.version)
    keys = await participants.read_keys([found.participant_id])
    verified = await participants.read_verified([found.participant_id])
    return MemberOut.of(found, opened(found, keys), is_verified=bool(verified))


@routes.put("/groups/{group_id}/members/{member_id}", responses=TAGGED | CHANGED, summary="Correct a member")
async def put_member(
    group_id: IdInPath,
    member_id: IdInPath,
    who: AsParticipant,
    form: Annotated[MemberPutIn, Body()],
    managing: Managing,
    limiting: Limiting,
    changes: Changes,
    participants: Participants,
    response: Response,
    if_match: IfMatch = None,
) -> MemberOut:
    """
    Once the member has signed in, or if the member took part before, only what the group says is corrected.

    403 `not_manager`; 404 `member_unknown`, `group_unknown`; 409 `member_known`, `member_left`,
    `member_email_known` (somebody else has this e-mail), `consent_for_name` (a guardian has agreed for the
    member of this name); 412 `version_differs`; 429 `group_changes_too_many`.
    """
    await managing.check(group_id, who.participant_id)
    await limiting.check_change(group_id)
    details = form.details()
    member = await changes.put(group_id, member_id, details, matching(if_match))
    response.headers["etag"] = etag(member.version)
    verified = await participants.read_verified([member.participant_id])
    return MemberOut.of(member, details, is_verified=bool(verified))


@routes.delete("/groups/{group_id}/members/{member_id}", status_code=204, summary="Remove a member")
async def remove_member(
    group_id: IdInPath,
    member_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    limiting: Limiting,
    changes: Changes,
) -> None:
    """
    What the group says of the member is deleted, and the participant is erased; but whoever has signed in or
    took part before goes on to take part. Repeating it changes nothing. 403 `not_manager`; 429
    `group_changes_too_many`.
    """
    await managing.check(group_id, who.participant_id)
    await limiting.check_change(group_id)
    await changes.remove(group_id, member_id, Origin.of_request())

"""Groups over HTTP."""

from typing import Annotated

from fastapi import Body, Response
from pydantic import BaseModel, Field

from services.registration.participants.put_group import GroupChanges
from services.registration.participants.rules import District, Group, Kept, group_unknown
from services.registration.participants.store import GroupStore
from shared.contracts.checked import Code, Email, Id, Name, Text, UnlinkedLine
from shared.contracts.events import Language
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact
from shared.runtime.keyed_hash import KeyedHash
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, check_same_id, one_page, place_after
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

LANGUAGE: Language = "zh-CN"

Changes = Annotated[GroupChanges, provided(GroupChanges)]
Groups = Annotated[GroupStore, provided(GroupStore)]
Hash = Annotated[KeyedHash, provided(KeyedHash)]


class ContactIn(Form):
    """Encrypted immediately; only notifications can read it."""

    name: Name = Field(examples=["王老师"])
    email: Email | None = Field(None, examples=["wang@example.org"])


class GroupIn(Form):
    """
    A school, unit or service team.

    Its contact cannot be read back. Without `contact`, the contact stays as it was; null removes it.
    """

    group_id: Id | None = Field(None, description="as in the path, or left out")
    name: UnlinkedLine = Field(examples=["濮阳市第一中学"])
    kind: Code = Field(description="school, unit, service_team, district …", examples=["school"])
    district: District = Field(examples=["华龙区"])
    language: Language | None = Field(None, description="left out: as it was, zh-CN at first")
    remarks: Text = Field("", description="a note for readers", examples=["示例"])
    contact: ContactIn | None = None


class GroupOut(BaseModel):
    """A group; `PUT` accepts it without a change."""

    group_id: str = Field(examples=["school-puyang-1"])
    name: str = Field(examples=["濮阳市第一中学"])
    kind: str = Field(examples=["school"])
    district: str = Field(examples=["华龙区"])
    language: Language
    remarks: str

    @classmethod
    def of(cls, group: Group) -> "GroupOut":
        return cls(
            group_id=group.group_id,
            name=group.name,
            kind=group.kind,
            district=group.district,
            language=group.language,
            remarks=group.remarks,
        )


class GroupsOut(BaseModel):
    """A page."""

    groups: list[GroupOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


routes = Routes(tags=["participants"])


@routes.put(
    "/groups/{group_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Put a school, unit or service team; repeating it changes nothing",
)
async def put_group(
    group_id: IdInPath,
    form: Annotated[GroupIn, Body()],
    changes: Changes,
    keyed_hash: Hash,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> GroupOut:
    """
    A group is a participant too: it can be awarded and notified.

    If another system's command has taken the id for a person, the group takes it over. But ids of persons are
    UUIDs, and such an id stays the person's.

    409 `group_id_taken`; 412 `version_differs`; 422 `id_differs`.
    """
    check_same_id(form.group_id, group_id)
    contact = Contact(name=form.contact.name, email=form.contact.email) if form.contact else None
    group = Group(
        group_id=group_id,
        name=form.name,
        kind=form.kind,
        district=form.district,
        language=form.language or LANGUAGE,
        remarks=form.remarks,
        contact_fingerprint=keyed_hash.of(contact.model_dump_json().encode()) if contact else None,
    )
    saved = await changes.put(
        group,
        contact,
        Origin.of_request(),
        Kept(contact="contact" not in form.model_fields_set, language=form.language is None),
        matching(if_match, if_none_match),
    )
    response.headers["etag"] = etag(saved.version)
    return GroupOut.of(saved)


@routes.get("/groups", summary="The groups that take part")
async def list_groups(groups: Groups, limit: Limit = PAGE, after: After = None) -> GroupsOut:
    """A page of them, in the order of their ids."""
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: groups.page(place[0] if place else None, most), limit, lambda group: (group.group_id,)
    )
    return GroupsOut(groups=[GroupOut.of(group) for group in page], after=following)


@routes.get("/groups/{group_id}", responses=TAGGED, summary="One group")
async def read_group(group_id: IdInPath, groups: Groups, response: Response) -> GroupOut:
    """`PUT` accepts this answer without a change: the contact stays. 404 `group_unknown`."""
    group = await groups.read(group_id)
    if group is None:
        raise group_unknown(group_id)
    response.headers["etag"] = etag(group.version)
    return GroupOut.of(group)

"""Managers of groups, and applications of groups, over HTTP."""

from typing import Annotated

from fastapi import Body, Query, Response

from services.registration.managers.apply import Applications
from services.registration.managers.bodies import (
    AcceptanceIn,
    ApplicationIn,
    ApplicationOut,
    ApplicationsOut,
    ApprovalIn,
    BodyContactIn,
    DetailsIn,
    DetailsOut,
    InvitationOut,
    ManagerOut,
    ManagersOut,
    RefusalIn,
)
from services.registration.managers.limit import GroupLimit
from services.registration.managers.manage import Managers
from services.registration.managers.rules import MANAGERS_MAX, OWN_GROUPS_MAX, Application, ApplicationStatus
from services.registration.managers.store import ManagerStore
from services.registration.participants.api import LANGUAGE, GroupOut
from services.registration.participants.put_group import GroupChanges
from services.registration.participants.rules import Group, Kept, ParticipantId, group_unknown
from services.registration.participants.store import GroupStore
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.runtime.keyed_hash import KeyedHash
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, AsParticipant, AsParticipantOrOrganiser
from shared.web.problems import answered
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, etag, matching

# The group keeps the kind that it has.
KEPT_KIND = ""

Managing = Annotated[Managers, provided(Managers)]
Limiting = Annotated[GroupLimit, provided(GroupLimit)]
Applying = Annotated[Applications, provided(Applications)]
Stored = Annotated[ManagerStore, provided(ManagerStore)]
Groups = Annotated[GroupStore, provided(GroupStore)]
Changes = Annotated[GroupChanges, provided(GroupChanges)]
Hash = Annotated[KeyedHash, provided(KeyedHash)]

routes = Routes(tags=["groups"])


@routes.post("/groups", status_code=201, summary="Apply for a school, unit or service team to take part")
async def apply(
    who: AsParticipant, form: Annotated[ApplicationIn, Body()], applying: Applying, limiting: Limiting
) -> ApplicationOut:
    """
    An organiser decides, and you are told. Until then the same name again changes the application.

    401 `participant_unknown`, `participant_erased`; 403 `contact_unverified`; 409 `applications_too_many`;
    429 `application_changes_too_many`.
    """
    await limiting.check_application(who.participant_id)
    wanted = Application(
        application_id="",
        participant_id=ParticipantId(who.participant_id),
        name=form.name,
        kind=form.kind,
        district=form.district,
        language=form.language,
        asked_at=clock.now(),
    )
    return ApplicationOut.of(await applying.apply(wanted, _contact(form.contact)))


@routes.get("/group-applications", dependencies=[AsOrganiser], summary="Applications of groups")
async def list_applications(
    stored: Stored,
    status: Annotated[ApplicationStatus, Query()] = "applied",
    limit: Limit = PAGE,
    after: After = None,
) -> ApplicationsOut:
    """A page of them, the earliest first."""
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: stored.applications(status, place[0] if place else None, most),
        limit,
        lambda one: (one.application_id,),
    )
    return ApplicationsOut(applications=[ApplicationOut.of(one) for one in page], after=following)


@routes.get("/group-applications/{application_id}", summary="One application")
async def read_application(
    application_id: IdInPath, who: AsParticipantOrOrganiser, stored: Stored
) -> ApplicationOut:
    """By the applicant, or by an organiser. 404 `application_unknown`, also for somebody else's."""
    found = await stored.read_application(application_id)
    if found is None or (who is not None and found.participant_id != who.participant_id):
        raise NotFound(f"there is no application {application_id}", code="application_unknown")
    return ApplicationOut.of(found)


@routes.post(
    "/group-applications/{application_id}/approval",
    dependencies=[AsOrganiser],
    responses={412: answered("Refused: the applicant has changed it since it was read")},
    summary="Approve an application",
)
async def approve(
    application_id: IdInPath, form: Annotated[ApprovalIn, Body()], applying: Applying
) -> ApplicationOut:
    """
    The group is put, and the applicant manages it. Repeating it changes nothing.

    403 `contact_unverified` (of the applicant).
    404 `application_unknown`, `group_unknown`; 409 `application_decided`, `group_exists`, `group_id_taken`,
    `managers_too_many`; 401 `participant_erased`; 412 `application_changed`: `version` is not the one of now.
    """
    approved = await applying.approve(
        application_id, form.group_id, Origin.of_request(), version=form.version, existing=form.existing
    )
    return ApplicationOut.of(approved)


@routes.post(
    "/group-applications/{application_id}/refusal",
    dependencies=[AsOrganiser],
    responses={412: answered("Refused: the applicant has changed it since it was read")},
    summary="Refuse an application",
)
async def refuse(
    application_id: IdInPath, form: Annotated[RefusalIn, Body()], applying: Applying
) -> ApplicationOut:
    """
    The applicant is told the reason.

    404 `application_unknown`; 409 `application_decided`; 412 `application_changed`: `version` is not the one
    of now.
    """
    decided = await applying.refuse(application_id, form.reason, Origin.of_request(), version=form.version)
    return ApplicationOut.of(decided)


@routes.post(
    "/groups/{group_id}/managers", dependencies=[AsOrganiser], status_code=201, summary="Invite a manager"
)
async def invite(group_id: IdInPath, managing: Managing) -> InvitationOut:
    """Whoever has the code becomes a manager, once. 404 `group_unknown`."""
    code, expires_at = await managing.invite(group_id)
    return InvitationOut(group_id=group_id, invitation_code=code, expires_at=expires_at)


@routes.delete(
    "/groups/{group_id}/invitations",
    dependencies=[AsOrganiser],
    status_code=204,
    summary="End all open invitations of a group",
)
async def end_invitations(group_id: IdInPath, stored: Stored) -> None:
    """Such as when a code has come into wrong hands. Managers stay. Repeating it changes nothing."""
    await stored.end_invitations(group_id)


@routes.get("/groups/{group_id}/managers", dependencies=[AsOrganiser], summary="Who manages a group")
async def list_managers(group_id: IdInPath, stored: Stored) -> ManagersOut:
    """By their pseudonymous ids."""
    return ManagersOut(managers=[ManagerOut.of(one) for one in await stored.of_group(group_id, MANAGERS_MAX)])


@routes.delete(
    "/groups/{group_id}/managers/{participant_id}",
    dependencies=[AsOrganiser],
    status_code=204,
    summary="End a manager's grant at once",
)
async def end_manager(group_id: IdInPath, participant_id: IdInPath, stored: Stored) -> None:
    """The next request of this manager is refused. Repeating it changes nothing."""
    await stored.end(group_id, participant_id)


@routes.post("/me/groups", status_code=201, summary="Become a manager by an invitation")
async def accept(who: AsParticipant, form: Annotated[AcceptanceIn, Body()], managing: Managing) -> ManagerOut:
    """
    404 `invitation_unknown`; 403 `contact_unverified`; 409 `managers_too_many`; 401 `participant_unknown`,
    `participant_erased`.
    """
    return ManagerOut.of(await managing.accept(form.invitation_code, who.participant_id))


@routes.get("/me/groups", summary="The groups that you manage")
async def list_own_groups(who: AsParticipant, stored: Stored) -> ManagersOut:
    """All of them."""
    found = await stored.of_participant(who.participant_id, OWN_GROUPS_MAX)
    return ManagersOut(managers=[ManagerOut.of(one) for one in found])


@routes.get(
    "/groups/{group_id}/details", responses=TAGGED, summary="What a manager can change of the own group"
)
async def read_details(
    group_id: IdInPath, who: AsParticipant, managing: Managing, groups: Groups, response: Response
) -> DetailsOut:
    """
    `PUT` accepts this answer without a change: the contact stays.

    403 `not_manager`; 404 `group_unknown`.
    """
    await managing.check(group_id, who.participant_id)
    if (group := await groups.read(group_id)) is None:
        raise group_unknown(group_id)
    response.headers["etag"] = etag(group.version)
    return DetailsOut.of(group)


@routes.put(
    "/groups/{group_id}/details", responses=TAGGED | CHANGED, summary="A manager changes the own group"
)
async def put_details(
    group_id: IdInPath,
    who: AsParticipant,
    form: Annotated[DetailsIn, Body()],
    managing: Managing,
    limiting: Limiting,
    changes: Changes,
    keyed_hash: Hash,
    response: Response,
    if_match: IfMatch = None,
) -> GroupOut:
    """
    The id and the kind stay. The `ETag` is that of the group: organisers change the same one.

    403 `not_manager`; 404 `group_unknown`; 412 `version_differs`; 429 `group_changes_too_many`.
    """
    await managing.check(group_id, who.participant_id)
    await limiting.check_change(group_id)
    contact = _contact(form.contact)
    group = Group(
        group_id=group_id,
        name=form.name,
        kind=KEPT_KIND,
        district=form.district,
        language=form.language or LANGUAGE,
        remarks=form.remarks,
        contact_fingerprint=keyed_hash.of(contact.model_dump_json().encode()) if contact else None,
    )
    kept = Kept(contact="contact" not in form.model_fields_set, language=form.language is None, kind=True)
    saved = await changes.put(group, contact, Origin.of_request(), kept, matching(if_match))
    response.headers["etag"] = etag(saved.version)
    return GroupOut.of(saved)


def _contact(form: BodyContactIn | None) -> Contact | None:
    return Contact(name=form.name, email=form.email) if form else None

"""Names on awards over HTTP: participants choose for themselves, others for those who cannot sign in."""

from typing import Annotated

from fastapi import Body, Response

from services.registration.award_names.bodies import (
    AwardNameIn,
    AwardNameOfOtherIn,
    AwardNameOfOtherOut,
    AwardNameOut,
)
from services.registration.award_names.choose import NameChoices
from services.registration.award_names.rules import Chosen
from services.registration.managers.manage import Managers
from services.registration.sign_ins.limit import Limit
from shared.contracts.origin import Origin
from shared.web.forms import IdInPath
from shared.web.identity import AsOrganiser, AsParticipant, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, etag, matching

Choices = Annotated[NameChoices, provided(NameChoices)]
Managing = Annotated[Managers, provided(Managers)]
Limits = Annotated[Limit, provided(Limit)]

routes = Routes(tags=["names on awards"])


@routes.get("/me/award-name", responses=TAGGED, summary="How your name is shown on awards")
async def read_own(who: AsParticipant, choices: Choices, response: Response) -> AwardNameOut:
    """401 `participant_unknown`, `participant_erased`; 403 `contact_unverified`."""
    chosen = await choices.own(who.participant_id, None, Origin.of_request(), issued_at=who.issued_at)
    return AwardNameOut.of(_tagged(chosen, response))


@routes.put("/me/award-name", responses=TAGGED | CHANGED, summary="Choose how your name is shown on awards")
async def put_own(
    form: Annotated[AwardNameIn, Body()],
    who: AsParticipant,
    choices: Choices,
    limit: Limits,
    response: Response,
    if_match: IfMatch = None,
) -> AwardNameOut:
    """
    `masked`: 李*明; `full`; or `none`. Awards shows it so some seconds later, also on awards that you have.

    An address is only for prizes: organisers of awards see it, and nobody else. To delete it, leave it out.

    401 `participant_unknown`, `participant_erased`; 403 `contact_unverified` (verify your contact first: it
    may be somebody else's); 412 `version_differs`; 422 `group_not_masked`; 429 `changes_too_many`.
    """
    await limit.check_changes(who.participant_id)
    chosen = await choices.own(
        who.participant_id,
        form.wish(),
        Origin.of_request(),
        issued_at=who.issued_at,
        matches=matching(if_match),
    )
    return AwardNameOut.of(_tagged(chosen, response))


@routes.get(
    "/participants/{participant_id}/award-name",
    dependencies=[AsViewer],
    responses=TAGGED,
    summary="What was chosen for a group, or for somebody who cannot sign in",
)
async def read_of_participant(
    participant_id: IdInPath, choices: Choices, response: Response
) -> AwardNameOfOtherOut:
    """404 `person_unknown`; 409 `award_name_own`."""
    chosen = await choices.of_participant(participant_id, None, Origin.of_request())
    return AwardNameOfOtherOut.of(_tagged(chosen, response))


@routes.put(
    "/participants/{participant_id}/award-name",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Choose for a group, or for somebody who cannot sign in",
)
async def put_of_participant(
    participant_id: IdInPath,
    form: Annotated[AwardNameOfOtherIn, Body()],
    choices: Choices,
    response: Response,
    if_match: IfMatch = None,
) -> AwardNameOfOtherOut:
    """
    For a group, and for a person whom organisers or another system have registered and who has never signed
    in. What is left out stays.

    404 `person_unknown` (also if erased); 409 `award_name_own` (the person signs in, and chooses alone); 412
    `version_differs`; 422 `group_not_masked`.
    """
    origin = Origin.of_request()
    chosen = await choices.of_participant(participant_id, form.wish(), origin, matching(if_match))
    return AwardNameOfOtherOut.of(_tagged(chosen, response))


@routes.get(
    "/groups/{group_id}/members/{member_id}/award-name",
    responses=TAGGED,
    summary="What was chosen for a member of your group",
)
async def read_of_member(
    group_id: IdInPath,
    member_id: IdInPath,
    who: AsParticipant,
    managing: Managing,
    choices: Choices,
    response: Response,
) -> AwardNameOfOtherOut:
    """403 `not_manager`; 404 `member_unknown`; 409 `award_name_own`."""
    await managing.check(group_id, who.participant_id)
    chosen = await choices.of_member(group_id, member_id, None, Origin.of_request())
    return AwardNameOfOtherOut.of(_tagged(chosen, response))


@routes.put(
    "/groups/{group_id}/members/{member_id}/award-name",
    responses=TAGGED | CHANGED,
    summary="Choose for a member of your group who cannot sign in",
)
async def put_of_member(
    group_id: IdInPath,
    member_id: IdInPath,
    form: Annotated[AwardNameOfOtherIn, Body()],
    who: AsParticipant,
    managing: Managing,
    choices: Choices,
    response: Response,
    if_match: IfMatch = None,
) -> AwardNameOfOtherOut:
    """
    For a member whom your group has entered and who has never signed in. What is left out stays.

    403 `not_manager`; 404 `member_unknown`; 409 `award_name_own` (the person signs in and chooses alone, or
    is a member of another group too); 412 `version_differs`.
    """
    await managing.check(group_id, who.participant_id)
    origin = Origin.of_request()
    chosen = await choices.of_member(group_id, member_id, form.wish(), origin, matching(if_match))
    return AwardNameOfOtherOut.of(_tagged(chosen, response))


def _tagged(chosen: Chosen, response: Response) -> Chosen:
    response.headers["etag"] = etag(chosen.version)
    return chosen

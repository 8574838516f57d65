"""Claims over HTTP: codes for managers; members who claim, and what they see of their groups."""

from typing import Annotated

from fastapi import Body, Request

from services.registration.booking.store import RegistrationStore
from services.registration.claims.bodies import (
    AttendanceOut,
    AttendancesOut,
    ClaimedOut,
    ClaimIn,
    CodeOut,
    CodesIn,
    CodesOut,
    MembershipOut,
    MembershipsOut,
)
from services.registration.claims.claim import Claiming
from services.registration.claims.issue import ClaimCodeIssue
from services.registration.claims.leave_group import GroupLeaving
from services.registration.claims.limit import TriesLimit
from services.registration.group_bookings.store import AttendanceStore
from services.registration.managers.manage import Managers
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.rules import Member
from services.registration.rosters.store import RosterStore
from services.registration.sessions.store import SessionStore
from services.registration.sign_ins.give import give_token
from shared.contracts.origin import Origin
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsParticipant, AsParticipantOrNone
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.senders import address_of
from shared.web.tokens import TokenSigner

# 500 ids of any allowed length.
CODES_BYTES_MAX = 65_536

Managing = Annotated[Managers, provided(Managers)]
Issuing = Annotated[ClaimCodeIssue, provided(ClaimCodeIssue)]
Claims = Annotated[Claiming, provided(Claiming)]
Leaving = Annotated[GroupLeaving, provided(GroupLeaving)]
Tries = Annotated[TriesLimit, provided(TriesLimit)]
Groups = Annotated[GroupStore, provided(GroupStore)]
Members = Annotated[RosterStore, provided(RosterStore)]
Participants = Annotated[ParticipantStore, provided(ParticipantStore)]
Attending = Annotated[AttendanceStore, provided(AttendanceStore)]
Registrations = Annotated[RegistrationStore, provided(RegistrationStore)]
Sessions = Annotated[SessionStore, provided(SessionStore)]
Signer = Annotated[TokenSigner, provided(TokenSigner)]

routes = Routes(tags=["rosters"])


@routes.post(
    "/groups/{group_id}/claim-codes",
    max_body_size=CODES_BYTES_MAX,
    summary="Codes by which members of your group claim their membership",
)
async def issue_codes(
    group_id: IdInPath,
    who: AsParticipant,
    form: Annotated[CodesIn, Body()],
    managing: Managing,
    issuing: Issuing,
) -> CodesOut:
    """
    Hand them out on paper. The same code is given again while nobody has used it and it has not ended;
    with `renew` another one, and the former one ends. For somebody who has claimed there is none: remove the
    member and enter the person anew if the token is lost. For somebody who has left the group there is one:
    only the same person can use it, with the own token, and is a member again.

    403 `not_manager`; 404 `member_unknown`.
    """
    await managing.check(group_id, who.participant_id)
    issued = await issuing.issue(group_id, form.member_ids, renew=form.renew)
    return CodesOut(codes=[CodeOut.of(one) for one in issued])


@routes.post("/memberships", summary="Become a member of a group by a code")
async def claim(
    form: Annotated[ClaimIn, Body()],
    request: Request,
    who: AsParticipantOrNone,
    claims: Claims,
    tries: Tries,
    groups: Groups,
    signer: Signer,
) -> ClaimedOut:
    """
    With a token you become the member as who you are. Without one the token of the answer is yours: add an
    e-mail to it (`PATCH /me`), since there is no second code if you lose it. Until then it counts as a
    member's and not as verified. A right code is taken however many wrong ones came before.

    403 `claim_code_wrong` (also for a group that does not exist, and for a code that was used),
    `claim_needs_contact`; 409 `member_already`; 401 `participant_unknown`, `participant_erased`; 429
    `claims_too_many`.
    """
    asker = who.participant_id if who else None
    async with tries.one(form.group_id, asker, address_of(request.scope)):
        claimed = await claims.claim(form.group_id, form.claim_code, asker, Origin.of_request())
    token = give_token(signer, claimed.participant, on_roster=True)
    shown = (await _memberships([claimed.member], groups))[0]
    return ClaimedOut(**shown.model_dump(), participant_id=claimed.participant.participant_id, token=token)


@routes.get("/me/memberships", summary="The groups that have you as a member")
async def list_memberships(
    who: AsParticipant, members: Members, participants: Participants, groups: Groups
) -> MembershipsOut:
    """All of them. Empty until your e-mail is verified."""
    found = await own_memberships(who.participant_id, members, participants)
    return MembershipsOut(memberships=await _memberships(found, groups))


@routes.delete("/me/memberships/{member_id}", status_code=204, summary="Leave a group")
async def leave_group(member_id: IdInPath, who: AsParticipant, leaving: Leaving) -> None:
    """
    The group sees that you have left, and cannot enter you again: you come back only by a claim code from it.
    Your name comes off its bookings of sessions that have not begun, and these places come free. What you
    have registered for yourself stays. Repeating it changes nothing.

    404 `member_unknown`, also for somebody else's membership, and until your e-mail is verified; 401
    `participant_unknown`, `participant_erased`, `token_ended`.
    """
    await leaving.leave(who.participant_id, member_id, Origin.of_request(), issued_at=who.issued_at)


@routes.get("/me/attendances", summary="Registrations of your groups for which you are named")
async def list_attendances(
    who: AsParticipant,
    members: Members,
    participants: Participants,
    attending: Attending,
    registrations: Registrations,
    sessions: Sessions,
    limit: Limit = PAGE,
    after: After = None,
) -> AttendancesOut:
    """A page of them, in the order of their ids. Empty until your e-mail is verified."""
    place = place_after(after, str)
    own = [one.member_id for one in await own_memberships(who.participant_id, members, participants)]
    page, following = await one_page(
        lambda most: attending.of_members(own, place[0] if place else None, most),
        limit,
        lambda one: (one.registration_id,),
    )
    booked = await registrations.read_all({one.registration_id for one in page})
    planned = await sessions.by_id({one.session_id for one in page})
    return AttendancesOut(
        attendances=[
            AttendanceOut.of(
                booked[one.registration_id],
                planned[one.session_id],
                next(id_ for id_ in own if id_ in one.member_ids),
            )
            for one in page
        ],
        after=following,
    )


async def own_memberships(
    participant_id: str, members: RosterStore, participants: ParticipantStore
) -> list[Member]:
    """
    As whom groups have this participant.

    None before a contact is verified: a newcomer may have given the address of a member.
    """
    if not await participants.read_verified([participant_id]):
        return []
    return await members.read_of_participant(participant_id)


async def _memberships(members: list[Member], groups: GroupStore) -> list[MembershipOut]:
    names = await groups.names({one.group_id for one in members})
    return [
        MembershipOut(
            member_id=one.member_id,
            group_id=one.group_id,
            group_name=names.get(one.group_id, one.group_id),
        )
        for one in members
    ]

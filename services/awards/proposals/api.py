"""Public notices over HTTP: what is proposed, publishing, objections, confirming, and conferring on many."""

from typing import Annotated

from fastapi import Response, status

from services.awards.known.store import KnownStore
from services.awards.objections.api import answer_made, answer_page
from services.awards.objections.bodies import (
    MadeOut,
    ObjectionDecisionIn,
    ObjectionIn,
    ObjectionOut,
    ObjectionsOut,
)
from services.awards.objections.rules import Subject
from services.awards.objections.store import ObjectionStore
from services.awards.proposals import bodies
from services.awards.proposals.object import Objecting
from services.awards.proposals.propose import Conferring, Named
from services.awards.proposals.publish import confirm_notice, look_again, publish_notice
from services.awards.proposals.rules import terms_of
from services.awards.proposals.store import NoticeStore, ProposalStore
from services.awards.results.store import ResultStore
from services.awards.schemes.store import SchemeStore
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, AsParticipantOrOrganiser, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes

Schemes = Annotated[SchemeStore, provided(SchemeStore)]
Known = Annotated[KnownStore, provided(KnownStore)]
Results = Annotated[ResultStore, provided(ResultStore)]
Notices = Annotated[NoticeStore, provided(NoticeStore)]
Proposals = Annotated[ProposalStore, provided(ProposalStore)]
Objections = Annotated[ObjectionStore, provided(ObjectionStore)]
Objects = Annotated[Objecting, provided(Objecting)]
Confers = Annotated[Conferring, provided(Conferring)]

# 1,000 recipients, each with the longest id and a note.
CONFERRALS_BYTES_MAX = 1_048_576

routes = Routes(tags=["awards"])


@routes.post(
    "/schemes/{scheme_id}/conferrals",
    dependencies=[AsOrganiser],
    max_body_size=CONFERRALS_BYTES_MAX,
    summary="Confer on many recipients at once, or propose them",
)
async def confer_many(
    scheme_id: IdInPath, body: bodies.ConferralsIn, conferring: Confers
) -> bodies.ConferralsOut:
    """
    One outcome for each recipient; a repeat confers nothing twice. 404 `scheme_unknown`, 422
    `scheme_not_conferred`.

    `outcome`: `issued`, `proposed` (the scheme issues after a notice), `existing`, or `refused` with its
    `code`: `recipient_unknown` (without `allow_unknown`), `participant_erased`.
    """
    named = [Named(one.recipient_id, one.note) for one in body.recipients]
    done = await conferring.confer(scheme_id, named, allow_unknown=body.allow_unknown)
    return bodies.ConferralsOut(
        outcomes=[
            bodies.ConferredOut(
                recipient_id=one.recipient_id,
                award_id=one.award_id,
                outcome=one.what,
                code=one.refusal and one.refusal.code,
                detail=one.refusal and one.refusal.message,
            )
            for one in done
        ]
    )


@routes.get("/schemes/{scheme_id}/proposals", dependencies=[AsViewer], summary="Who is proposed, and why")
async def list_proposals(
    scheme_id: IdInPath,
    schemes: Schemes,
    notices: Notices,
    proposals: Proposals,
    after: After = None,
    limit: Limit = PAGE,
) -> bodies.ProposalsOut:
    """By award id; withdrawn ones too. 404 `scheme_unknown`, 409 `scheme_at_once`, `scheme_draft`."""
    terms_of(await schemes.get(scheme_id))
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: proposals.page(scheme_id, place[0] if place else "", most),
        limit,
        lambda one: (one.proposal_id,),
    )
    notice = await notices.get(scheme_id)
    return bodies.ProposalsOut(
        under_way=notice.mark is not None,
        proposals=[bodies.proposal_out(one) for one in page],
        after=following,
    )


@routes.post(
    "/schemes/{scheme_id}/proposals",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[AsOrganiser],
    summary="Find again who is due by a scheme that was put late",
)
async def find_again(scheme_id: IdInPath, schemes: Schemes, results: Results, notices: Notices) -> None:
    """
    In the background. At the close of the quiz, and after each change, this happens by itself.

    404 `scheme_unknown`, 409 `scheme_at_once`, `scheme_draft`, `quiz_not_closed`, 422 `scheme_conferred`.
    """
    await look_again(scheme_id, schemes, results, notices)


@routes.post(
    "/schemes/{scheme_id}/notice",
    dependencies=[AsOrganiser],
    summary="Publish what is proposed, for objections",
)
async def publish(
    scheme_id: IdInPath, schemes: Schemes, results: Results, notices: Notices, proposals: Proposals
) -> bodies.NoticeStateOut:
    """
    From now on everybody can see who is proposed and object, and those who are proposed are told.

    While it is published, a repeat changes nothing. 404 `scheme_unknown`, 409 `scheme_at_once`,
    `scheme_draft`,
    `nobody_proposed`, `proposals_under_way` (try again in a moment).
    """
    notice = await publish_notice(scheme_id, schemes, results, notices, proposals)
    return bodies.state(notice, await schemes.get(scheme_id), clock.now())


@routes.get("/schemes/{scheme_id}/notice", summary="A public notice: who is proposed, until when")
async def get_notice(
    scheme_id: IdInPath,
    schemes: Schemes,
    known: Known,
    notices: Notices,
    proposals: Proposals,
    after: After = None,
    limit: Limit = PAGE,
) -> bodies.NoticeOut:
    """For everybody, with pseudonymous ids, also after its end. 404 `scheme_unknown`, `notice_unknown`."""
    scheme, notice = await schemes.get(scheme_id), await notices.get(scheme_id)
    if notice.version == 0:
        raise NotFound(f"scheme {scheme_id} has published no notice", code="notice_unknown")
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: proposals.shown(scheme_id, notice.version, place[0] if place else "", most),
        limit,
        lambda one: (one.proposal_id,),
    )
    erased = await known.erased([one.recipient_id for one in page])
    return bodies.NoticeOut(
        **bodies.state(notice, scheme, clock.now()).model_dump(),
        entries=[bodies.entry(one) for one in page if one.recipient_id not in erased],
        after=following,
    )


@routes.post(
    "/schemes/{scheme_id}/notice/confirm",
    dependencies=[AsOrganiser],
    summary="Confirm a notice after its end, so that the awards are issued",
)
async def confirm(
    scheme_id: IdInPath, body: bodies.ConfirmationIn, schemes: Schemes, notices: Notices
) -> bodies.NoticeStateOut:
    """
    The awards are issued in the background; a repeat changes nothing. 404 `scheme_unknown`, 409
    `scheme_at_once`, `notice_unpublished`, `notice_running`, `objections_undecided`, `proposals_under_way`,
    and `notice_differs` if the notice has another version by now.
    """
    notice = await confirm_notice(scheme_id, body.version, schemes, notices)
    return bodies.state(notice, await schemes.get(scheme_id), clock.now())


@routes.post(
    "/schemes/{scheme_id}/objections",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": MadeOut, "description": "It was made before"}},
    summary="Object to a proposal while the notice runs",
)
async def make_objection(
    scheme_id: IdInPath,
    body: ObjectionIn,
    who: AsParticipantOrOrganiser,
    objecting: Objects,
    known: Known,
    response: Response,
) -> MadeOut:
    """
    A participant objects with a token, and an organiser for somebody else. Only organisers read the text.

    One objection against each recipient: a repeat is the first one. 404 `scheme_unknown`, `not_in_notice`,
    `recipient_unknown` (awards does not know who objects yet), 409 `scheme_at_once`, `notice_unpublished`,
    `notice_ended`, `too_many_objections`, `participant_erased` (also 401).
    """
    return await answer_made(
        who, known, response, lambda by: objecting.make(scheme_id, body.recipient_id, body.text, by)
    )


@routes.get(
    "/schemes/{scheme_id}/objections", dependencies=[AsOrganiser], summary="The objections to a notice"
)
async def list_objections(
    scheme_id: IdInPath, schemes: Schemes, objections: Objections, after: After = None, limit: Limit = PAGE
) -> ObjectionsOut:
    """By id. 404 `scheme_unknown`."""
    await schemes.get(scheme_id)
    return await answer_page(objections, Subject(scheme_id), after, limit)


@routes.post(
    "/schemes/{scheme_id}/objections/{objection_id}/decision",
    dependencies=[AsOrganiser],
    summary="Decide an objection",
)
async def decide(
    scheme_id: IdInPath, objection_id: IdInPath, body: ObjectionDecisionIn, objecting: Objects
) -> ObjectionOut:
    """
    Upheld: the recipient is left out, and the next in rank moves up if the scheme says so.

    A repeat changes nothing. 404 `scheme_unknown`, `objection_unknown`, 409 `scheme_at_once`, `scheme_draft`,
    `objection_decided` if it was decided otherwise.
    """
    return ObjectionOut.of(await objecting.decide(scheme_id, objection_id, body.outcome, body.reason))

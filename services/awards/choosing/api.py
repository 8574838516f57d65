"""Choosing over HTTP: candidates, objections and the committee's votes."""

from datetime import datetime
from typing import Annotated

from services.awards.choosing.bodies import (
    CandidatesOut,
    DecisionIn,
    ObjectionIn,
    ObjectionOut,
    ObjectionsOut,
    ReceiptOut,
    SettlementIn,
    ShortlistIn,
)
from services.awards.choosing.decide import Verdicts
from services.awards.choosing.object import Objections
from services.awards.choosing.rules import Choice
from services.awards.choosing.shortlist import Shortlists
from services.awards.choosing.store import ChoiceStore
from services.awards.known.rules import check_token
from services.awards.known.store import KnownStore
from services.awards.selections.rules import phase_of
from services.awards.selections.store import SelectionStore
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, AsParticipantOrOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

Known = Annotated[KnownStore, provided(KnownStore)]
Selections = Annotated[SelectionStore, provided(SelectionStore)]
Choices = Annotated[ChoiceStore, provided(ChoiceStore)]
Publishing = Annotated[Shortlists, provided(Shortlists)]
Objecting = Annotated[Objections, provided(Objections)]
Deciding = Annotated[Verdicts, provided(Verdicts)]

routes = Routes(tags=["selections"])


@routes.post(
    "/selections/{selection_id}/shortlist",
    dependencies=[AsOrganiser],
    summary="Publish the candidates, once the scoring has ended",
)
async def publish_candidates(
    selection_id: IdInPath, body: ShortlistIn, publishing: Publishing, selections: Selections, known: Known
) -> CandidatesOut:
    """
    The public notice begins. `selection.shortlisted` has all scores. A repeat changes nothing.

    409 `selection_in_other_phase`, `scores_missing`, `candidates_tied`, `shortlist_too_short`; 422
    `candidate_not_ranked`, `candidate_passed_over`, `too_many_candidates`; 404 `selection_unknown`.
    """
    choice = await publishing.publish(
        selection_id, body.candidates, allow_fewer=body.allow_fewer, allow_missing=body.allow_missing
    )
    return await _candidates_out(choice, selections, known)


@routes.get("/selections/{selection_id}/candidates", summary="The public notice: candidates, then winners")
async def get_candidates(
    selection_id: IdInPath, choices: Choices, selections: Selections, known: Known
) -> CandidatesOut:
    """404 `selection_unknown`, `no_candidates_yet`."""
    await selections.find(selection_id)
    choice = await choices.find(selection_id)
    if choice is None:
        raise NotFound(f"selection {selection_id} has no candidates yet", code="no_candidates_yet")
    return await _candidates_out(choice, selections, known)


@routes.post(
    "/selections/{selection_id}/objections", summary="Object to a candidate, during the public notice"
)
async def object_to_candidate(
    selection_id: IdInPath,
    body: ObjectionIn,
    who: AsParticipantOrOrganiser,
    objecting: Objecting,
    known: Known,
) -> ReceiptOut:
    """
    Organisers record an objection for somebody, under a `reference` of theirs. A repeat replaces the text.

    404 `selection_unknown`, `candidate_unknown`, `recipient_unknown`; 409 `selection_in_other_phase`,
    `objection_decided`, `too_many_objections`, `participant_erased`.
    """
    if who:
        check_token(erased=bool(await known.erased([who.participant_id])))
    by = who.participant_id if who else None
    noted = await objecting.object(selection_id, body.participant_id, by, body.reference, body.text)
    return ReceiptOut(
        objection_id=noted.objection_id, participant_id=noted.participant_id, objected_at=noted.objected_at
    )


@routes.get(
    "/selections/{selection_id}/objections",
    dependencies=[AsOrganiser],
    summary="The objections of a selection",
)
async def list_objections(
    selection_id: IdInPath,
    choices: Choices,
    selections: Selections,
    after: After = None,
    limit: Limit = PAGE,
) -> ObjectionsOut:
    """The earliest first. 404 `selection_unknown`."""
    await selections.find(selection_id)
    place = place_after(after, datetime, str)
    there = [
        one
        for one in await choices.objections(selection_id)
        if place is None or (one.objected_at, one.objection_id) > place
    ]

    async def read(most: int) -> list[ObjectionOut]:
        return [ObjectionOut.of(one) for one in there[:most]]

    page, following = await one_page(read, limit, lambda one: (one.objected_at, one.objection_id))
    return ObjectionsOut(objections=list(page), after=following)


@routes.post(
    "/selections/{selection_id}/objections/{objection_id}/decision",
    dependencies=[AsOrganiser],
    summary="Uphold or dismiss an objection",
)
async def settle_objection(
    selection_id: IdInPath, objection_id: IdInPath, body: SettlementIn, objecting: Objecting
) -> ObjectionOut:
    """
    Whoever an objection is upheld against is left out. A repeat changes nothing.

    404 `selection_unknown`, `objection_unknown`; 409 `objection_decided`, `selection_in_other_phase`.
    """
    return ObjectionOut.of(
        await objecting.settle(selection_id, objection_id, body.reason, upheld=body.upheld)
    )


@routes.post(
    "/selections/{selection_id}/decision",
    dependencies=[AsOrganiser],
    summary="Record the committee's votes; the winners get their awards",
)
async def record_votes(
    selection_id: IdInPath, body: DecisionIn, deciding: Deciding, selections: Selections, known: Known
) -> CandidatesOut:
    """
    After the public notice and all objections. Who has the votes of more than half of the members wins, most
    votes first. A repeat changes nothing.

    404 `selection_unknown`, `scheme_unknown`; 409 `selection_in_other_phase`, `objections_open`,
    `votes_tied`, `selection_decided`, `scheme_changed`; 422 `votes_differ`, `votes_too_many`.
    """
    choice = await deciding.record(selection_id, body.ballots, body.members)
    return await _candidates_out(choice, selections, known)


async def _candidates_out(choice: Choice, selections: SelectionStore, known: KnownStore) -> CandidatesOut:
    stored = await selections.find(choice.selection_id)
    erased = await known.erased(choice.candidates)
    return CandidatesOut.of(choice, phase_of(*stored, clock.now()), erased)

"""Choosing over HTTP: candidates, objections and the committee's votes."""

from typing import Annotated

from fastapi import Response, status

from services.awards.choosing.bodies import CandidatesOut, DecisionIn, ShortlistIn
from services.awards.choosing.decide import Verdicts
from services.awards.choosing.object import ObjectingToCandidates
from services.awards.choosing.rules import Choice
from services.awards.choosing.shortlist import Shortlists
from services.awards.choosing.store import ChoiceStore
from services.awards.known.store import KnownStore
from services.awards.objections.api import answer_made, answer_page
from services.awards.objections.bodies import (
    MadeOut,
    ObjectionDecisionIn,
    ObjectionIn,
    ObjectionOut,
    ObjectionsOut,
)
from services.awards.objections.store import ObjectionStore
from services.awards.selections.rules import phase_of
from services.awards.selections.store import SelectionStore
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, IdInPath, Limit
from shared.web.identity import AsOrganiser, AsParticipantOrOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

Known = Annotated[KnownStore, provided(KnownStore)]
Selections = Annotated[SelectionStore, provided(SelectionStore)]
Choices = Annotated[ChoiceStore, provided(ChoiceStore)]
Publishing = Annotated[Shortlists, provided(Shortlists)]
Objecting = Annotated[ObjectingToCandidates, provided(ObjectingToCandidates)]
Objections = Annotated[ObjectionStore, provided(ObjectionStore)]
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
    "/selections/{selection_id}/objections",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": MadeOut, "description": "It was made before"}},
    summary="Object to a candidate, during the public notice",
)
async def object_to_candidate(
    selection_id: IdInPath,
    body: ObjectionIn,
    who: AsParticipantOrOrganiser,
    objecting: Objecting,
    known: Known,
    response: Response,
) -> MadeOut:
    """
    A participant objects with a token, and an organiser for somebody else. Only organisers read the text.

    One objection against each candidate: a repeat is the first one. 404 `selection_unknown`, `not_in_notice`,
    `recipient_unknown` (awards does not know who objects yet), 409 `notice_unpublished`, `notice_ended`,
    `too_many_objections`, `participant_erased` (also 401).
    """
    return await answer_made(
        who, known, response, lambda by: objecting.make(selection_id, body.recipient_id, body.text, by)
    )


@routes.get(
    "/selections/{selection_id}/objections",
    dependencies=[AsOrganiser],
    summary="The objections of a selection",
)
async def list_objections(
    selection_id: IdInPath,
    objecting: Objecting,
    objections: Objections,
    after: After = None,
    limit: Limit = PAGE,
) -> ObjectionsOut:
    """By id. 404 `selection_unknown`."""
    return await answer_page(objections, await objecting.subject(selection_id), after, limit)


@routes.post(
    "/selections/{selection_id}/objections/{objection_id}/decision",
    dependencies=[AsOrganiser],
    summary="Uphold or dismiss an objection",
)
async def decide_objection(
    selection_id: IdInPath, objection_id: IdInPath, body: ObjectionDecisionIn, objecting: Objecting
) -> ObjectionOut:
    """
    Upheld: the candidate is left out of the vote. A repeat changes nothing.

    404 `selection_unknown`, `objection_unknown`, 409 `objection_decided` if it was decided otherwise.
    """
    return ObjectionOut.of(await objecting.decide(selection_id, objection_id, body.outcome, body.reason))


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

    404 `selection_unknown`, `scheme_unknown`; 409 `selection_in_other_phase`, `objections_undecided`,
    `votes_tied`, `selection_decided`, `scheme_changed`; 422 `votes_differ`, `votes_too_many`.
    """
    choice = await deciding.record(selection_id, body.ballots, body.members)
    return await _candidates_out(choice, selections, known)


async def _candidates_out(choice: Choice, selections: SelectionStore, known: KnownStore) -> CandidatesOut:
    stored = await selections.find(choice.selection_id)
    erased = await known.erased(choice.candidates)
    return CandidatesOut.of(choice, phase_of(*stored, clock.now()), erased)

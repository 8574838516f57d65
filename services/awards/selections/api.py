"""Selections over HTTP: putting one, nominating, withdrawing, admitting."""

from typing import Annotated

from fastapi import Response

from services.awards.known.rules import check_token
from services.awards.known.store import KnownStore
from services.awards.schemes.store import SchemeStore
from services.awards.selections import admit, put, withdraw
from services.awards.selections.bodies import (
    AdmissionIn,
    NominationIn,
    NominationOut,
    NomineeIn,
    NomineeOut,
    NomineesOut,
    SelectionIn,
    SelectionOut,
    SelectionsOut,
)
from services.awards.selections.nominate import Nominations
from services.awards.selections.rules import Selection
from services.awards.selections.store import SelectionStore
from shared.runtime import clock
from shared.web.forms import PAGE, After, IdInPath, Limit, check_same_id, one_page, place_after
from shared.web.identity import AsOrganiser, AsParticipant, AsParticipantOrOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

Known = Annotated[KnownStore, provided(KnownStore)]
Schemes = Annotated[SchemeStore, provided(SchemeStore)]
Selections = Annotated[SelectionStore, provided(SelectionStore)]
Nominating = Annotated[Nominations, provided(Nominations)]

routes = Routes(tags=["selections"])


@routes.get("/selections", summary="All selections")
async def list_selections(selections: Selections, after: After = None, limit: Limit = PAGE) -> SelectionsOut:
    """By id."""
    place, now = place_after(after, str), clock.now()
    page, following = await one_page(
        lambda most: selections.page(place[0] if place else "", most),
        limit,
        lambda one: (one.selection.selection_id,),
    )
    return SelectionsOut(selections=[SelectionOut.of(one, now) for one in page], after=following)


@routes.put(
    "/selections/{selection_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Put a selection, or change one",
)
async def put_selection(
    selection_id: IdInPath,
    body: SelectionIn,
    selections: Selections,
    schemes: Schemes,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> SelectionOut:
    """
    A repeat changes nothing. With the first nominee, places and scheme stay; with the first score, criteria
    and the end of nominations too (409 `selection_in_use`); with the candidates everything (409
    `selection_shortlisted`).

    422 `selection_id_differs`, `selection_times`, `criteria_alike`, `candidates_too_few` (at least a fifth
    more than places), `scheme_not_selected`; 404 `scheme_unknown`; 409 `scheme_has_selection`,
    `too_many_selections`; 412 `version_differs`.
    """
    check_same_id(body.selection_id, selection_id, code="selection_id_differs")
    terms = body.model_dump(exclude={"selection_id"})
    selection = Selection(selection_id=selection_id, **terms)
    stored = await put.put_selection(selection, selections, schemes, matching(if_match, if_none_match))
    response.headers["etag"] = etag(stored.course.version)
    return SelectionOut.of(stored, clock.now())


@routes.get("/selections/{selection_id}", responses=TAGGED, summary="A selection, and how far it is")
async def get_selection(selection_id: IdInPath, selections: Selections, response: Response) -> SelectionOut:
    """`selection` is what `PUT` takes, with an `ETag` for `If-Match`. 404 `selection_unknown`."""
    stored = await selections.find(selection_id)
    response.headers["etag"] = etag(stored.course.version)
    return SelectionOut.of(stored, clock.now())


@routes.post("/selections/{selection_id}/nominations", summary="Nominate somebody, or a group")
async def nominate(
    selection_id: IdInPath,
    body: NominationIn,
    who: AsParticipantOrOrganiser,
    nominating: Nominating,
    known: Known,
) -> NominationOut:
    """
    A repeat replaces the words. Nobody is told who has nominated.

    404 `selection_unknown`, `recipient_unknown` (also for a moment after a registration); 403
    `may_not_nominate`; 409 `selection_in_other_phase`, `nominee_withdrew`, `nomination_withdrawn`,
    `too_many_nominees`, `too_many_nominations` (of this nominee), `too_many_nominated` (by you),
    `participant_erased`.
    """
    if who:
        check_token(erased=bool(await known.erased([who.participant_id])))
    nominator = who.participant_id if who else None
    return NominationOut.of(
        await nominating.nominate(selection_id, body.participant_id, nominator, body.statement, body.evidence)
    )


@routes.post(
    "/selections/{selection_id}/withdrawals", summary="Withdraw oneself, or a nomination of one's own"
)
async def withdraw_nominee(
    selection_id: IdInPath, body: NomineeIn, who: AsParticipant, selections: Selections, known: Known
) -> NomineeOut:
    """
    Nominees withdraw until the decision, for good; others their nominations until these end. The words are
    removed.

    404 `selection_unknown`, `nominee_unknown`; 409 `selection_in_other_phase`.
    """
    check_token(erased=bool(await known.erased([who.participant_id])))
    nominee = await withdraw.withdraw(selection_id, body.participant_id, who.participant_id, selections)
    return NomineeOut.of(nominee)


@routes.get(
    "/selections/{selection_id}/nominees", dependencies=[AsOrganiser], summary="All nominees of a selection"
)
async def list_nominees(selection_id: IdInPath, selections: Selections) -> NomineesOut:
    """By participant, without any words. 404 `selection_unknown`."""
    await selections.find(selection_id)
    nominees = await selections.nominees(selection_id)
    return NomineesOut(nominees=[NomineeOut.of(one) for one in nominees])


@routes.post(
    "/selections/{selection_id}/admissions",
    dependencies=[AsOrganiser],
    summary="Note whether a nominee is eligible",
)
async def admit_nominee(selection_id: IdInPath, body: AdmissionIn, selections: Selections) -> NomineeOut:
    """
    Until there are candidates; another code replaces the first one.

    404 `selection_unknown`, `nominee_unknown`; 409 `selection_in_other_phase`.
    """
    return NomineeOut.of(await admit.admit(selection_id, body.participant_id, body.code, selections))

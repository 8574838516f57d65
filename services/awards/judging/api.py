"""Judging over HTTP: experts, conflicts, scores, and what organisers see of them."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi.responses import StreamingResponse

from services.awards.judging.bodies import (
    ConflictIn,
    ExpertsIn,
    OwnAssignmentOut,
    OwnAssignmentsOut,
    PanelOut,
    RankingOut,
    ScoreIn,
    ScoreOut,
)
from services.awards.judging.panels import Panels
from services.awards.judging.review import Reviews
from services.awards.judging.rules import DeclaredConflict, Panel, not_an_expert
from services.awards.judging.score import give_score
from services.awards.judging.store import JudgingStore
from services.awards.known.rules import check_token
from services.awards.known.store import KnownStore
from services.awards.selections.bodies import NominationOut, NomineeDetailOut, NomineeOut
from services.awards.selections.rules import nominee_unknown
from services.awards.selections.store import SelectionStore
from shared.web.forms import IdInPath
from shared.web.identity import AsOrganiser, AsParticipant, AsParticipantOrOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.tables import Cell, csv_file

MEDIA_TYPE = "text/csv; charset=utf-8"
EXAMPLE = "participant_id,expert,version,scored_at,work,score\n"

Known = Annotated[KnownStore, provided(KnownStore)]
Selections = Annotated[SelectionStore, provided(SelectionStore)]
Judging = Annotated[JudgingStore, provided(JudgingStore)]
Experts = Annotated[Panels, provided(Panels)]
Reviewing = Annotated[Reviews, provided(Reviews)]

routes = Routes(tags=["selections"])


@routes.post(
    "/selections/{selection_id}/experts", dependencies=[AsOrganiser], summary="Name experts of a selection"
)
async def name_experts(
    selection_id: IdInPath, body: ExpertsIn, experts: Experts, selections: Selections
) -> PanelOut:
    """
    Beside those that are named; until the scoring ends.

    404 `selection_unknown`, `recipient_unknown`; 409 `selection_in_other_phase`, `expert_is_nominee`,
    `too_many_experts`, `participant_erased`.
    """
    panel = await experts.name_experts(selection_id, body.expert_ids)
    return await _panel_out(selection_id, panel, selections)


@routes.delete(
    "/selections/{selection_id}/experts/{expert_id}",
    dependencies=[AsOrganiser],
    summary="Let an expert judge no more",
)
async def remove_expert(
    selection_id: IdInPath, expert_id: IdInPath, experts: Experts, selections: Selections
) -> PanelOut:
    """
    Others judge in this one's place, and scores already given do not count.

    404 `selection_unknown`; 409 `selection_in_other_phase` once the scoring has ended.
    """
    return await _panel_out(selection_id, await experts.remove(selection_id, expert_id), selections)


@routes.post(
    "/selections/{selection_id}/assignments",
    dependencies=[AsOrganiser],
    summary="Assign the admitted nominees to experts",
)
async def assign(selection_id: IdInPath, experts: Experts, selections: Selections) -> PanelOut:
    """
    While experts score. A repeat assigns who is not assigned yet. Nobody judges a nominee of their own, or
    one with whom they have declared a conflict. No nominee judges.

    404 `selection_unknown`; 409 `selection_in_other_phase`.
    """
    return await _panel_out(selection_id, await experts.assign(selection_id), selections)


@routes.get("/selections/{selection_id}/assignments", summary="Whom one judges oneself")
async def own_assignments(
    selection_id: IdInPath, who: AsParticipant, judging: Judging, selections: Selections, known: Known
) -> OwnAssignmentsOut:
    """With one's own scores, and nobody else's. Empty for everybody else. 404 `selection_unknown`."""
    check_token(erased=bool(await known.erased([who.participant_id])))
    await selections.find(selection_id)
    panel = await judging.panel(selection_id)
    given = await judging.scores_by(selection_id, who.participant_id)
    return OwnAssignmentsOut(
        assignments=[
            OwnAssignmentOut(participant_id=one, score=ScoreOut.of(given[one]) if one in given else None)
            for one in panel.nominees_of(who.participant_id)
        ]
    )


@routes.get(
    "/selections/{selection_id}/nominees/{participant_id}", summary="A nominee, with the words of nominations"
)
async def get_nominee(
    selection_id: IdInPath,
    participant_id: IdInPath,
    who: AsParticipantOrOrganiser,
    judging: Judging,
    selections: Selections,
    known: Known,
) -> NomineeDetailOut:
    """
    For organisers, and for the experts who judge the nominee: 403 `not_an_expert`.

    404 `selection_unknown`, `nominee_unknown`.
    """
    await selections.find(selection_id)
    if who:
        check_token(erased=bool(await known.erased([who.participant_id])))
        if not (await judging.panel(selection_id)).judges(who.participant_id, participant_id):
            raise not_an_expert(selection_id)
    nominee = await selections.nominee(selection_id, participant_id)
    if nominee is None:
        raise nominee_unknown(participant_id)
    nominations = await selections.nominations(selection_id, participant_id)
    return NomineeDetailOut(
        **NomineeOut.of(nominee).model_dump(),
        nominations=[NominationOut.of(one) for one in nominations if one.withdrawn_at is None],
    )


@routes.post(
    "/selections/{selection_id}/conflicts",
    status_code=204,
    summary="Declare a conflict of interest of one's own",
)
async def declare_conflict(
    selection_id: IdInPath, body: ConflictIn, who: AsParticipant, experts: Experts, known: Known
) -> None:
    """
    Somebody else judges the nominee, and a score already given does not count. A repeat changes nothing.

    404 `selection_unknown`, `nominee_unknown`; 403 `not_an_expert`; 409 `selection_in_other_phase`,
    `too_many_conflicts`.
    """
    check_token(erased=bool(await known.erased([who.participant_id])))
    await experts.declare(DeclaredConflict(who.participant_id, body.participant_id, body.code), selection_id)


@routes.post("/selections/{selection_id}/scores", summary="Score a nominee, or change one's scores")
async def score(
    selection_id: IdInPath,
    body: ScoreIn,
    who: AsParticipant,
    selections: Selections,
    judging: Judging,
    known: Known,
) -> ScoreOut:
    """
    Until the scoring ends nobody else sees it. The same again changes nothing.

    403 `not_an_expert`; 404 `selection_unknown`; 422 `criteria_differ`, `points_out_of_range`; 409
    `selection_in_other_phase`, `too_many_score_versions`.
    """
    check_token(erased=bool(await known.erased([who.participant_id])))
    return ScoreOut.of(
        await give_score(
            selection_id,
            who.participant_id,
            body.participant_id,
            body.points,
            selections=selections,
            judging=judging,
        )
    )


@routes.get(
    "/selections/{selection_id}/ranking", dependencies=[AsOrganiser], summary="The ranking, and outliers"
)
async def get_ranking(selection_id: IdInPath, reviews: Reviewing) -> RankingOut:
    """404 `selection_unknown`; 409 `selection_in_other_phase` until the scoring has ended."""
    return await reviews.ranking(selection_id)


@routes.get(
    "/selections/{selection_id}/scores/export",
    dependencies=[AsOrganiser],
    summary="All scores as a CSV file, with numbers for experts",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {"example": EXAMPLE}}}},
)
async def export_scores(selection_id: IdInPath, reviews: Reviewing) -> StreamingResponse:
    """404 `selection_unknown`; 409 `selection_in_other_phase` until the scoring has ended."""
    columns, rows = await reviews.table(selection_id)

    async def pieces() -> AsyncIterator[list[list[Cell]]]:
        yield rows

    return StreamingResponse(csv_file(columns, pieces()), media_type=MEDIA_TYPE)


async def _panel_out(selection_id: str, panel: Panel, selections: SelectionStore) -> PanelOut:
    stored = await selections.find(selection_id)
    return PanelOut.of(panel, stored.selection.experts_per_nominee)

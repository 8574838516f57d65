"""Issuing over HTTP: conferring, applying a scheme, and reading its undecided awards."""

from typing import Annotated, Literal

from fastapi import Response, status
from pydantic import BaseModel, Field

from services.awards.issued.bodies import AwardDetailOut, detail
from services.awards.issuing import apply
from services.awards.issuing.confer import confer_award
from services.awards.issuing.issue import Issuer
from services.awards.issuing.outdated import Outdated
from services.awards.issuing.places import Places
from services.awards.issuing.replace import Replacement, Replacing
from services.awards.issuing.state import state_of
from services.awards.known.store import KnownStore
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import TIERS_MAX, Tier
from services.awards.schemes.store import SchemeStore
from shared.contracts.checked import Id, PersonalLine
from shared.web.forms import After, Form, IdInPath, after_of, place_after
from shared.web.identity import AsOrganiser, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes

Known = Annotated[KnownStore, provided(KnownStore)]
Results = Annotated[ResultStore, provided(ResultStore)]
Schemes = Annotated[SchemeStore, provided(SchemeStore)]
Issuing = Annotated[Issuer, provided(Issuer)]
Freed = Annotated[Places, provided(Places)]
Replaces = Annotated[Replacing, provided(Replacing)]
Looking = Annotated[Outdated, provided(Outdated)]

routes = Routes(tags=["awards"])


class ConferralIn(Form):
    """The recipient of an award and its scheme. Only organisers see the note; it may name no person."""

    scheme_id: Id = Field(examples=["service-team-flag"])
    recipient_id: Id = Field(examples=["group-service-team-01"])
    note: PersonalLine | None = Field(None, examples=["2023-05-20 启动仪式授旗"])


class ReplacementIn(Form):
    """Why, and what is different. What is left out is as before; a note is not taken over."""

    reason: PersonalLine = Field(
        description="public: shown with the code of the replaced award", examples=["授予对象登记有误"]
    )
    scheme_id: Id | None = Field(None, examples=["service-team-flag"])
    recipient_id: Id | None = Field(None, examples=["group-service-team-02"])
    note: PersonalLine | None = None


class UndecidedOut(BaseModel):
    """Why somebody may still get an award, although the quiz is closed."""

    code: Literal["standings_too_short"]
    detail: str


class LotOut(BaseModel):
    """A tie that a draw has to decide: put one with `{"type": "tied"}`, this tier and these prizes."""

    tier: str = Field(examples=["一等奖"])
    rank: int
    tied: int | None = Field(
        description="how many share the rank; null if the closing does not list them all"
    )
    prizes: Annotated[list[Tier], Field(max_length=TIERS_MAX)]


class SchemeStateOut(BaseModel):
    """A scheme that has awards keeps its rule; after the close of its quiz some awards may be undecided."""

    scheme_id: str = Field(examples=["contest-prize"])
    in_use: bool = Field(description="it has awards: only its title may change")
    quiz_closed: bool
    undecided: UndecidedOut | None
    lots: Annotated[list[LotOut], Field(max_length=TIERS_MAX)] = Field(
        description="ties that lots decide, of a scheme with `lots`"
    )


class AppliedOut(BaseModel):
    """
    How many awards were issued; call again with `after` until it is null.

    `undecided`: somebody may get an award by rank, but awards has no result of this person yet.
    """

    issued: int = Field(examples=[1287])
    after: str | None
    undecided: bool = Field(examples=[False])


@routes.post(
    "/awards",
    status_code=status.HTTP_201_CREATED,
    dependencies=[AsOrganiser],
    summary="Confer an award on a person or group",
    responses={200: {"model": AwardDetailOut, "description": "It was conferred before"}},
)
async def confer(
    response: Response, body: ConferralIn, schemes: Schemes, known: Known, issuer: Issuing
) -> AwardDetailOut:
    """
    201 if the award is new, 200 and the same award on a repeat, 409 `award_revoked` after a revocation.

    404 `scheme_unknown`, 422 `scheme_not_conferred`, 409 `scheme_after_notice`, `scheme_draft`; 404
    `recipient_unknown`, also
    for a moment after a registration; 409 `participant_erased`.
    """
    award, new = await confer_award(
        body.scheme_id, body.recipient_id, body.note, schemes=schemes, known=known, issuer=issuer
    )
    response.status_code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
    return detail(award)


@routes.post(
    "/awards/{award_id}/replace",
    status_code=status.HTTP_201_CREATED,
    dependencies=[AsOrganiser],
    summary="Replace a conferred award by another one",
    responses={200: {"model": AwardDetailOut, "description": "It was replaced by this award before"}},
)
async def replace_award(
    award_id: IdInPath, response: Response, body: ReplacementIn, replacing: Replaces
) -> AwardDetailOut:
    """
    The award is revoked and the answer is the new one; both happen, or nothing.

    A repeat with the same reason changes nothing. 404 `award_unknown`, `scheme_unknown`, `recipient_unknown`;
    409 `award_replaced` (by another one), `award_revoked`, `recipient_has_award`, `participant_erased`,
    `scheme_after_notice`, `scheme_draft`; 422 `replacement_not_different`, `scheme_not_conferred`.
    """
    award, new = await replacing.replace(award_id, Replacement(**body.model_dump()))
    response.status_code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
    return detail(award)


@routes.post(
    "/schemes/{scheme_id}/apply",
    dependencies=[AsOrganiser],
    summary="Issue what a scheme put late has missed",
)
async def apply_scheme(
    scheme_id: IdInPath,
    schemes: Schemes,
    results: Results,
    issuer: Issuing,
    outdated: Looking,
    known: Known,
    places: Freed,
    after: After = None,
) -> AppliedOut:
    """
    A call reads about 10,000 results; a repeat issues nothing twice.

    By rank it also finds, among the results of the last half year, those who share the rank of the last
    listed standing. 404 `scheme_unknown`, 422 `scheme_conferred`, `scheme_drawn`, `scheme_selected`, 409
    `quiz_not_closed` if the scheme awards by rank, 409 `quiz_cancelled`, `scheme_after_notice`,
    `scheme_draft`.
    """
    place = place_after(after, str)
    applied = await apply.apply_scheme(
        scheme_id,
        place[0] if place else None,
        schemes=schemes,
        results=results,
        issuer=issuer,
        outdated=outdated,
        known=known,
        places=places,
    )
    last = None if applied.after is None else after_of(applied.after)
    return AppliedOut(issued=applied.issued, after=last, undecided=applied.undecided)


@routes.get(
    "/schemes/{scheme_id}/state",
    dependencies=[AsViewer],
    summary="Whether a scheme is in use, and what the closing of its quiz left undecided",
)
async def get_state(scheme_id: IdInPath, schemes: Schemes, results: Results) -> SchemeStateOut:
    """404 `scheme_unknown`."""
    state = await state_of(scheme_id, schemes, results)
    undecided = None
    if state.undecided is not None:
        undecided = UndecidedOut(code="standings_too_short", detail=state.undecided)
    return SchemeStateOut(
        scheme_id=scheme_id,
        in_use=state.in_use,
        quiz_closed=state.quiz_closed,
        undecided=undecided,
        lots=[
            LotOut(
                tier=lot.tier,
                rank=lot.rank,
                tied=None if lot.goes_on else len(lot.listed),
                prizes=[Tier(tier=tier, places=places) for tier, places in lot.prizes],
            )
            for lot in state.lots
        ],
    )

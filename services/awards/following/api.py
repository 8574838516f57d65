"""Following over HTTP: what is held and not earned any more, and what a change of results would change."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.awards.following.preview import Previews, Supposed
from services.awards.issued.bodies import AwardDetailOut, detail
from services.awards.issued.store import AwardStore
from services.awards.schemes.rules import OnChange
from services.awards.schemes.store import SCHEMES_MAX, SchemeStore
from shared.contracts.checked import Id, Ordinal
from shared.contracts.events import FinalStanding, Points
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes

Awards = Annotated[AwardStore, provided(AwardStore)]
Schemes = Annotated[SchemeStore, provided(SchemeStore)]

Previewing = Annotated[Previews, provided(Previews)]

PREVIEWED_MAX = 1_000
# As many results and standings, each with the longest ids.
PREVIEW_BYTES_MAX = 524_288

routes = Routes(tags=["awards"])


class SupposedResultIn(Form):
    """A result, and the points that it would have."""

    result_id: Id
    participant_id: Id
    points: Points


class SupposedStandingIn(Form):
    """A place in the final standings, as it would be."""

    rank: Ordinal
    participant_id: Id


class SupposedIn(Form):
    """What would be different: results, who is disqualified, the first of the final standings."""

    results: Annotated[tuple[SupposedResultIn, ...], Field(max_length=PREVIEWED_MAX)] = ()
    disqualified: Annotated[tuple[Id, ...], Field(max_length=PREVIEWED_MAX)] = ()
    standings: Annotated[tuple[SupposedStandingIn, ...], Field(max_length=PREVIEWED_MAX)] | None = None


class PreviewedOut(BaseModel):
    """How many awards of a scheme would change. `not_earned`: the scheme keeps them, though not earned."""

    scheme_id: str = Field(examples=["contest-prize"])
    on_change: OnChange
    issued: int
    revoked: int
    upgraded: int
    downgraded: int
    not_earned: int


class PreviewOut(BaseModel):
    """Every scheme of the quiz, by its id."""

    schemes: list[PreviewedOut] = Field(max_length=SCHEMES_MAX)


class UnearnedOut(BaseModel):
    """An award that is held, and that the results of now do not earn."""

    award: AwardDetailOut
    code: Literal["not_earned", "disqualified", "other_tier"]
    tier_now: str | None = Field(description="with `other_tier`: the tier that is earned now")


class UnearnedPageOut(BaseModel):
    """A page of such awards; `after` leads to the next one, null on the last."""

    awards: list[UnearnedOut]
    after: str | None


@routes.get(
    "/schemes/{scheme_id}/unearned",
    dependencies=[AsViewer],
    summary="Awards that are held and not earned any more",
)
async def list_unearned(
    scheme_id: IdInPath, schemes: Schemes, awards: Awards, after: After = None, limit: Limit = PAGE
) -> UnearnedPageOut:
    """
    By award id, after corrections, disqualifications and revised standings. If the scheme keeps its awards,
    an organiser decides about each: revoke it, or let it be. 404 `scheme_unknown`.
    """
    await schemes.get(scheme_id)
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: awards.unearned(scheme_id, place[0] if place else "", most),
        limit,
        lambda one: (one.award.award_id,),
    )
    return UnearnedPageOut(
        awards=[
            UnearnedOut(award=detail(one.award), code=one.code or "other_tier", tier_now=one.tier)
            for one in page
        ],
        after=following,
    )


@routes.post(
    "/quizzes/{quiz_id}/previews",
    dependencies=[AsOrganiser],
    max_body_size=PREVIEW_BYTES_MAX,
    summary="How many awards would change if results did",
)
async def preview(quiz_id: IdInPath, body: SupposedIn, previews: Previewing) -> PreviewOut:
    """
    Ask before you correct a quiz or disqualify somebody. Nothing is changed or stored.

    Results that awards does not know are left out. Without `standings`, those of the closing count. Before
    the close there are none. 404 `quiz_unknown`, 422 `preview_too_large`.
    """
    standings = body.standings
    supposed = Supposed(
        points={one.result_id: one.points for one in body.results},
        participants={one.participant_id for one in body.results},
        disqualified=set(body.disqualified),
        standings=None if standings is None else [_standing(one) for one in standings],
    )
    return PreviewOut(
        schemes=[
            PreviewedOut(
                scheme_id=one.scheme.scheme_id,
                on_change=one.scheme.on_change,
                issued=one.issued,
                revoked=one.revoked,
                upgraded=one.upgraded,
                downgraded=one.downgraded,
                not_earned=one.not_earned,
            )
            for one in await previews.preview(quiz_id, supposed)
        ]
    )


def _standing(one: SupposedStandingIn) -> FinalStanding:
    # Only the rank decides about prizes.
    return FinalStanding(
        rank=one.rank, participant_id=one.participant_id, points=0, score_percent=0, time_used_seconds=0
    )

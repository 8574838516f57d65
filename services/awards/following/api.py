"""Following over HTTP: what is held and not earned any more."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.awards.issued.bodies import AwardDetailOut, detail
from services.awards.issued.store import AwardStore
from services.awards.schemes.store import SchemeStore
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes

Awards = Annotated[AwardStore, provided(AwardStore)]
Schemes = Annotated[SchemeStore, provided(SchemeStore)]

routes = Routes(tags=["awards"])


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

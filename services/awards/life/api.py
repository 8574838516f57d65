"""The life of schemes over HTTP."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.awards.life.read import Life
from services.awards.life.rules import Status
from shared.web.forms import IdInPath
from shared.web.identity import IsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

routes = Routes(tags=["awards"])


class StatusOut(BaseModel):
    """Where a scheme is in its life."""

    scheme_id: str = Field(examples=["contest-certificate"])
    status: Status = Field(
        description="`draft`: only organisers see it; `announced`; `running`: its quiz has results, its draw "
        "or selection is under way, or awards are conferred; `published`: its notice, its draw or its "
        "candidates are public, and something is still to be decided; `final`"
    )


@routes.get("/schemes/{scheme_id}/status", summary="Where a scheme is in its life")
async def get_status(
    scheme_id: IdInPath, life: Annotated[Life, provided(Life)], is_organiser: IsOrganiser
) -> StatusOut:
    """404 `scheme_unknown`, also for a draft without an organiser's key."""
    return StatusOut(scheme_id=scheme_id, status=await life.of(scheme_id, drafts=is_organiser))

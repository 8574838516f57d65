"""The log of organisers' acts over HTTP, in every service."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from shared.contracts.checked import Line, Moment
from shared.runtime.acting import Act, ActPages, Role
from shared.web.forms import PAGE, After, Limit, one_page, place_after
from shared.web.identity import AsOwner
from shared.web.routes import Routes

WHO_CHARS_MAX = 40
OneKey = Annotated[Line, StringConstraints(max_length=WHO_CHARS_MAX)]


class ActOut(BaseModel):
    """What an organiser did: a request that changes something, without its body."""

    act_id: str
    at: datetime
    who: str = Field(description="the name of the key", examples=["east-gate"])
    role: Role
    method: str = Field(examples=["POST"])
    route: str = Field(examples=["/sessions/{session_id}/cancel"])
    ids: dict[str, str] = Field(
        description="the ids in the path", examples=[{"session_id": "outreach-street-0520-pm"}]
    )
    status: int | None = Field(
        description="of the answer; null if the process ended before it: look whether it took effect",
        examples=[200],
    )
    code: str | None = Field(description="of a refusal", examples=[None])
    details: dict[str, str | int] = Field(examples=[{}])
    correlation_id: str = Field(description="as in the log", examples=["7d1c0b7f6e2a4c11"])

    @classmethod
    def of(cls, act: Act) -> "ActOut":
        return cls(
            act_id=act.act_id,
            at=act.at,
            who=act.who,
            role=act.role,
            method=act.method,
            route=act.route,
            ids=act.ids,
            status=act.status,
            code=act.code,
            details=act.details,
            correlation_id=act.correlation_id,
        )


class ActsOut(BaseModel):
    """A page of acts, the latest first; `after` leads to the next one, null on the last."""

    acts: list[ActOut]
    after: str | None


async def _acts(request: Request) -> ActPages:
    pages: ActPages = request.app.state.acts
    return pages


routes = Routes(tags=["operation"])


@routes.get("/acts", dependencies=[AsOwner], summary="What organisers did here, the latest first")
async def list_acts(
    acts: Annotated[ActPages, Depends(_acts)],
    who: Annotated[OneKey | None, Query(description="only of this key")] = None,
    since: Annotated[Moment | None, Query(description="from this moment on")] = None,
    limit: Limit = PAGE,
    after: After = None,
) -> ActsOut:
    """Requests with an organiser's key that change something, also refused ones; kept for 400 days."""
    place = place_after(after, datetime, str)
    page, following = await one_page(
        lambda most: acts.page(who, since, place, most), limit, lambda act: (act.at, act.act_id)
    )
    return ActsOut(acts=[ActOut.of(act) for act in page], after=following)

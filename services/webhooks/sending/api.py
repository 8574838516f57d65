"""The test delivery over HTTP, for organisers."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.webhooks.sending.ping import Ping
from shared.runtime import clock
from shared.web.forms import IdInPath
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

Pings = Annotated[Ping, provided(Ping)]

routes = Routes(tags=["endpoints"])


class PingOut(BaseModel):
    """What came of a test delivery."""

    message_id: str = Field(description="its `webhook-id`")
    delivered: bool
    status: int | None = Field(description="what the endpoint answered; null: no answer", examples=[204])
    code: str | None = Field(description="why it was no delivery", examples=["address_refused"])
    milliseconds: int = Field(examples=[87])


@routes.post("/endpoints/{endpoint_id}/ping", dependencies=[AsOrganiser], summary="Send a test delivery now")
async def ping(endpoint_id: IdInPath, pings: Pings) -> PingOut:
    """
    One try of at most 15 s, also if the endpoint is disabled: an event of type `kepu.webhook.ping.v1`, signed
    like every delivery. It is not tried again. 404 `endpoint_unknown`.
    """
    message_id, answer = await pings.ping(endpoint_id, clock.now())
    return PingOut(
        message_id=message_id,
        delivered=answer.failure is None,
        status=answer.status,
        code=answer.failure,
        milliseconds=answer.milliseconds,
    )

"""Deliveries of an endpoint over HTTP, for organisers: what became of each, and replays."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, Field

from services.webhooks.deliveries.rules import (
    FINISHED,
    REPLAY_MAX,
    TRIES_SHOWN_MAX,
    Delivery,
    State,
    check_period,
)
from services.webhooks.deliveries.store import DeliveryStore
from services.webhooks.endpoints.store import EndpointStore
from shared.contracts.checked import Moment
from shared.runtime import clock
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes

Endpoints = Annotated[EndpointStore, provided(EndpointStore)]
Deliveries = Annotated[DeliveryStore, provided(DeliveryStore)]
MessageId = Annotated[str, Path(pattern=r"^msg_[0-9a-f-]{36}$")]
STATES: tuple[State, ...] = ("pending", *FINISHED)

routes = Routes(tags=["deliveries"])


class TriedOut(BaseModel):
    at: datetime
    status: int | None = Field(description="what the endpoint answered; null: no answer", examples=[503])
    code: str | None = Field(description="why it was no delivery", examples=["server_failed"])
    milliseconds: int = Field(examples=[87])


class DeliveryOut(BaseModel):
    """One event for the endpoint. Nothing of the endpoint's answers is kept but their status."""

    message_id: str = Field(description="`webhook-id`", examples=["msg_0d9b6f1e-6a55-5c39-9c0e-6c3f6f1f2a10"])
    type: str = Field(examples=["kepu.registration.confirmed.v1"])
    event_id: str
    appended_at: datetime = Field(description="when the event was appended to the log")
    state: State
    code: str | None = Field(description="why the last try was no delivery", examples=["timed_out"])
    attempts: int = Field(description="tries since it was stored, or sent again", examples=[3])
    due_at: datetime | None = Field(description="when it is tried next")
    finished_at: datetime | None
    tried: list[TriedOut] = Field(description="the latest tries", max_length=TRIES_SHOWN_MAX)


class DeliveriesOut(BaseModel):
    """A page of deliveries, the latest event first; `after` leads to the next one, null on the last."""

    deliveries: list[DeliveryOut]
    after: str | None


class ReplayIn(Form):
    """Which deliveries are sent again: those of events that were appended in this time."""

    since: Moment = Field(examples=["2027-05-20T00:00:00Z"])
    until: Moment = Field(description="before this moment", examples=["2027-05-21T00:00:00Z"])
    only_failed: bool = Field(False, description="only those that have failed, and not what was delivered")


class ReplayOut(BaseModel):
    count: int = Field(description="deliveries that are sent again", examples=[412], le=REPLAY_MAX)


@routes.get(
    "/endpoints/{endpoint_id}/deliveries", dependencies=[AsViewer], summary="What became of its deliveries"
)
async def list_deliveries(
    endpoint_id: IdInPath,
    endpoints: Endpoints,
    deliveries: Deliveries,
    state: Annotated[State | None, Query(description="all, unless one is named")] = None,
    limit: Limit = PAGE,
    after: After = None,
) -> DeliveriesOut:
    """The latest event first, for 30 days. 404 `endpoint_unknown`."""
    key = (await endpoints.get(endpoint_id)).key
    place = place_after(after, datetime, str)
    # The id in the database also has the key, which no answer shows.
    before = (place[0], f"{key}:{place[1]}") if place else None
    states = STATES if state is None else (state,)
    page, following = await one_page(
        lambda most: deliveries.page(key, states, before, most),
        limit,
        lambda one: (one.appended_at, one.message_id),
    )
    return DeliveriesOut(deliveries=[_out(one) for one in page], after=following)


@routes.get(
    "/endpoints/{endpoint_id}/deliveries/{message_id}", dependencies=[AsViewer], summary="One delivery"
)
async def get_delivery(
    endpoint_id: IdInPath, message_id: MessageId, endpoints: Endpoints, deliveries: Deliveries
) -> DeliveryOut:
    """404 `endpoint_unknown`, `delivery_unknown`."""
    return _out(await deliveries.get((await endpoints.get(endpoint_id)).key, message_id))


@routes.post(
    "/endpoints/{endpoint_id}/deliveries/{message_id}/replay",
    dependencies=[AsOrganiser],
    summary="Send one delivery again, with all its tries",
)
async def replay_one(
    endpoint_id: IdInPath, message_id: MessageId, endpoints: Endpoints, deliveries: Deliveries
) -> DeliveryOut:
    """
    With the same `webhook-id`. If it waits, it is tried now. 404 `endpoint_unknown`, `delivery_unknown`; 409
    `body_gone`: its participant was erased.
    """
    endpoint = await endpoints.get(endpoint_id)
    return _out(await deliveries.send_again(endpoint.key, message_id, clock.now()))


@routes.post(
    "/endpoints/{endpoint_id}/replay",
    dependencies=[AsOrganiser],
    summary="Send all deliveries of a time again",
)
async def replay(
    endpoint_id: IdInPath, body: ReplayIn, endpoints: Endpoints, deliveries: Deliveries
) -> ReplayOut:
    """
    Each with the same `webhook-id` as before, in no promised order. Those that wait stay as they are.

    422 `period_empty`, `period_too_old`; 404 `endpoint_unknown`; 409 `replay_too_large`, `backlog_full`.
    """
    now = clock.now()
    check_period(body.since, body.until, now)
    endpoint = await endpoints.get(endpoint_id)
    states: tuple[State, ...] = ("failed",) if body.only_failed else FINISHED
    return ReplayOut(count=await deliveries.replay(endpoint.key, body.since, body.until, states, now))


def _out(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(
        message_id=delivery.message_id,
        type=delivery.type,
        event_id=delivery.event_id,
        appended_at=delivery.appended_at,
        state=delivery.state,
        code=delivery.code,
        attempts=delivery.attempts,
        due_at=delivery.due_at,
        finished_at=delivery.finished_at,
        tried=[
            TriedOut(at=one.at, status=one.status, code=one.code, milliseconds=one.milliseconds)
            for one in delivery.tried
        ],
    )

"""Endpoints over HTTP, for organisers."""

from typing import Annotated

from fastapi import Response

from services.webhooks.endpoints.bodies import (
    EndpointIn,
    EndpointMade,
    EndpointOut,
    EndpointsOut,
    EventTypeOut,
    EventTypesOut,
    RotationIn,
    RotationOut,
    endpoint_out,
)
from services.webhooks.endpoints.put import Endpoints, Wanted
from services.webhooks.endpoints.rules import CONTRACTS
from services.webhooks.endpoints.store import EndpointStore, tag
from shared.runtime import clock
from shared.web.forms import PAGE, After, IdInPath, Limit, check_same_id, one_page, place_after
from shared.web.identity import AsOrganiser, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.versions import CHANGED, TAGGED, IfMatch, IfNoneMatch, etag, matching

Store = Annotated[EndpointStore, provided(EndpointStore)]
Of = Annotated[Endpoints, provided(Endpoints)]

routes = Routes(tags=["endpoints"])


@routes.get("/event-types", dependencies=[AsViewer], summary="The events that webhooks deliver")
async def list_types() -> EventTypesOut:
    """
    Each with the first line of what its contract says. Schemas: `contracts/` of this project.

    Commands, keys, codes, sealed names and answers are never delivered.
    """
    return EventTypesOut(
        types=[
            EventTypeOut(
                type=type_,
                topic=contract.topic,
                says=(contract.__doc__ or "").strip().split("\n")[0],
            )
            for type_, contract in CONTRACTS.items()
        ]
    )


@routes.get("/endpoints", dependencies=[AsViewer], summary="All endpoints, and how they are")
async def list_endpoints(store: Store, after: After = None, limit: Limit = PAGE) -> EndpointsOut:
    """By id."""
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: store.page(place[0] if place else "", most), limit, lambda one: (one.endpoint_id,)
    )
    now = clock.now()
    return EndpointsOut(endpoints=[endpoint_out(one, now) for one in page], after=following)


@routes.put(
    "/endpoints/{endpoint_id}",
    dependencies=[AsOrganiser],
    responses=TAGGED | CHANGED,
    summary="Put an endpoint, or change one",
)
async def put_endpoint(
    endpoint_id: IdInPath,
    body: EndpointIn,
    endpoints: Of,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> EndpointMade:
    """
    A new endpoint gets the events that come from now on, and its `secret` is in the answer. A repeat changes
    nothing and shows no secret: whoever has lost the answer rotates it. Whoever gets events about people gets
    `kepu.participant.erased.v1` too.

    422 `url_invalid`, `event_type_unknown`, `endpoint_id_differs`; 409 `too_many_endpoints`; 412
    `version_differs`.
    """
    check_same_id(body.endpoint_id, endpoint_id, code="endpoint_id_differs")
    now = clock.now()
    wanted = Wanted(body.url, body.types, body.description or "")
    condition = matching(if_match, if_none_match)
    endpoint, secret = await endpoints.put(endpoint_id, wanted, now, condition)
    response.headers["etag"] = etag(tag(endpoint))
    return EndpointMade(**endpoint_out(endpoint, now).model_dump(), secret=secret)


@routes.get(
    "/endpoints/{endpoint_id}",
    dependencies=[AsViewer],
    responses=TAGGED,
    summary="An endpoint, and how it is",
)
async def get_endpoint(endpoint_id: IdInPath, store: Store, response: Response) -> EndpointOut:
    """What `PUT` takes, with an `ETag` for `If-Match`. 404 `endpoint_unknown`."""
    endpoint = await store.get(endpoint_id)
    response.headers["etag"] = etag(tag(endpoint))
    return endpoint_out(endpoint, clock.now())


@routes.delete(
    "/endpoints/{endpoint_id}",
    status_code=204,
    dependencies=[AsOrganiser],
    responses=CHANGED,
    summary="Delete an endpoint and its secrets",
)
async def delete_endpoint(endpoint_id: IdInPath, store: Store, if_match: IfMatch = None) -> None:
    """
    Nothing more is sent to it, also not what waits. An endpoint that is put under this id later gets nothing
    of it. 404 `endpoint_unknown`; 412 `version_differs`.
    """
    await store.delete(endpoint_id, matching(if_match))


@routes.post(
    "/endpoints/{endpoint_id}/rotation",
    dependencies=[AsOrganiser],
    summary="Give an endpoint a new secret",
)
async def rotate(endpoint_id: IdInPath, body: RotationIn, endpoints: Of) -> RotationOut:
    """
    For a day both secrets sign each delivery, so the partner changes its own in this time. 404
    `endpoint_unknown`; 409 `rotation_under_way`: the secret before the old one still signs; 412
    `version_differs`: somebody changed it at this moment.
    """
    now = clock.now()
    endpoint, secret = await endpoints.rotate(endpoint_id, now, at_once=body.at_once)
    return RotationOut(secret=secret, secrets_until=endpoint_out(endpoint, now).secrets_until)


@routes.post(
    "/endpoints/{endpoint_id}/disable", dependencies=[AsOrganiser], summary="Send nothing to an endpoint"
)
async def disable(endpoint_id: IdInPath, endpoints: Of) -> EndpointOut:
    """Its events wait, up to the bound of its backlog, until it is enabled. 404 `endpoint_unknown`."""
    return endpoint_out(await endpoints.disable(endpoint_id, clock.now()), clock.now())


@routes.post(
    "/endpoints/{endpoint_id}/enable", dependencies=[AsOrganiser], summary="Send to an endpoint again"
)
async def enable(endpoint_id: IdInPath, endpoints: Of) -> EndpointOut:
    """First what has waited. What has failed for good is sent again by a replay. 404 `endpoint_unknown`."""
    return endpoint_out(await endpoints.enable(endpoint_id), clock.now())

"""Bodies and answers of the routes of endpoints."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.webhooks.endpoints.rules import CONTRACTS, URL_CHARS_MAX, Disabled, Endpoint, State
from shared.contracts.checked import Id, Line
from shared.web.forms import Computed, Form

TYPES_MAX = len(CONTRACTS)


class EndpointIn(Form):
    """An endpoint as an organiser puts it; its id, if given, is the path's."""

    endpoint_id: Id | None = Field(None, examples=["city-museum"])
    url: str = Field(
        min_length=1, max_length=URL_CHARS_MAX, examples=["https://museum.example.org/kepu/events"]
    )
    types: list[str] = Field(
        min_length=1,
        max_length=TYPES_MAX,
        description="the events that it gets, by type: GET /event-types lists them",
        examples=[["kepu.registration.confirmed.v1", "kepu.registration.cancelled.v1"]],
    )
    description: Line | None = Field(
        None, description="whose it is, for organisers", examples=["市博物馆的签到系统"]
    )
    state: Computed = None
    disabled: Computed = None
    disabled_at: Computed = None
    failing_since: Computed = None
    delivered_at: Computed = None
    missed_from: Computed = None
    missed_until: Computed = None
    secrets_until: Computed = None
    created_at: Computed = None


class EndpointOut(BaseModel):
    """An endpoint, as `PUT` takes it, and how it is."""

    endpoint_id: str = Field(examples=["city-museum"])
    url: str
    types: list[str] = Field(max_length=TYPES_MAX)
    description: str | None
    state: State
    disabled: Disabled | None = Field(
        description="why it gets nothing: an organiser has said so, it has failed for days, it has answered "
        "410, or too much was waiting for it"
    )
    disabled_at: datetime | None
    failing_since: datetime | None = Field(
        description="the first failure after the last delivery; null: its last try was a delivery"
    )
    delivered_at: datetime | None = Field(description="about when it took its last delivery")
    missed_from: datetime | None = Field(
        description="the first event that it does not get, of the last time that too much was waiting, or an "
        "event has waited for 30 days"
    )
    missed_until: datetime | None = Field(description="the last such event")
    secrets_until: datetime | None = Field(
        description="until then the secret before the last rotation signs too; null: only one secret signs"
    )
    created_at: datetime = Field(description="it gets nothing from before")


class EndpointMade(EndpointOut):
    """The answer of a `PUT`."""

    secret: str | None = Field(
        description="of a new endpoint: the secret that signs its deliveries. Nobody is shown it again",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD2dRoGP4Q1fc="],
    )


class EndpointsOut(BaseModel):
    """A page of endpoints; `after` leads to the next one, null on the last."""

    endpoints: list[EndpointOut]
    after: str | None


class RotationIn(Form):
    """How a secret is replaced."""

    at_once: bool = Field(
        False,
        description="the old secret ends now, since somebody else may know it; else it signs for a day too",
    )


class RotationOut(BaseModel):
    """The new secret. Nobody is shown it again."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD2dRoGP4Q1fc="])
    secrets_until: datetime | None = Field(description="until then the old secret signs too")


class EventTypeOut(BaseModel):
    """A type of events that webhooks deliver."""

    type: str = Field(examples=["kepu.registration.confirmed.v1"])
    topic: str = Field(examples=["registration.confirmed"])
    says: str = Field(examples=["The participant has a place."])


class EventTypesOut(BaseModel):
    """All of them, in the order in which things happen."""

    types: list[EventTypeOut] = Field(max_length=TYPES_MAX)


def endpoint_out(endpoint: Endpoint, now: datetime) -> EndpointOut:
    """An endpoint as it is shown."""
    old = [one.until for one in endpoint.signing(now) if one.until is not None]
    return EndpointOut(
        endpoint_id=endpoint.endpoint_id,
        url=endpoint.url,
        types=list(endpoint.types),
        description=endpoint.description or None,
        state=endpoint.state,
        disabled=endpoint.disabled,
        disabled_at=endpoint.disabled_at,
        failing_since=endpoint.failing_since,
        delivered_at=endpoint.delivered_at,
        missed_from=endpoint.missed_from,
        missed_until=endpoint.missed_until,
        secrets_until=max(old, default=None),
        created_at=endpoint.created_at,
    )

"""Deliveries over HTTP, for organisers: counts, lists by state, and a failed mail tried again."""

from datetime import datetime
from typing import Annotated, get_args

from fastapi import Query
from pydantic import BaseModel, Field

from services.notifications.contacts.store import ContactStore
from services.notifications.deliveries.retry import retry_mail
from services.notifications.deliveries.store import Delivery, DeliveryStore
from services.notifications.deliveries.summarise import Summaries
from services.notifications.messages.rules import State
from services.notifications.texts.policy import DeliveryChannel
from shared.runtime import clock
from shared.runtime.errors import Rejected
from shared.web.forms import PAGE, After, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes

Deliveries = Annotated[DeliveryStore, provided(DeliveryStore)]
Counted = Annotated[Summaries, provided(Summaries)]
Contacts = Annotated[ContactStore, provided(ContactStore)]

routes = Routes(tags=["deliveries"])


class DeliveryOut(BaseModel):
    """The outcome of a message, without its text and without a contact."""

    message_id: str = Field(examples=["0d9b6f1e-6a55-5c39-9c0e-6c3f6f1f2a10"])
    participant_id: str = Field(examples=["group-service-team-01"])
    channel: DeliveryChannel
    kind: str = Field(examples=["award_issued"])
    state: State
    code: str | None = Field(description="why it failed, or was deferred last", examples=["smtp_rejected"])
    reply: int | None = Field(description="the reply code of the mail server or SMS gateway", examples=[550])
    attempts: int = Field(examples=[1])
    cause_id: str = Field(description="id of the event that it tells of")
    created_at: datetime
    due_at: datetime | None
    finished_at: datetime | None


class DeliveriesOut(BaseModel):
    """A page of deliveries, newest first; `after` leads to the next one, null on the last."""

    deliveries: list[DeliveryOut]
    after: str | None


class CountOut(BaseModel):
    channel: DeliveryChannel
    state: State
    count: int = Field(examples=[1287])


class SummaryOut(BaseModel):
    counts: list[CountOut] = Field(max_length=len(get_args(DeliveryChannel)) * len(get_args(State)))


@routes.get("/deliveries/summary", dependencies=[AsViewer], summary="Messages by channel and state")
async def summarise(summaries: Counted) -> SummaryOut:
    """An inbox message is delivered when it is stored. Mails and SMS pass through the other states."""
    counts = await summaries.summary()
    return SummaryOut(
        counts=[
            CountOut(channel=channel, state=state, count=count)
            for (channel, state), count in sorted(counts.items())
        ]
    )


@routes.get("/deliveries", dependencies=[AsViewer], summary="Messages in one state, newest first")
async def list_deliveries(
    deliveries: Deliveries,
    state: Annotated[State, Query(examples=["failed"])] = "failed",
    channel: Annotated[DeliveryChannel | None, Query(description="all, unless one is named")] = None,
    limit: Limit = PAGE,
    after: After = None,
) -> DeliveriesOut:
    """
    If there is no address, no mail is made. Its entry then has the id of the inbox message.

    Messages delivered to inboxes are not listed (`inboxes_not_listed`): only their recipients read them.
    """
    if (state, channel) == ("delivered", "inbox"):
        raise Rejected("what was delivered to inboxes is not listed", code="inboxes_not_listed")
    channels: tuple[DeliveryChannel, ...] = ("inbox", "email", "sms") if channel is None else (channel,)
    place = place_after(after, datetime, str)
    page, following = await one_page(
        lambda most: deliveries.page(state, channels, place, most),
        limit,
        lambda delivery: (delivery.message.created_at, delivery.message.message_id),
    )
    return DeliveriesOut(deliveries=[_delivery_out(one) for one in page], after=following)


@routes.post(
    "/deliveries/{message_id}/retry",
    dependencies=[AsOrganiser],
    summary="Try a failed mail or SMS again, with all its tries",
)
async def retry(message_id: IdInPath, deliveries: Deliveries, contacts: Contacts) -> DeliveryOut:
    """
    For messages whose problem is solved: the server, the key, the address.

    Refused with `message_unknown` or `not_failed`.
    """
    return _delivery_out(await retry_mail(message_id, deliveries, contacts, clock.now()))


def _delivery_out(delivery: Delivery) -> DeliveryOut:
    message = delivery.message
    return DeliveryOut(
        message_id=message.message_id,
        participant_id=message.participant_id,
        channel=message.channel,
        kind=message.kind,
        state=delivery.state,
        code=delivery.code,
        reply=delivery.reply,
        attempts=delivery.attempts,
        cause_id=message.cause.id,
        created_at=message.created_at,
        due_at=delivery.due_at,
        finished_at=delivery.finished_at,
    )

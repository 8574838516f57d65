"""Notifications over HTTP: one's own inbox and preferences; for organisers groups' inboxes and deliveries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.notifications.contacts.decryptor import Opener
from services.notifications.contacts.store import ContactStore
from services.notifications.deliveries.store import Delivery, DeliveryStore
from services.notifications.messages.rules import TICKET_SEALED, Message, Preferences, State, language_of
from services.notifications.messages.store import InboxMessage, MessageStore
from services.notifications.wording.render import Wording
from shared.contracts.events import Channel, Language, ParticipantKind
from shared.runtime import clock
from shared.runtime.errors import Forbidden, NotFound, Rejected
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, after_of, place_after
from shared.web.identity import AsOrganiser, AsParticipant

MESSAGE_ID = "0d9b6f1e-6a55-5c39-9c0e-6c3f6f1f2a10"
InLanguage = Annotated[Language | None, Query(description="instead of the language preferred")]


class MessageOut(BaseModel):
    """A message as it reads now, in one language."""

    message_id: str = Field(examples=[MESSAGE_ID])
    kind: str = Field(examples=["registration_confirmed"])
    subject: str = Field(examples=["【科技活动周】报名成功通知：科普宣传一条街"])
    body: str = Field(examples=["您报名的“科普宣传一条街”已报名成功。现将有关事项通知如下：…"])
    created_at: datetime
    read_at: datetime | None


class InboxOut(BaseModel):
    """A page of an inbox, newest first; `after` leads to the next one, null on the last."""

    language: Language
    messages: list[MessageOut]
    after: str | None


class ReadOut(BaseModel):
    message_id: str = Field(examples=[MESSAGE_ID])
    read_at: datetime = Field(description="when it was read first")


class UnreadOut(BaseModel):
    unread: int = Field(description="counted up to 1,000", examples=[3])


class PreferencesForm(Form):
    """What a participant chooses, and has chosen; an inbox cannot be turned off."""

    email: bool = Field(True, description="whether mails are sent", examples=[True])
    language: Language | None = Field(None, description="null: the profile's", examples=["zh-CN"])


class DeliveryOut(BaseModel):
    """What became of a message; nothing of what it says, and no contact."""

    message_id: str = Field(examples=[MESSAGE_ID])
    participant_id: str = Field(examples=["group-service-team-01"])
    channel: Channel
    kind: str = Field(examples=["award_issued"])
    state: State
    code: str | None = Field(description="why it failed, or was deferred last", examples=["smtp_rejected"])
    reply: int | None = Field(description="the mail server's reply code", examples=[550])
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
    channel: Channel
    state: State
    count: int = Field(examples=[1287])


class SummaryOut(BaseModel):
    counts: list[CountOut]


@dataclass(frozen=True, slots=True)
class NotificationsApi:
    """What the routes stand on."""

    contacts: ContactStore
    messages: MessageStore
    deliveries: DeliveryStore
    wording: Wording
    opener: Opener


def router() -> APIRouter:
    """All routes; what they stand on is `app.state.notifications`, a `NotificationsApi`."""
    routes = APIRouter(tags=["notifications"])
    route, organisers = routes.add_api_route, [AsOrganiser]
    route("/inbox", own_inbox, methods=["GET"], summary="One's own messages, newest first")
    route("/inbox/unread-count", unread_count, methods=["GET"], summary="How many are not read")
    route("/inbox/{message_id}/read", mark_read, methods=["POST"], summary="Mark one as read")
    route(
        "/recipients/{participant_id}/inbox",
        group_inbox,
        methods=["GET"],
        dependencies=organisers,
        summary="A group's messages",
    )
    route("/preferences", own_preferences, methods=["GET"], summary="What one has chosen")
    route("/preferences", choose, methods=["PUT"], summary="Choose the language, and whether to get mails")
    route(
        "/deliveries/summary",
        summarise,
        methods=["GET"],
        dependencies=organisers,
        summary="Messages by channel and state",
    )
    route(
        "/deliveries",
        list_deliveries,
        methods=["GET"],
        dependencies=organisers,
        summary="Messages in one state, newest first",
    )
    route(
        "/deliveries/{message_id}/retry",
        retry,
        methods=["POST"],
        dependencies=organisers,
        summary="Try a failed mail again, with all its tries",
    )
    return routes


def _api(request: Request) -> NotificationsApi:
    api: NotificationsApi = request.app.state.notifications
    return api


async def own_inbox(
    request: Request,
    participant: AsParticipant,
    language: InLanguage = None,
    limit: Limit = PAGE,
    after: After = None,
) -> InboxOut:
    """Messages say what they tell of in the language asked for, the one preferred, or the profile's."""
    return await _inbox(_api(request), participant.participant_id, language, limit, after)


async def group_inbox(
    request: Request,
    participant_id: IdInPath,
    language: InLanguage = None,
    limit: Limit = PAGE,
    after: After = None,
) -> InboxOut:
    """Groups have no token of their own. A person's inbox is opened by that person alone."""
    api = _api(request)
    recipient = (await api.contacts.recipients([participant_id])).get(participant_id)
    if recipient is None or recipient.erased:
        raise NotFound(f"there is no participant {participant_id}", code="participant_unknown")
    if recipient.kind != "group":
        raise Forbidden(f"participant {participant_id} is no group", code="not_a_group")
    return await _inbox(api, participant_id, language, limit, after)


async def _inbox(
    api: NotificationsApi, participant_id: str, asked: Language | None, limit: int, after: str | None
) -> InboxOut:
    before = _before(after)
    recipient = (await api.contacts.recipients([participant_id])).get(participant_id)
    preferences = (await api.contacts.preferences([participant_id])).get(participant_id)
    language = language_of(asked, preferences, recipient)
    kind: ParticipantKind = recipient.kind if recipient else "person"
    # One more than is shown tells whether there is a next page.
    found = await api.messages.inbox(participant_id, before, limit + 1)
    shown = found[:limit]
    key = await _key_for(api, participant_id, shown)
    messages = []
    for one in shown:
        facts = api.opener.facts(one.message.facts or {}, key)
        words = api.wording.show(one.message.kind, facts, language, kind)
        messages.append(
            MessageOut(
                message_id=one.message.message_id,
                kind=one.message.kind,
                subject=words.subject,
                body=words.body,
                created_at=one.message.created_at,
                read_at=one.read_at,
            )
        )
    return InboxOut(
        language=language,
        messages=messages,
        after=_after(shown[-1].message) if len(found) > limit else None,
    )


async def _key_for(api: NotificationsApi, participant_id: str, shown: list[InboxMessage]) -> bytes | None:
    """The participant's key, where one of these messages needs it and it can be had."""
    if not api.opener.can_open or not any(TICKET_SEALED in (one.message.facts or {}) for one in shown):
        return None
    key_sealed = (await api.contacts.keys([participant_id])).get(participant_id)
    try:
        return api.opener.key(key_sealed) if key_sealed else None
    except Rejected:
        return None


async def unread_count(request: Request, participant: AsParticipant) -> UnreadOut:
    """How many messages of one's own inbox are not marked as read."""
    return UnreadOut(unread=await _api(request).messages.unread(participant.participant_id))


async def mark_read(request: Request, message_id: IdInPath, participant: AsParticipant) -> ReadOut:
    """Again, it changes nothing: the first time stays."""
    read_at = await _api(request).messages.mark_read(participant.participant_id, message_id, clock.now())
    if read_at is None:
        raise NotFound(f"there is no message {message_id} in this inbox", code="message_unknown")
    return ReadOut(message_id=message_id, read_at=read_at)


async def own_preferences(request: Request, participant: AsParticipant) -> PreferencesForm:
    """What holds now, chosen or not."""
    id_ = participant.participant_id
    chosen = (await _api(request).contacts.preferences([id_])).get(id_, Preferences())
    return PreferencesForm(email=chosen.email, language=chosen.language)


async def choose(request: Request, form: PreferencesForm, participant: AsParticipant) -> PreferencesForm:
    """It holds for mails that are not sent yet, too."""
    chosen = Preferences(form.email, form.language)
    await _api(request).contacts.choose(participant.participant_id, chosen)
    return form


async def summarise(request: Request) -> SummaryOut:
    """An inbox message is delivered when it is stored; mails pass through the other states."""
    counts = await _api(request).deliveries.summary()
    return SummaryOut(
        counts=[
            CountOut(channel=channel, state=state, count=count)
            for (channel, state), count in sorted(counts.items())
        ]
    )


async def list_deliveries(
    request: Request,
    state: Annotated[State, Query(examples=["failed"])] = "failed",
    channel: Annotated[Channel | None, Query(description="both, unless one is named")] = None,
    limit: Limit = PAGE,
    after: After = None,
) -> DeliveriesOut:
    """
    A mail not made for want of an address goes by the id of the message in the inbox.

    Messages delivered to inboxes are not listed here: their readers are.
    """
    if (state, channel) == ("delivered", "inbox"):
        raise Rejected("what was delivered to inboxes is not listed", code="inboxes_not_listed")
    channels: tuple[Channel, ...] = ("inbox", "email") if channel is None else (channel,)
    found = await _api(request).deliveries.deliveries(state, channels, _before(after), limit + 1)
    shown = found[:limit]
    return DeliveriesOut(
        deliveries=[_delivery_out(delivery) for delivery in shown],
        after=_after(shown[-1].message) if len(found) > limit else None,
    )


async def retry(request: Request, message_id: IdInPath) -> DeliveryOut:
    """For mails that failed by what has been put right since: the server, the key, the address."""
    return _delivery_out(await _api(request).deliveries.retry(message_id, clock.now()))


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


def _after(message: Message) -> str:
    return after_of(message.created_at, message.message_id)


def _before(after: str | None) -> tuple[datetime, str] | None:
    place = place_after(after, datetime, str)
    if place is None:
        return None
    created_at, message_id = place
    if created_at.tzinfo is None:
        raise Rejected("`after` is not one that a page gave", code="after_invalid")
    return created_at, message_id

"""Inboxes over HTTP: the participant's own, and groups' inboxes for organisers."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from services.notifications.inbox.read import InboxReader, Page
from services.notifications.inbox.store import InboxStore
from shared.contracts.events import Language
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.web.forms import PAGE, After, IdInPath, Limit, place_after
from shared.web.identity import AsOrganiser, AsParticipant
from shared.web.provided import provided
from shared.web.routes import Routes

MESSAGE_ID = "0d9b6f1e-6a55-5c39-9c0e-6c3f6f1f2a10"

Inboxes = Annotated[InboxStore, provided(InboxStore)]
Reader = Annotated[InboxReader, provided(InboxReader)]
InLanguage = Annotated[Language | None, Query(description="instead of the language preferred")]

routes = Routes(tags=["inbox"])


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
    unread: int = Field(description="among the newest 1,000 messages", examples=[3])


@routes.get("/inbox", summary="One's own messages, newest first")
async def own_inbox(
    participant: AsParticipant,
    reader: Reader,
    language: InLanguage = None,
    limit: Limit = PAGE,
    after: After = None,
) -> InboxOut:
    """Messages are in the requested language, else the preferred one, else the profile's."""
    page = await reader.read(participant.participant_id, language, place_after(after, datetime, str), limit)
    return _inbox_out(page)


@routes.get("/inbox/unread-count", summary="How many are not read")
async def unread_count(participant: AsParticipant, reader: Reader) -> UnreadOut:
    """
    The number of messages in the participant's own inbox that are not marked as read.

    Only the newest 1,000 messages are counted.
    """
    return UnreadOut(unread=await reader.unread(participant.participant_id))


@routes.post("/inbox/{message_id}/read", summary="Mark one as read")
async def mark_read(message_id: IdInPath, participant: AsParticipant, inboxes: Inboxes) -> ReadOut:
    """
    A repeat changes nothing: the first time stays.

    `message_unknown`: it is not in the participant's own inbox.
    """
    read_at = await inboxes.mark_read(participant.participant_id, message_id, clock.now())
    if read_at is None:
        raise NotFound(f"there is no message {message_id} in this inbox", code="message_unknown")
    return ReadOut(message_id=message_id, read_at=read_at)


@routes.get("/recipients/{participant_id}/inbox", dependencies=[AsOrganiser], summary="A group's messages")
async def group_inbox(
    participant_id: IdInPath,
    reader: Reader,
    language: InLanguage = None,
    limit: Limit = PAGE,
    after: After = None,
) -> InboxOut:
    """
    Groups have no token of their own. A person's inbox can only be read by that person.

    Refused with `participant_unknown` or `not_a_group`.
    """
    await reader.check_is_group(participant_id)
    page = await reader.read(participant_id, language, place_after(after, datetime, str), limit)
    return _inbox_out(page)


def _inbox_out(page: Page) -> InboxOut:
    messages = [
        MessageOut(
            message_id=one.message.message_id,
            kind=one.message.kind,
            subject=words.subject,
            body=words.body,
            created_at=one.message.created_at,
            read_at=one.read_at,
        )
        for one, words in page.messages
    ]
    return InboxOut(language=page.language, messages=messages, after=page.after)

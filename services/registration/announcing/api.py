"""Messages to the people of a session over HTTP, for organisers."""

from datetime import datetime
from typing import Annotated, get_args

from fastapi import Body
from pydantic import BaseModel, Field, StringConstraints

from services.registration.announcing.announce import Announcements, announcement_id
from services.registration.announcing.rules import Addressed, Announcement
from services.registration.announcing.store import AnnouncementStore
from services.registration.booking.bodies import IdempotencyKey
from shared.contracts.checked import PersonalLine, Text
from shared.contracts.events import Channel
from shared.runtime import clock
from shared.web.forms import PAGE, After, Form, IdInPath, Limit, one_page, place_after
from shared.web.identity import AsOrganiser, AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes

BODY_CHARS_MAX = 2_000
CHANNELS_MAX = len(get_args(Channel))

Announcing = Annotated[Announcements, provided(Announcements)]
Stored = Annotated[AnnouncementStore, provided(AnnouncementStore)]


class MessageIn(Form):
    """The same text for everybody. Write nothing into it that only some may know."""

    subject: PersonalLine = Field(examples=["请带上雨具"])
    body: Annotated[Text, StringConstraints(min_length=1, max_length=BODY_CHARS_MAX)] = Field(
        examples=["活动照常进行，请带上雨具。"]
    )
    to: Addressed = Field("holders", description="those with a place, those who wait, or both")
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=CHANNELS_MAX)] = (
        "inbox",
        "email",
    )


class MessageOut(BaseModel):
    """A message, and how many people were told so far."""

    message_id: str
    session_id: str = Field(examples=["outreach-street-0520-am"])
    subject: str
    body: str
    to: Addressed
    channels: list[Channel] = Field(max_length=CHANNELS_MAX)
    created_at: datetime
    told: int = Field(description="people for whom it was handed to notifications", examples=[187])
    finished: bool

    @classmethod
    def of(cls, announcement: Announcement) -> "MessageOut":
        return cls(
            message_id=announcement.announcement_id,
            session_id=announcement.session_id,
            subject=announcement.subject,
            body=announcement.body,
            to=announcement.to,
            channels=list(announcement.channels),
            created_at=announcement.created_at,
            told=announcement.told,
            finished=not announcement.unfinished,
        )


class MessagesOut(BaseModel):
    """A page, the latest first; `after` leads to the next one, null on the last."""

    messages: list[MessageOut]
    after: str | None


routes = Routes(tags=["organisers"])


@routes.post(
    "/sessions/{session_id}/messages",
    status_code=202,
    dependencies=[AsOrganiser],
    summary="Write to everybody who is registered for a session now",
)
async def send_message(
    session_id: IdInPath, key: IdempotencyKey, form: Annotated[MessageIn, Body()], announcing: Announcing
) -> MessageOut:
    """
    It is sent in the background, once to each person, into the inbox and by e-mail. Read its progress by GET.

    A repeat with the same key sends nothing again. 404 `session_unknown`; 409 `idempotency_key_reused`,
    `too_many_messages` (more than 50 to one session).
    """
    asked = Announcement(
        announcement_id=announcement_id(session_id, key),
        session_id=session_id,
        subject=form.subject,
        body=form.body,
        channels=tuple(dict.fromkeys(form.channels)),
        to=form.to,
        created_at=clock.now(),
        until=0,
    )
    return MessageOut.of(await announcing.announce(asked))


@routes.get(
    "/sessions/{session_id}/messages",
    dependencies=[AsViewer],
    summary="The messages to a session, and how far they have been sent",
)
async def list_messages(
    session_id: IdInPath, stored: Stored, limit: Limit = PAGE, after: After = None
) -> MessagesOut:
    """The latest first; kept for 400 days."""
    place = place_after(after, datetime, str)
    page, following = await one_page(
        lambda most: stored.page(session_id, place, most),
        limit,
        lambda one: (one.created_at, one.announcement_id),
    )
    return MessagesOut(messages=[MessageOut.of(one) for one in page], after=following)

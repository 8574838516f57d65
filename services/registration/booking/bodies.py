"""What is sent and answered about registrations."""

from datetime import datetime
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel, Field

from services.registration.booking.idempotency import KEY_PATTERN
from services.registration.booking.rules import DecidedStatus, Registration, Status
from services.registration.participants.given_contacts import TypedPhone
from services.registration.participants.rules import District
from services.registration.sessions.rules import Session
from shared.contracts.checked import Code, Email, Id, Name, UnlinkedLine
from shared.contracts.events import Audience, Language, Places, WaitingPolicy
from shared.web.forms import Form

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=KEY_PATTERN,
        description="a new one for each request; the same one if the request is sent again",
        examples=["5f0c7a52-7f0e-4f5e-9d5c-0b8f6c1e3b0e"],
    ),
]


class NewcomerIn(Form):
    """
    Somebody who has no token yet: with an e-mail address or a mobile phone number, not both.

    Name and contact are encrypted immediately. One mailbox or number is one participant: somebody who has
    registered with it before signs in (`POST /sign-ins`).
    """

    name: Name = Field(examples=["李小明"])
    email: Email | None = Field(None, examples=["li@example.org"])
    phone: TypedPhone | None = None
    group_id: Id | None = Field(None, examples=["school-puyang-1"])
    district: District | None = Field(None, examples=["华龙区"])
    audience: Audience = "other"
    language: Language = "zh-CN"


class RegistrationIn(Form):
    """Ask for places. Give `participant` for a newcomer; leave it out if you have a token."""

    session_id: Id = Field(examples=["outreach-street-0520-am"])
    places: Places = 1
    participant: NewcomerIn | None = None


class CancelIn(Form):
    """
    Why an organiser cancels a registration: a code for the log of acts, and words for the participant.

    The words are in an event, and are not encrypted there: write nothing that only the participant may read.
    """

    code: Code = Field(examples=["double_booking"])
    text: UnlinkedLine | None = Field(
        None,
        description="sent to the participant; without web addresses",
        examples=["名额重复"],
    )


class BookingOut(BaseModel):
    """The outcome. A repeat of the request gets the same answer."""

    registration_id: str | None
    participant_id: str
    session_id: str = Field(examples=["outreach-street-0520-am"])
    status: DecidedStatus = Field(description="`offered` only with `already_registered`")
    until: datetime | None = Field(
        None,
        description="when the place or the wait ends, unless you verify your contact or accept the offer",
    )
    position: int | None = Field(None, description="on the waiting list when asked, from 1", examples=[3])
    ticket_code: str | None = Field(None, description="to be shown at the door", examples=["7K3QX-M0R9T"])
    code: str | None = Field(None, description="for programs", examples=["already_registered"])
    reason: str | None = Field(None, description="for people")
    overlaps_with: str | None = Field(
        None, description="the id of your registration for the same time; a warning"
    )
    token: str | None = Field(
        None, description="only for newcomers: the token of the participant; a repeat gets it for 24 hours"
    )


class RegistrationOut(BaseModel):
    """A registration as it is now."""

    registration_id: str
    participant_id: str
    status: Status
    places: int = Field(examples=[1])
    asked_at: datetime
    until: datetime | None = Field(
        None,
        description="when the place or the wait ends, unless you verify your contact or accept the offer",
    )
    position: int | None = Field(
        None, description="on the waiting list now, from 1; on a long list up to 2 seconds ago", examples=[2]
    )
    waiting_policy: WaitingPolicy = Field(description="`strict` or `fill`: who is next on the waiting list")
    ticket_code: str | None = Field(
        None, description="only for its holder; null without a place", examples=["7K3QX-M0R9T"]
    )
    activity_id: str = Field(examples=["outreach-street"])
    activity_title: str = Field(examples=["科普宣传一条街"])
    session_id: str = Field(examples=["outreach-street-0520-am"])
    starts_at: datetime
    venue: str = Field(examples=["市政府综合办公楼广场"])

    @classmethod
    def of(
        cls,
        registration: Registration,
        session: Session,
        *,
        position: int | None = None,
        ticket_code: str | None = None,
    ) -> "RegistrationOut":
        return cls(
            registration_id=registration.registration_id,
            participant_id=registration.participant_id,
            status=registration.status,
            places=registration.places,
            asked_at=registration.asked_at,
            until=registration.held_until,
            position=position,
            waiting_policy=session.waiting_policy,
            ticket_code=ticket_code,
            activity_id=session.activity_id,
            activity_title=session.activity_title,
            session_id=session.session_id,
            starts_at=session.starts_at,
            venue=session.venue,
        )


class RegistrationsOut(BaseModel):
    """A page of your own registrations."""

    registrations: list[RegistrationOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")

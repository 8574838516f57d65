"""What registration's endpoints take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.registration.booking.rules import Status, Verdict
from services.registration.booking.tickets import TICKET_CHARS_MAX
from shared.contracts.checked import Code, Email, Id, Line, MomentIn, Name, Text
from shared.contracts.events import Audience, Language, Places
from shared.web.forms import Form

SESSIONS_MAX = 60
CAPACITY_MAX = 100_000
WAITING_MAX = 10_000
# A newcomer's stands in the token, which has a bounded length.
DISTRICT_CHARS_MAX = 60

District = Annotated[Line, StringConstraints(max_length=DISTRICT_CHARS_MAX)]
Computed = Annotated[
    Any,
    Field(
        json_schema_extra={"readOnly": True},
        description="computed: stands in what is read, and says nothing where it is put",
    ),
]
"""So that what GET answered can be put as it is."""


class SessionIn(Form):
    """A time and place. Without opens_at and closes_at one can register at once, while it lasts."""

    session_id: Id = Field(examples=["outreach-street-0520-am"])
    starts_at: MomentIn = Field(examples=["2023-05-20T09:00:00+08:00"])
    ends_at: MomentIn = Field(examples=["2023-05-20T12:00:00+08:00"])
    venue: Line = Field(examples=["市政府综合办公楼广场"])
    district: Line = Field(examples=["华龙区"])
    capacity: int = Field(ge=1, le=CAPACITY_MAX, description="places", examples=[200])
    waiting_max: int = Field(
        0, ge=0, le=WAITING_MAX, description="registrations that may wait", examples=[20]
    )
    opens_at: MomentIn | None = None
    closes_at: MomentIn | None = None
    free: Computed = None
    waiting: Computed = None
    open: Computed = None
    state: Computed = None
    cancelled_for: Computed = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise PydanticCustomError("session_order", "a session ends after it starts")
        if self.closes_at and self.closes_at > self.ends_at:
            raise PydanticCustomError(
                "session_closes", "registration closes when the session ends, or before"
            )
        if self.opens_at and self.opens_at >= (self.closes_at or self.ends_at):
            raise PydanticCustomError("session_opens", "registration closes after it opens")
        return self


class ActivityIn(Form):
    """One of the week's activities, with all its sessions."""

    activity_id: Id | None = Field(None, description="as in the path, or left out")
    title: Line = Field(examples=["科普宣传一条街"])
    summary: Text = Field("", examples=["科普展板、科学实验和义诊咨询"])
    organiser: Line = Field(examples=["濮阳市科学技术局"])
    kind: Code = Field(examples=["outreach"])
    remarks: Text = Field("", description="a note for whoever reads it", examples=["示例"])
    sessions: Annotated[list[SessionIn], Field(min_length=1, max_length=SESSIONS_MAX)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({session.session_id for session in self.sessions}) < len(self.sessions):
            raise PydanticCustomError("session_twice", "a session_id stands for one session")
        return self


class SessionOut(BaseModel):
    """A session and how full it is. `open`: one can ask for a place now."""

    session_id: str = Field(examples=["outreach-street-0520-am"])
    starts_at: datetime
    ends_at: datetime
    venue: str = Field(examples=["市政府综合办公楼广场"])
    district: str = Field(examples=["华龙区"])
    capacity: int = Field(examples=[200])
    free: int = Field(description="places that nobody holds", examples=[12])
    waiting: int = Field(description="registrations that wait", examples=[0])
    waiting_max: int = Field(examples=[20])
    opens_at: datetime | None
    closes_at: datetime | None
    open: bool
    state: Literal["planned", "cancelled"]
    cancelled_for: str | None = Field(None, description="the organiser's reason code", examples=["weather"])


class ActivityOut(BaseModel):
    """An activity; it can be put as it is."""

    activity_id: str = Field(examples=["outreach-street"])
    title: str = Field(examples=["科普宣传一条街"])
    summary: str
    organiser: str = Field(examples=["濮阳市科学技术局"])
    kind: str = Field(examples=["outreach"])
    remarks: str
    sessions: list[SessionOut]


class ActivitiesOut(BaseModel):
    """A page."""

    activities: list[ActivityOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


class SessionCancelIn(Form):
    """Why a session is cancelled."""

    reason: Code = Field(examples=["weather"])


class ContactIn(Form):
    """Locked on arrival; nobody but notifications can read it again."""

    name: Name = Field(examples=["王老师"])
    email: Email | None = Field(None, examples=["wang@example.org"])


class GroupIn(Form):
    """
    A school, unit or service team.

    Its contact cannot be read back. So where `contact` is left out, it stays as it was; null removes it.
    """

    group_id: Id | None = Field(None, description="as in the path, or left out")
    name: Line = Field(examples=["濮阳市第一中学"])
    kind: Code = Field(description="school, unit, service_team, district …", examples=["school"])
    district: District = Field(examples=["华龙区"])
    language: Language | None = Field(None, description="left out: as it was, zh-CN at first")
    remarks: Text = Field("", description="a note for whoever reads it", examples=["示例"])
    contact: ContactIn | None = None


class GroupOut(BaseModel):
    """A group; it can be put as it is."""

    group_id: str = Field(examples=["school-puyang-1"])
    name: str = Field(examples=["濮阳市第一中学"])
    kind: str = Field(examples=["school"])
    district: str = Field(examples=["华龙区"])
    language: Language
    remarks: str


class GroupsOut(BaseModel):
    """A page."""

    groups: list[GroupOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


class NewcomerIn(Form):
    """Somebody who has no token yet. Name and e-mail are locked on arrival."""

    name: Name = Field(examples=["李小明"])
    email: Email | None = Field(None, examples=["li@example.org"])
    group_id: Id | None = Field(None, examples=["school-puyang-1"])
    district: District | None = Field(None, examples=["华龙区"])
    audience: Audience = "other"
    language: Language = "zh-CN"


class RegistrationIn(Form):
    """Ask for places. `participant` for a newcomer; with a token it is left out."""

    session_id: Id = Field(examples=["outreach-street-0520-am"])
    places: Places = 1
    participant: NewcomerIn | None = None


class BookingOut(BaseModel):
    """The outcome; a repeat of the request is answered with the same."""

    registration_id: str | None
    participant_id: str
    session_id: str = Field(examples=["outreach-street-0520-am"])
    status: Verdict
    position: int | None = Field(None, description="on the waiting list when asked, from 1", examples=[3])
    ticket_code: str | None = Field(None, description="to be shown at the door", examples=["7K3QX-M0R9T"])
    code: str | None = Field(None, description="for programs", examples=["already_registered"])
    reason: str | None = Field(None, description="for people")
    token: str | None = Field(
        None, description="a newcomer's: speaks for the participant from now on; given for 24 hours"
    )


class RegistrationOut(BaseModel):
    """One's own registration as it is now."""

    registration_id: str
    participant_id: str
    status: Status
    places: int = Field(examples=[1])
    asked_at: datetime
    position: int | None = Field(None, description="on the waiting list now, from 1", examples=[2])
    ticket_code: str | None = Field(
        None, description="to its holder alone, while there is one", examples=["7K3QX-M0R9T"]
    )
    activity_id: str = Field(examples=["outreach-street"])
    activity_title: str = Field(examples=["科普宣传一条街"])
    session_id: str = Field(examples=["outreach-street-0520-am"])
    starts_at: datetime
    venue: str = Field(examples=["市政府综合办公楼广场"])


class RegistrationsOut(BaseModel):
    """A page of one's own registrations."""

    registrations: list[RegistrationOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


class TicketIn(Form):
    ticket_code: Annotated[str, StringConstraints(min_length=1, max_length=TICKET_CHARS_MAX)] = Field(
        examples=["7K3QX-M0R9T"]
    )


class CheckInOut(BaseModel):
    """Who came in. `already`: the ticket was shown before."""

    already: bool
    registration: RegistrationOut


class ErasedOut(BaseModel):
    participant_id: str
    erased_at: datetime

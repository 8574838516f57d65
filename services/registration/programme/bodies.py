"""The bodies of requests and answers about activities and sessions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from services.registration.programme.rules import Activity, CancelReason, wrong_times
from services.registration.sessions.rules import Session
from shared.contracts.checked import Code, Id, Line, MomentIn, Text, UnlinkedLine
from shared.contracts.events import PLACES_MAX, Admits, Overlap, WaitingPolicy
from shared.runtime import clock
from shared.web.forms import Computed, Form

SESSIONS_MAX = 60
# Sessions of one page of activities. An answer of thousands would keep everybody waiting while it is made.
SESSIONS_SHOWN_MAX = 300
CAPACITY_MAX = 100_000
WAITING_MAX = 10_000
OFFER_MINUTES_MIN = 5
OFFER_MINUTES_MAX = 7 * 24 * 60

ADMITS = (
    "`anyone`; `verified`: people who have verified an e-mail address or a phone number; `roster`: members of"
    " a roster, and those whom a school, unit, organiser or another system registers"
)
WAITING_POLICY = (
    "`strict`: nobody on the waiting list overtakes anybody; `fill`: a request that fits takes places that"
    " the head of the list cannot use, at most as many past one head as this wants itself"
)
OFFERS = (
    "a place from the waiting list is offered for so long, and has to be accepted; null: it is given at once"
)
CONSENT = "a school or organisation books a minor only with a guardian's consent"
OVERLAP = (
    "what happens to somebody who is registered for the same time elsewhere: `warn` names that registration,"
    " `refuse` refuses, `allow` ignores it"
)


class SessionIn(Form):
    """A time and venue. Without opens_at and closes_at, registration is open from now until the end."""

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
    admits: Admits = Field("anyone", description=ADMITS)
    places_per_person_max: int | None = Field(
        None, ge=1, le=PLACES_MAX, description="null: 5; a school, unit or service team may have more"
    )
    waiting_policy: WaitingPolicy = Field("strict", description=WAITING_POLICY)
    offer_minutes: int | None = Field(None, ge=OFFER_MINUTES_MIN, le=OFFER_MINUTES_MAX, description=OFFERS)
    overlap: Overlap = Field("warn", description=OVERLAP)
    minors_need_consent: bool = Field(False, description=CONSENT)
    draft: bool = Field(False, description="only organisers see it, and nobody can register")
    reminders: bool = Field(
        True, description="its people get a message the day before, an hour before, and thanks afterwards"
    )
    feedback: Line | None = Field(
        None,
        description="where those who came can say how it was; part of the thanks",
        examples=["https://example.org/feedback"],
    )
    free: Computed = None
    waiting: Computed = None
    open: Computed = None
    state: Computed = None
    cancelled_for: Computed = None
    cancelled_text: Computed = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        wrong = wrong_times(self.starts_at, self.ends_at, self.opens_at, self.closes_at)
        errors = [InitErrorDetails(type=error, loc=(field,), input=None) for field, error in wrong]
        if errors:
            # Each wrong field by its name. A plain error would name the session only.
            raise ValidationError.from_exception_data("session", errors)
        return self


class ActivityIn(Form):
    """One of the week's activities, with all its sessions."""

    activity_id: Id | None = Field(None, description="as in the path, or left out")
    title: Line = Field(examples=["科普宣传一条街"])
    summary: Text = Field("", examples=["科普展板、科学实验和义诊咨询"])
    organiser: Line = Field(examples=["濮阳市科学技术局"])
    kind: Code = Field(examples=["outreach"])
    remarks: Text = Field("", description="a note for readers", examples=["示例"])
    draft: bool = Field(False, description="only organisers see it, and nobody can register")
    sessions: Annotated[list[SessionIn], Field(min_length=1, max_length=SESSIONS_MAX)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({session.session_id for session in self.sessions}) < len(self.sessions):
            raise PydanticCustomError("session_twice", "a session_id stands for one session")
        return self


class SessionCancelIn(Form):
    """Why a session is cancelled: a code for programs, and words for the people who had registered."""

    reason: Code = Field(examples=["weather"])
    text: UnlinkedLine | None = Field(
        None,
        description="sent to everybody concerned; without web addresses",
        examples=["因大雨取消，感谢理解"],
    )

    @property
    def as_reason(self) -> CancelReason:
        return CancelReason(self.reason, self.text)


class SessionOut(BaseModel):
    """A session and how full it is. `open`: one can ask for a place now."""

    session_id: str = Field(examples=["outreach-street-0520-am"])
    starts_at: datetime
    ends_at: datetime
    venue: str = Field(examples=["市政府综合办公楼广场"])
    district: str = Field(examples=["华龙区"])
    capacity: int = Field(examples=[200])
    free: int = Field(description="free places", examples=[12])
    waiting: int = Field(description="registrations that wait", examples=[0])
    waiting_max: int = Field(examples=[20])
    opens_at: datetime | None
    closes_at: datetime | None
    admits: Admits = Field(description=ADMITS)
    places_per_person_max: int | None = Field(description="null: 5; a school, unit or team may have more")
    waiting_policy: WaitingPolicy = Field(description=WAITING_POLICY)
    offer_minutes: int | None = Field(description=OFFERS)
    overlap: Overlap = Field(description=OVERLAP)
    minors_need_consent: bool = Field(description=CONSENT)
    open: bool
    state: Literal["planned", "cancelled"]
    cancelled_for: str | None = Field(None, description="the organiser's reason code", examples=["weather"])
    cancelled_text: str | None = Field(None, description="the reason in the organiser's words")
    draft: bool = Field(False, description="only organisers see it")
    reminders: bool = True
    feedback: str | None = None

    @classmethod
    def of(cls, session: Session) -> "SessionOut":
        return cls(
            session_id=session.session_id,
            starts_at=session.starts_at,
            ends_at=session.ends_at,
            venue=session.venue,
            district=session.district,
            capacity=session.capacity,
            free=session.free,
            waiting=session.waiting,
            waiting_max=session.waiting_max,
            opens_at=session.opens_at,
            closes_at=session.closes_at,
            admits=session.admits,
            places_per_person_max=session.places_per_person_max,
            waiting_policy=session.waiting_policy,
            offer_minutes=session.offer_minutes,
            overlap=session.overlap,
            minors_need_consent=session.minors_need_consent,
            open=session.is_open(clock.now()),
            state="planned" if session.cancelled is None else "cancelled",
            cancelled_for=session.cancelled,
            cancelled_text=session.cancelled_text,
            draft=session.draft,
            reminders=session.reminders,
            feedback=session.feedback,
        )


class ActivityOut(BaseModel):
    """An activity. An organiser can PUT it unchanged."""

    activity_id: str = Field(examples=["outreach-street"])
    title: str = Field(examples=["科普宣传一条街"])
    summary: str
    organiser: str = Field(examples=["濮阳市科学技术局"])
    kind: str = Field(examples=["outreach"])
    remarks: str
    draft: bool = Field(False, description="only organisers see it")
    sessions: list[SessionOut] = Field(max_length=SESSIONS_MAX)

    @classmethod
    def of(cls, activity: Activity, sessions: Iterable[Session]) -> "ActivityOut":
        """An activity with its sessions."""
        return cls(
            draft=activity.draft,
            activity_id=activity.activity_id,
            title=activity.title,
            summary=activity.summary,
            organiser=activity.organiser,
            kind=activity.kind,
            remarks=activity.remarks,
            sessions=[SessionOut.of(one) for one in sessions],
        )


class ActivitiesOut(BaseModel):
    """A page."""

    activities: list[ActivityOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


def how_many_fit(sessions: Iterable[int]) -> int:
    """
    How many of the first activities fit one page.

    Args:
        sessions: how many each activity has. One alone always fits.
    """
    fitting = shown = 0
    for count in sessions:
        shown += count
        if fitting and shown > SESSIONS_SHOWN_MAX:
            break
        fitting += 1
    return fitting

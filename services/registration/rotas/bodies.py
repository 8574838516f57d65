"""What is sent and answered about shifts and rotas."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from services.registration.rotas.rules import (
    PEOPLE_MAX,
    SHIFT_TIME_MAX,
    SHIFTS_MAX,
    Assignment,
    Rota,
    Shift,
    Status,
)
from services.registration.sessions.rules import Session
from shared.contracts.checked import Code, Id, Line, MomentIn, UnlinkedLine
from shared.web.forms import Computed, Form

OVERLAPS = "a warning: the id of a registration with a place, or of another assignment, for the same time"


class ShiftIn(Form):
    """A duty at a session, for a time near it."""

    shift_id: Id | None = Field(None, description="as in the path, or left out")
    duty: Line = Field(examples=["讲解员"])
    starts_at: MomentIn = Field(examples=["2023-05-20T08:30:00+08:00"])
    ends_at: MomentIn = Field(examples=["2023-05-20T12:30:00+08:00"])
    needed: int = Field(1, ge=0, le=PEOPLE_MAX, description="so many people at least", examples=[2])
    most: int = Field(ge=1, le=PEOPLE_MAX, description="so many people at most", examples=[4])
    assigned: Computed = None
    volunteered: Computed = None
    lacking: Computed = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise PydanticCustomError("shift_order", "a shift ends after it starts")
        if self.ends_at - self.starts_at > SHIFT_TIME_MAX:
            hours = SHIFT_TIME_MAX // timedelta(hours=1)
            raise PydanticCustomError(
                "shift_too_long", "a shift takes {hours} hours at the most", {"hours": hours}
            )
        if self.needed > self.most:
            raise PydanticCustomError("needed_above_most", "no more people are needed than a shift may have")
        return self


class ShiftOut(BaseModel):
    """A shift, and how many people it has."""

    shift_id: str = Field(examples=["guide-am"])
    duty: str = Field(examples=["讲解员"])
    starts_at: datetime
    ends_at: datetime
    needed: int = Field(description="so many people at least", examples=[2])
    most: int = Field(description="so many people at most", examples=[4])
    assigned: int = Field(description="people on the rota", examples=[1])
    volunteered: int = Field(description="people for whom an organiser has not decided yet", examples=[3])
    lacking: int = Field(description="people who are still needed", examples=[1])

    @classmethod
    def of(cls, shift: Shift) -> "ShiftOut":
        return cls(
            shift_id=shift.shift_id,
            duty=shift.duty,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            needed=shift.needed,
            most=shift.most,
            assigned=shift.assigned,
            volunteered=shift.volunteered,
            lacking=shift.lacking,
        )


class ShiftsOut(BaseModel):
    """All shifts of a session, the earliest first."""

    session_id: str = Field(examples=["outreach-street-0520-am"])
    shifts: list[ShiftOut] = Field(max_length=SHIFTS_MAX)


class LackingOut(BaseModel):
    """The shifts of a session that still need people, and are not over."""

    session_id: str = Field(examples=["outreach-street-0520-am"])
    activity_title: str = Field(examples=["科普宣传一条街"])
    venue: str = Field(examples=["市政府综合办公楼广场"])
    shifts: list[ShiftOut] = Field(max_length=SHIFTS_MAX)

    @classmethod
    def of(cls, rota: Rota, session: Session, shifts: Sequence[Shift]) -> "LackingOut":
        return cls(
            session_id=rota.session_id,
            activity_title=session.activity_title,
            venue=session.venue,
            shifts=[ShiftOut.of(shift) for shift in shifts],
        )


class AllLackingOut(BaseModel):
    """A page; a page before the last one may be short, or empty."""

    sessions: list[LackingOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


class AssignIn(Form):
    """Whom an organiser puts on the rota, at which shift."""

    shift_id: Id = Field(examples=["guide-am"])
    participant_id: Id = Field(examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])


class VolunteerIn(Form):
    """The shift that you would take."""

    session_id: Id = Field(examples=["outreach-street-0520-am"])
    shift_id: Id = Field(examples=["guide-am"])


class EndIn(Form):
    """
    Why an organiser declines or removes somebody: a code for the log of acts, and words for the participant.

    The words travel in an event as they are: write nothing that only the participant may read.
    """

    code: Code = Field(examples=["enough_people"])
    text: UnlinkedLine | None = Field(
        None, description="sent to the participant; without web addresses", examples=["人手已够，感谢报名"]
    )


class AssignmentOut(BaseModel):
    """Somebody on a rota, or who has volunteered, or who was on it; without a name."""

    assignment_id: str
    participant_id: str
    session_id: str = Field(examples=["outreach-street-0520-am"])
    shift_id: str = Field(examples=["guide-am"])
    status: Status
    code: str | None = Field(description="why it has ended", examples=["withdrawn"])
    number: int = Field(description="in the session, in the order of asking", examples=[7])
    asked_at: datetime
    overlaps_with: str | None = Field(None, description=OVERLAPS)

    @classmethod
    def of(cls, one: Assignment, overlaps: Mapping[str, str]) -> "AssignmentOut":
        return cls(
            assignment_id=one.assignment_id,
            participant_id=one.participant_id,
            session_id=one.session_id,
            shift_id=one.shift_id,
            status=one.status,
            code=one.code,
            number=one.number,
            asked_at=one.asked_at,
            overlaps_with=overlaps.get(one.assignment_id),
        )


class RotaOut(BaseModel):
    """A page of the people of a session, in the order of asking."""

    assignments: list[AssignmentOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


class OwnShiftOut(BaseModel):
    """One of your own shifts, as it is now."""

    assignment_id: str
    status: Status = Field(description="`volunteered`: an organiser has not decided yet")
    code: str | None = Field(description="why it has ended", examples=["declined"])
    asked_at: datetime
    activity_id: str = Field(examples=["outreach-street"])
    activity_title: str = Field(examples=["科普宣传一条街"])
    session_id: str = Field(examples=["outreach-street-0520-am"])
    shift_id: str = Field(examples=["guide-am"])
    duty: str | None = Field(description="null if there is no such shift any more", examples=["讲解员"])
    starts_at: datetime
    ends_at: datetime
    venue: str = Field(examples=["市政府综合办公楼广场"])
    overlaps_with: str | None = Field(None, description=OVERLAPS)

    @classmethod
    def of(
        cls, one: Assignment, shift: Shift | None, session: Session, overlaps: Mapping[str, str]
    ) -> "OwnShiftOut":
        """Args: shift: None if it was cancelled; then the time is the one that the participant knows."""
        return cls(
            assignment_id=one.assignment_id,
            status=one.status,
            code=one.code,
            asked_at=one.asked_at,
            activity_id=session.activity_id,
            activity_title=session.activity_title,
            session_id=one.session_id,
            shift_id=one.shift_id,
            duty=shift.duty if shift else None,
            starts_at=shift.starts_at if shift else one.told_starts_at,
            ends_at=shift.ends_at if shift else one.told_ends_at,
            venue=session.venue,
            overlaps_with=overlaps.get(one.assignment_id),
        )


class OwnShiftsOut(BaseModel):
    """A page of your own shifts, the latest first."""

    shifts: list[OwnShiftOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")

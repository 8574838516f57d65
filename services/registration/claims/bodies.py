"""What is sent and answered about claims."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from services.registration.booking.rules import Registration
from services.registration.claims.issue import Issued
from services.registration.claims.rules import CODES_A_REQUEST_MAX
from services.registration.participants.codes import CODE_CHARS_MAX
from services.registration.rosters.store import MEMBERSHIPS_MAX
from services.registration.sessions.rules import Session
from shared.contracts.checked import ID_PATTERN, Id
from shared.web.forms import Form

MemberId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class CodesIn(Form):
    """The members whose codes are wanted, such as a class."""

    member_ids: list[MemberId] = Field(min_length=1, max_length=CODES_A_REQUEST_MAX)
    renew: bool = Field(
        False, description="true: other codes, such as for a paper that was lost; the former ones end"
    )


class CodeOut(BaseModel):
    """A member's code, to hand out on paper."""

    member_id: str
    claim_code: str | None = Field(
        description="null: the member has claimed, is somebody already, or signs in with the roster's e-mail",
        examples=["7K3QX5-M0R9TW"],
    )
    expires_at: datetime | None

    @classmethod
    def of(cls, issued: Issued) -> "CodeOut":
        return cls(member_id=issued.member_id, claim_code=issued.code, expires_at=issued.expires_at)


class CodesOut(BaseModel):
    """In the order in which the members were named."""

    codes: list[CodeOut] = Field(max_length=CODES_A_REQUEST_MAX)


class ClaimIn(Form):
    """A code from paper, as somebody types it."""

    group_id: Id = Field(examples=["school-puyang-1"])
    claim_code: str = Field(min_length=1, max_length=CODE_CHARS_MAX, examples=["7k3qx5 m0r9tw"])


class MembershipOut(BaseModel):
    """Somebody is a member of this group."""

    member_id: str
    group_id: str
    group_name: str = Field(examples=["濮阳市第一中学"])


class ClaimedOut(MembershipOut):
    """The membership, and a token that says it."""

    participant_id: str
    token: str


class MembershipsOut(BaseModel):
    """All of them."""

    memberships: list[MembershipOut] = Field(max_length=MEMBERSHIPS_MAX)


class AttendanceOut(BaseModel):
    """A registration of a group for which this member is named. The group has the ticket."""

    registration_id: str
    group_id: str
    member_id: str
    session_id: str
    activity_title: str
    starts_at: datetime
    ends_at: datetime
    venue: str
    status: str = Field(examples=["confirmed"])

    @classmethod
    def of(cls, registration: Registration, session: Session, member_id: str) -> "AttendanceOut":
        return cls(
            registration_id=registration.registration_id,
            group_id=registration.participant_id,
            member_id=member_id,
            session_id=session.session_id,
            activity_title=session.activity_title,
            starts_at=session.starts_at,
            ends_at=session.ends_at,
            venue=session.venue,
            status=registration.status,
        )


class AttendancesOut(BaseModel):
    """A page."""

    attendances: list[AttendanceOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")

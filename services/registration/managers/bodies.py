"""What is sent and answered about managers and applications."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.registration.managers.codes import CODE_PATTERN
from services.registration.managers.rules import (
    MANAGERS_MAX,
    OWN_GROUPS_MAX,
    Application,
    ApplicationStatus,
    Grant,
)
from services.registration.participants.rules import District, Group
from shared.contracts.checked import Code, Email, Id, Name, PersonalLine, Text, UnlinkedLine, Version
from shared.contracts.events import Language
from shared.web.forms import Form


class BodyContactIn(Form):
    """Encrypted immediately; only notifications can read it."""

    name: Name = Field(examples=["王老师"])
    email: Email | None = Field(None, examples=["wang@example.org"])


class ApplicationIn(Form):
    """A school, unit or service team that wants to take part."""

    name: UnlinkedLine = Field(examples=["濮阳市第一中学"])
    kind: Code = Field(description="school, unit, service_team …", examples=["school"])
    district: District = Field(examples=["华龙区"])
    language: Language = "zh-CN"
    contact: BodyContactIn | None = None


class ApplicationOut(BaseModel):
    """An application as it is now. The contact cannot be read back."""

    application_id: str
    participant_id: str
    name: str = Field(examples=["濮阳市第一中学"])
    kind: str = Field(examples=["school"])
    district: str = Field(examples=["华龙区"])
    language: Language
    asked_at: datetime
    version: int = Field(description="rises when the applicant changes it; an approval names it")
    changed_at: datetime | None = Field(None, description="when the applicant has changed it last")
    contact_given: bool = Field(
        description="whether it has a contact for the group; false once it is decided"
    )
    status: ApplicationStatus
    group_id: str | None = Field(None, description="once it is approved", examples=["school-puyang-1"])
    reason: str | None = Field(None, description="of a refusal")

    @classmethod
    def of(cls, application: Application) -> "ApplicationOut":
        return cls(
            application_id=application.application_id,
            participant_id=application.participant_id,
            name=application.name,
            kind=application.kind,
            district=application.district,
            language=application.language,
            asked_at=application.asked_at,
            version=application.version,
            changed_at=application.changed_at,
            contact_given=application.contact_locked is not None,
            status=application.status,
            group_id=application.group_id,
            reason=application.reason,
        )


class ApplicationsOut(BaseModel):
    """A page."""

    applications: list[ApplicationOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


class ApprovalIn(Form):
    """Under which id the group takes part, and what was looked at."""

    version: Version = Field(description="of the application as you have read it", examples=[1])

    group_id: Id = Field(examples=["school-puyang-1"])
    existing: bool = Field(
        False, description="true: the group is there already, and stays as it is; the applicant manages it"
    )


class RefusalIn(Form):
    """Why not; the applicant is told."""

    reason: PersonalLine = Field(examples=["同名学校已登记，请联系该校管理员"])
    version: Version | None = Field(
        None, description="of the application as you have read it; left out: whatever it says now"
    )


class InvitationOut(BaseModel):
    """The code is shown only here: hand it to the manager."""

    group_id: str
    invitation_code: str
    expires_at: datetime


class AcceptanceIn(Form):
    """The code of an invitation."""

    invitation_code: str = Field(pattern=CODE_PATTERN)


class ManagerOut(BaseModel):
    """A participant who manages a group."""

    group_id: str
    participant_id: str
    since: datetime

    @classmethod
    def of(cls, grant: Grant) -> "ManagerOut":
        return cls(group_id=grant.group_id, participant_id=grant.participant_id, since=grant.since)


class ManagersOut(BaseModel):
    """All managers of a group, or all groups of a manager."""

    managers: list[ManagerOut] = Field(max_length=max(MANAGERS_MAX, OWN_GROUPS_MAX))


class DetailsIn(Form):
    """
    What a manager may change of the own group.

    Without `contact`, the contact stays as it was; null removes it.
    """

    name: UnlinkedLine = Field(examples=["濮阳市第一中学"])
    district: District = Field(examples=["华龙区"])
    language: Language | None = Field(None, description="left out: as it was")
    remarks: Text = ""
    contact: BodyContactIn | None = None


class DetailsOut(BaseModel):
    """What a manager can change of the own group; `PUT` accepts it without a change."""

    name: str = Field(examples=["濮阳市第一中学"])
    district: str = Field(examples=["华龙区"])
    language: Language
    remarks: str

    @classmethod
    def of(cls, group: Group) -> "DetailsOut":
        return cls(name=group.name, district=group.district, language=group.language, remarks=group.remarks)

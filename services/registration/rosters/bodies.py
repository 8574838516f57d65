"""What is sent and answered about rosters."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.registration.rosters.check_lines import Department, Number
from services.registration.rosters.rules import (
    COLUMNS_MAX,
    FAULTS_KEPT,
    Details,
    Import,
    ImportStatus,
    LineFault,
    Member,
)
from services.registration.rosters.wording import LINES
from shared.contracts.checked import Email, Name
from shared.contracts.events import Audience
from shared.web.forms import Computed, Form
from shared.web.wording import Language, field_words, field_wrong, filled


class MemberIn(Form):
    """A member of the group. Everything is encrypted immediately."""

    name: Name = Field(examples=["李小明"])
    department: Department | None = Field(None, examples=["七年级1班"])
    number: Number | None = Field(None, description="tells members of the same name apart", examples=["12"])
    email: Email | None = Field(None, examples=["li@example.org"])
    audience: Audience = "other"
    is_minor: bool = False

    def details(self) -> Details:
        return Details(**{name: getattr(self, name) for name in Details.__struct_fields__})


class MemberPutIn(MemberIn):
    """A member as it is read, with what is corrected."""

    member_id: Computed = None
    participant_id: Computed = None
    claimed: Computed = None
    state: Computed = None
    left_at: Computed = None


class MemberOut(BaseModel):
    """A member, as the group's managers see one."""

    member_id: str
    participant_id: str | None = Field(description="null for somebody who took part before, with this e-mail")
    name: str | None = Field(description="null once the participant is erased", examples=["李小明"])
    department: str | None = Field(examples=["七年级1班"])
    number: str | None = Field(examples=["12"])
    email: str | None = Field(examples=["li@example.org"])
    audience: Audience
    is_minor: bool
    claimed: bool = Field(description="somebody has shown to be this member, by the e-mail or by a code")
    state: Literal["member", "left"] = Field(
        description="left: the person has left your group, and is no member any more"
    )
    left_at: datetime | None = None

    @classmethod
    def of(cls, member: Member, details: Details | None, *, is_verified: bool) -> "MemberOut":
        return cls(
            member_id=member.member_id,
            # Who knows an address must not learn from it which participant that is.
            participant_id=None if member.was_known else member.participant_id,
            name=details.name if details else None,
            department=details.department if details else None,
            number=details.number if details else None,
            email=details.email if details else None,
            audience=member.audience,
            is_minor=member.is_minor,
            claimed=is_verified or member.claimed_at is not None,
            state="member" if member.left_at is None else "left",
            left_at=member.left_at,
        )


class MembersOut(BaseModel):
    """A page."""

    members: list[MemberOut]
    after: str | None = Field(None, description="where the next page begins; null on the last one")


class LineFaultOut(BaseModel):
    """What is wrong with a line of the file; never what stands there."""

    line: int = Field(description="as a spreadsheet counts, from 1 with the heading", examples=[18])
    column: str | None = Field(description="the heading; null: the whole line", examples=["邮箱"])
    code: str = Field(description="for programs", examples=["email"])
    message: str = Field(description="for people", examples=["不是有效的电子邮箱地址"])

    @classmethod
    def of(cls, fault: LineFault, language: Language) -> "LineFaultOut":
        ours = LINES.get(fault.code)
        words = filled(ours[language == "zh-CN"], fault.values) if ours else None
        words = words or field_words(fault.code, fault.values, language) or field_wrong(language)
        return cls(line=fault.line, column=fault.column, code=fault.code, message=words)


class ImportOut(BaseModel):
    """A file that was uploaded: first its preview, then what became of it."""

    import_id: str
    group_id: str
    status: ImportStatus = Field(
        description="previewed: nothing is imported; confirmed: it will be; importing; imported; failed"
    )
    uploaded_at: datetime
    expires_at: datetime | None = Field(description="of a preview: until then it can be confirmed")
    lines: int = Field(description="without the heading and empty lines", examples=[1200])
    bad_lines: int = Field(examples=[17])
    added: int = Field(description="members who are new; from the import on, so far", examples=[1183])
    changed: int
    unchanged: int
    ignored_columns: list[str] = Field(description="headings that nobody knows here", max_length=COLUMNS_MAX)
    faults: list[LineFaultOut] = Field(
        description=f"bad cells in the order of the lines, the first {FAULTS_KEPT}", max_length=FAULTS_KEPT
    )
    faults_count: int = Field(description="how many bad cells there are", examples=[17])
    code: str | None = Field(None, description="why it failed, for programs")

    @classmethod
    def of(cls, one: Import, language: Language) -> "ImportOut":
        return cls(
            import_id=one.import_id,
            group_id=one.group_id,
            status=one.status,
            uploaded_at=one.uploaded_at,
            expires_at=one.expires_at,
            lines=one.lines,
            bad_lines=one.bad_lines,
            added=one.added,
            changed=one.changed,
            unchanged=one.unchanged,
            ignored_columns=one.ignored,
            faults=[LineFaultOut.of(fault, language) for fault in one.faults],
            faults_count=one.faults_count,
            code=one.code,
        )


class ConfirmationIn(Form):
    """What becomes of bad lines."""

    skip_bad_lines: bool = Field(False, description="import the good lines although others are bad")

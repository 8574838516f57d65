"""What is sent and answered about oneself and about sign-ins."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from services.registration.participants.codes import CODE_CHARS_MAX
from services.registration.participants.given_contacts import PHONE_REGIONS_MAX, TypedPhone
from services.registration.participants.rules import District, Participant
from services.registration.sign_ins.change import Self
from shared.contracts.checked import Email, Id, Name
from shared.contracts.events import Audience, Language, ParticipantKind
from shared.web.forms import Form


class ContactsOut(BaseModel):
    """Besides e-mail addresses."""

    phone_regions: list[str] = Field(
        max_length=PHONE_REGIONS_MAX,
        description="whose mobile phone numbers can be given, too; empty: none",
        examples=[["CN"]],
    )


class SignInIn(Form):
    """
    An e-mail address or a mobile phone number. Whoever reads what is sent there gets the participant's token.
    """

    email: Email | None = Field(None, examples=["li@example.org"])
    phone: TypedPhone | None = None


class SignInOut(BaseModel):
    """The same whether anybody has registered with the contact or not."""

    sign_in_id: str
    expires_at: datetime = Field(description="then begin again")
    tries: int = Field(description="how many codes may be given", examples=[5])


class CodeIn(Form):
    """The code from the mail or SMS. Case, width, spaces, dashes and look-alike letters do not matter."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=CODE_CHARS_MAX)] = Field(
        examples=["7K3Q-M0R9"]
    )


class TokenOut(BaseModel):
    """Who one is, and the token that shows it."""

    participant_id: str
    verified: bool = Field(description="whether the contact is verified")
    token: str

    @classmethod
    def of(cls, participant: Participant, token: str) -> "TokenOut":
        return cls(participant_id=participant.participant_id, verified=participant.is_verified, token=token)


class MeIn(Form):
    """
    What is left out stays. A new contact takes effect when it is verified by its code.

    A phone number takes the place of an e-mail address, and the other way round.
    """

    name: Name | None = Field(None, examples=["李小明"])
    email: Email | None = Field(None, examples=["li@example.org"])
    phone: TypedPhone | None = None
    group_id: Id | None = Field(None, description="null: no group", examples=["school-puyang-1"])
    district: District | None = Field(None, description="null: none", examples=["华龙区"])
    audience: Audience = "other"
    language: Language = "zh-CN"


class MeOut(BaseModel):
    """One's own data."""

    participant_id: str
    kind: ParticipantKind
    verified: bool = Field(description="whether the contact is verified")
    name: str | None = Field(description="null: it cannot be read here", examples=["李小明"])
    email: str | None = Field(
        description="null: there is none, or it cannot be read here", examples=["li@example.org"]
    )
    phone: str | None = Field(
        None, description="null: there is none, or it cannot be read here", examples=["+8613800138000"]
    )
    group_id: str | None
    district: str | None
    audience: Audience
    language: Language

    @classmethod
    def of(cls, me: Self) -> "MeOut":
        return cls(**_fields(me))


class MeChangedOut(MeOut):
    """
    One's own data after the change, and a token for them.

    `sign_in_id`: the code for a new contact was sent there, and is given back by this sign-in.
    """

    token: str
    sign_in_id: str | None = None

    @classmethod
    def after(cls, me: Self, token: str) -> "MeChangedOut":
        return cls(**_fields(me), token=token, sign_in_id=me.sign_in.sign_in_id if me.sign_in else None)


def _fields(me: Self) -> dict[str, object]:
    profile = me.profile
    return {
        "participant_id": me.participant.participant_id,
        "kind": profile.kind,
        "verified": me.participant.has_verified_contact,
        "name": me.contact.name if me.contact else None,
        "email": me.contact.email if me.contact else None,
        "phone": me.contact.phone if me.contact else None,
        "group_id": profile.group_id,
        "district": profile.district,
        "audience": profile.audience,
        "language": profile.language,
    }

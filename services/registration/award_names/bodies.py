"""What is sent and answered about names on awards."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from services.registration.award_names.choose import Wish
from services.registration.award_names.rules import (
    ADDRESS_PHONE_CHARS_MAX,
    POSTAL_CODE_CHARS_MAX,
    RECIPIENT_CHARS_MAX,
    REGION_CHARS_MAX,
    Address,
    Chosen,
)
from shared.contracts.checked import Name, PersonalLine
from shared.contracts.events import NameShown
from shared.web.forms import Form

Recipient = Annotated[PersonalLine, StringConstraints(max_length=RECIPIENT_CHARS_MAX)]
AddressPhone = Annotated[PersonalLine, StringConstraints(max_length=ADDRESS_PHONE_CHARS_MAX)]
Region = Annotated[PersonalLine, StringConstraints(max_length=REGION_CHARS_MAX)]
PostalCode = Annotated[PersonalLine, StringConstraints(max_length=POSTAL_CODE_CHARS_MAX)]


class AddressIn(Form):
    """Where a prize is sent. Encrypted immediately; only awards can read it."""

    recipient: Recipient = Field(examples=["李小明"])
    phone: AddressPhone = Field(examples=["138 0013 8000"])
    region: Region = Field(description="province, city and district", examples=["河南省濮阳市华龙区"])
    street: PersonalLine = Field(examples=["建设路1号"])
    postal_code: PostalCode | None = Field(None, examples=["457000"])


class AwardNameIn(Form):
    """What is left out or null is as at first: no other spelling, no address."""

    shown: NameShown | None = Field(
        None, description="on awards; at first the names of people are masked, and groups' are shown in full"
    )
    spelling: Name | None = Field(
        None, description="the name as it shall stand on awards, if it is another one", examples=["李晓明"]
    )
    address: AddressIn | None = None

    def wish(self) -> Wish:
        return Wish(self.shown, self.spelling, _address(self.address))


class AwardNameOfOtherIn(AwardNameIn):
    """What is left out stays; null is as at first."""

    def wish(self) -> Wish:
        return Wish(self.shown, self.spelling, _address(self.address), frozenset(self.model_fields_set))


class AddressOut(BaseModel):
    recipient: str
    phone: str
    region: str
    street: str
    postal_code: str | None


class AwardNameOut(BaseModel):
    """One's own choice; `PUT` accepts it without a change."""

    shown: NameShown
    spelling: str | None = Field(examples=["李晓明"])
    address: AddressOut | None

    @classmethod
    def of(cls, chosen: Chosen) -> "AwardNameOut":
        at = chosen.address
        return cls(
            shown=chosen.shown,
            spelling=chosen.spelling,
            address=AddressOut(
                recipient=at.recipient,
                phone=at.phone,
                region=at.region,
                street=at.street,
                postal_code=at.postal_code,
            )
            if at
            else None,
        )


class AwardNameOfOtherOut(BaseModel):
    """What was chosen for somebody else, without the words."""

    shown: NameShown
    has_spelling: bool
    has_address: bool

    @classmethod
    def of(cls, chosen: Chosen) -> "AwardNameOfOtherOut":
        return cls(
            shown=chosen.shown,
            has_spelling=chosen.spelling is not None,
            has_address=chosen.address is not None,
        )


def _address(given: AddressIn | None) -> Address | None:
    if given is None:
        return None
    return Address(given.recipient, given.phone, given.region, given.street, given.postal_code)

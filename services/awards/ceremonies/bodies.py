"""Bodies of ceremonies, scripts and what was handed over."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.awards.ceremonies.rules import (
    AWARDS_MAX,
    CODES_MAX,
    GROUP_MAX,
    PROXIES_MAX,
    Attendance,
    Call,
    Handed,
    Proxy,
)
from services.awards.ceremonies.script import Script
from services.awards.issued.codes import CODE_CHARS_MAX
from services.awards.issued.rules import Award
from shared.web.forms import Form

Code = Annotated[str, Field(max_length=CODE_CHARS_MAX)]


class CodesIn(Form):
    """Awards by their codes, as people type them."""

    award_codes: Annotated[tuple[Code, ...], Field(min_length=1, max_length=CODES_MAX)] = Field(
        examples=[["KW-7Q2MA-X4D0P"]]
    )


class ProxyOut(BaseModel):
    recipient_id: str
    receiver_id: str | None
    receiver_name: str | None
    reason: str | None

    @classmethod
    def of(cls, recipient_id: str, proxy: Proxy) -> "ProxyOut":
        return cls(recipient_id=recipient_id, **proxy.model_dump())


class ProxiesOut(BaseModel):
    """All proxies of a ceremony, by recipient."""

    proxies: list[ProxyOut] = Field(max_length=PROXIES_MAX)


class HallLinkOut(BaseModel):
    """The code is shown only here: open `https://…/hall/CODE` on the computer of the hall."""

    hall_code: str
    expires_at: datetime


class HandedOut(BaseModel):
    """An award as it was marked."""

    award_code: str
    recipient_id: str
    by_proxy: bool
    handed_over: bool
    at: datetime

    @classmethod
    def of(cls, one: Handed) -> "HandedOut":
        return cls(
            award_code=one.award_code,
            recipient_id=one.recipient_id,
            by_proxy=one.by_proxy,
            handed_over=one.handed_over,
            at=one.at,
        )


class ChangedOut(BaseModel):
    """What this request has changed; a repeat changes nothing."""

    changed: list[HandedOut] = Field(max_length=CODES_MAX)


class CountsOut(BaseModel):
    """How many awards; those that were not handed over have to be sent."""

    awards: int
    present: int
    by_proxy: int = Field(description="somebody else comes, or has come, for the recipient")
    absent: int
    handed_over: int
    to_send: int = Field(description="not handed over yet")


class RecipientOut(BaseModel):
    """A recipient in the script; the name is as its holder shows it."""

    award_code: str
    recipient_id: str
    name: str | None
    unit: str | None
    attendance: Attendance = Field(description="`unknown`: the ceremony names no session")
    handed_over: bool


class CallOut(BaseModel):
    """Who comes to the stage together."""

    number: int
    award: str = Field(examples=["科普知识竞赛奖"])
    tier: str | None
    part: int
    parts: int
    presenter: str | None
    notes: str | None
    recipients: list[RecipientOut] = Field(max_length=GROUP_MAX)

    @classmethod
    def of(cls, call: Call, script: Script) -> "CallOut":
        return cls(
            number=call.number,
            award=call.scheme_title,
            tier=call.tier,
            part=call.part,
            parts=call.parts,
            presenter=call.presenter,
            notes=call.notes,
            recipients=[_recipient(award, script) for award in call.awards],
        )


class ScriptOut(BaseModel):
    """The running order as it is now."""

    ceremony_id: str
    title: str
    title_en: str | None
    counts: CountsOut
    calls: list[CallOut] = Field(max_length=AWARDS_MAX)

    @classmethod
    def of(cls, script: Script) -> "ScriptOut":
        return cls(
            ceremony_id=script.ceremony.ceremony_id,
            title=script.ceremony.title,
            title_en=script.ceremony.title_en,
            counts=_counts(script),
            calls=[CallOut.of(call, script) for call in script.calls],
        )


def _recipient(award: Award, script: Script) -> RecipientOut:
    name = script.names.get(award.recipient_id)
    return RecipientOut(
        award_code=award.award_code,
        recipient_id=award.recipient_id,
        name=name.text if name else None,
        unit=name.unit if name else None,
        attendance=script.attendance(award),
        handed_over=script.was_handed_over(award),
    )


def _counts(script: Script) -> CountsOut:
    awards = script.awards
    there = [script.attendance(award) for award in awards]
    handed = sum(script.was_handed_over(award) for award in awards)
    return CountsOut(
        awards=len(awards),
        present=there.count("present"),
        by_proxy=there.count("proxy"),
        absent=there.count("absent"),
        handed_over=handed,
        to_send=len(awards) - handed,
    )

"""Awards in answers: for everyone, and for organisers."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.awards.issued.rules import Award, Unearned, Withdrawn
from shared.contracts.events import AwardKind


class AwardOut(BaseModel):
    """
    An award for anyone with its code; the recipient is a pseudonymous id.

    If the recipient was erased, it is null, and so is the reason of a revocation.
    """

    award_code: str = Field(examples=["KW-7Q2MA-X4D0P"])
    scheme_title: str = Field(examples=["科技创新和科学技术普及知识竞赛合格证书"])
    kind: AwardKind
    tier: str | None = Field(examples=["一等奖"])
    shared: bool = Field(
        False, description="more people have its rank than places were left, and they share it"
    )
    recipient_id: str | None = Field(examples=["group-service-team-01"])
    issued_at: datetime
    status: Literal["held", "revoked", "superseded"] = Field(
        description="superseded: revoked, and another award takes its place"
    )
    revoked_at: datetime | None
    reason: str | None
    code: Unearned | Withdrawn | None = Field(
        None,
        description="why the rule or the draw took it back; null if an organiser revoked it, or it is held",
    )


class AwardShownOut(AwardOut):
    """An award for anyone with its code, with what its holder shows of the name."""

    name_shown: str | None = Field(
        None,
        description="masked or in full, as the holder has chosen; null if the holder shows none, was erased, "
        "or is not known by name",
        examples=["李*明"],
    )
    superseded_by_code: str | None = Field(
        None, description="the code of the award that takes its place", examples=["KW-7Q2MA-X4D0P"]
    )


class AwardDetailOut(AwardOut):
    """An award as organisers see it."""

    award_id: str = Field(examples=["7f1f0c56-9f6f-5c0a-8f2e-0c6d5a9d4b11"])
    scheme_id: str = Field(examples=["service-team-flag"])
    cause: str = Field(description="the result, closed quiz or conferral that it follows from")
    note: str | None
    superseded_by: str | None = Field(description="the id of the award that takes its place")
    replaces: str | None = Field(description="the id of the award whose place it takes")


def public(award: Award) -> AwardOut:
    """What everyone may see."""
    return AwardOut(
        award_code=award.award_code,
        scheme_title=award.scheme_title,
        kind=award.kind,
        tier=award.tier,
        shared=award.shared,
        recipient_id=award.recipient_id,
        issued_at=award.issued_at,
        status=award.status,
        revoked_at=award.revoked_at,
        reason=award.reason,
        code=award.code,
    )


def detail(award: Award) -> AwardDetailOut:
    """What organisers see."""
    return AwardDetailOut(
        **public(award).model_dump(),
        award_id=award.award_id,
        scheme_id=award.scheme_id,
        cause=award.cause,
        note=award.note,
        superseded_by=award.superseded_by,
        replaces=award.replaces,
    )

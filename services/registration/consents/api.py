"""
Guardians' consents over HTTP.

The code of a link stands in the body and never in a path, since paths are logged.
"""

from datetime import datetime
from typing import Annotated

from fastapi import Body
from pydantic import BaseModel, Field

from services.registration.consents.rules import (
    TEXT_HASH,
    TEXT_VERSION,
    TEXTS,
    Consent,
    ConsentStatus,
)
from services.registration.consents.sign import Consents
from services.registration.managers.codes import CODE_PATTERN
from services.registration.managers.manage import Managers
from services.registration.participants.store import GroupStore
from shared.contracts.checked import Line, Name
from shared.contracts.events import Language
from shared.web.forms import Form, IdInPath
from shared.web.identity import AsParticipant, AsParticipantOrOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

Managing = Annotated[Managers, provided(Managers)]
Signing = Annotated[Consents, provided(Consents)]
Groups = Annotated[GroupStore, provided(GroupStore)]


class LinkOut(BaseModel):
    """The code is shown only here: hand it to the guardian, in a link or on paper."""

    member_id: str
    consent_code: str
    expires_at: datetime


class CodeIn(Form):
    """The code of a link."""

    consent_code: str = Field(pattern=CODE_PATTERN)


class SignatureIn(CodeIn):
    """A guardian agrees to the text of this version. The name is encrypted immediately."""

    guardian: Name = Field(examples=["李大明"])
    text_version: Line = Field(examples=[TEXT_VERSION])


class AskedOut(BaseModel):
    """What a guardian is asked to agree to."""

    group_name: str = Field(examples=["濮阳市第一中学"])
    status: ConsentStatus
    text_version: str = Field(examples=[TEXT_VERSION])
    text_hash: str
    texts: dict[Language, str]


class ConsentOut(BaseModel):
    """A consent as it is now, with what proves it."""

    member_id: str
    group_id: str
    status: ConsentStatus
    guardian: str | None = Field(None, description="only for the group's managers and organisers")
    text_version: str | None
    text_hash: str | None = Field(description="SHA-256 of the text that was signed")
    signed_at: datetime | None
    revoked_at: datetime | None
    receipt: str | None = Field(description="a JWS that the public key of tokens checks")

    @classmethod
    def of(cls, consent: Consent, guardian: str | None = None) -> "ConsentOut":
        return cls(
            member_id=consent.member_id,
            group_id=consent.group_id,
            status=consent.status,
            guardian=guardian,
            text_version=consent.text_version,
            text_hash=consent.text_hash,
            signed_at=consent.signed_at,
            revoked_at=consent.revoked_at,
            receipt=consent.receipt,
        )


routes = Routes(tags=["consents"])


@routes.post(
    "/groups/{group_id}/members/{member_id}/consents",
    status_code=201,
    summary="A link for a minor's guardian",
)
async def ask_guardian(
    group_id: IdInPath, member_id: IdInPath, who: AsParticipant, managing: Managing, signing: Signing
) -> LinkOut:
    """
    A link that was made before, and not signed, ends.

    403 `not_manager`; 404 `member_unknown`; 409 `member_no_minor`, `consent_given`.
    """
    await managing.check(group_id, who.participant_id)
    code, expires_at = await signing.ask(group_id, member_id)
    return LinkOut(member_id=member_id, consent_code=code, expires_at=expires_at)


@routes.get("/groups/{group_id}/members/{member_id}/consent", summary="A consent, with its proof")
async def read_consent(
    group_id: IdInPath,
    member_id: IdInPath,
    who: AsParticipantOrOrganiser,
    managing: Managing,
    signing: Signing,
) -> ConsentOut:
    """By a manager of the group, or by an organiser. 403 `not_manager`; 404 `consent_unknown`."""
    if who is not None:
        await managing.check(group_id, who.participant_id)
    return ConsentOut.of(*await signing.read(group_id, member_id))


@routes.post("/consents/view", summary="What a guardian is asked to agree to")
async def view_consent(form: Annotated[CodeIn, Body()], signing: Signing, groups: Groups) -> AskedOut:
    """For whoever has the link. 404 `consent_unknown`."""
    consent = await signing.view(form.consent_code)
    group = await groups.read(consent.group_id)
    return AskedOut(
        group_name=group.name if group else consent.group_id,
        status=consent.status,
        text_version=TEXT_VERSION,
        text_hash=TEXT_HASH,
        texts=dict(TEXTS),
    )


@routes.post("/consents/signature", summary="A guardian agrees")
async def sign_consent(form: Annotated[SignatureIn, Body()], signing: Signing) -> ConsentOut:
    """Repeating it changes nothing. 404 `consent_unknown`; 409 `consent_text_changed`, `consent_revoked`."""
    return ConsentOut.of(await signing.sign(form.consent_code, form.guardian, form.text_version))


@routes.post("/consents/revocation", summary="A guardian takes the consent back")
async def revoke_consent(form: Annotated[CodeIn, Body()], signing: Signing) -> ConsentOut:
    """By the same link, at any time. 404 `consent_unknown`; 409 `consent_not_given`."""
    return ConsentOut.of(await signing.revoke(form.consent_code))

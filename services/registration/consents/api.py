"""
Guardians' consents over HTTP, for programs as JSON and for guardians as a page.

The code of a link stands in the path of the page alone, as a browser needs it, and in bodies. No service logs
paths; a proxy in front has to leave out this one (docs/operating.md). The page tells nobody its address.

A form needs no further token against forged requests of other sites. The code of the link is the only proof,
there are no cookies, and no other site knows the code.
"""

from datetime import datetime
from typing import Annotated

from fastapi import Body, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.registration.consents.page import back_to_link, consent_page
from services.registration.consents.rules import (
    TEXT_HASH,
    TEXT_VERSION,
    TEXTS,
    Consent,
    ConsentStatus,
)
from services.registration.consents.sign import Asked, Consents
from services.registration.managers.codes import CODE_PATTERN
from services.registration.managers.manage import Managers
from services.registration.participants.store import GroupStore
from shared.contracts.checked import Line, Name
from shared.contracts.events import Language
from shared.web.forms import IdInPath
from shared.web.identity import AsParticipant, AsParticipantOrOrganiser
from shared.web.pages.posted import PageForm, posted_by_page
from shared.web.pages.reader import AsReader
from shared.web.pages.templates import SHOWS_PAGE
from shared.web.provided import provided
from shared.web.routes import Routes

Managing = Annotated[Managers, provided(Managers)]
Signing = Annotated[Consents, provided(Consents)]
Groups = Annotated[GroupStore, provided(GroupStore)]
# Nobody has to know how a code looks: one of another form is unknown like any other.
LINK_CODE_CHARS_MAX = 200
CodeInPath = Annotated[str, Path(max_length=LINK_CODE_CHARS_MAX)]


class LinkOut(BaseModel):
    """The code is shown only here: hand `https://…/consents/CODE` to the guardian, as a link or on paper."""

    member_id: str
    consent_code: str
    expires_at: datetime


class ConsentCodeIn(PageForm):
    """The code of a link."""

    consent_code: str = Field(pattern=CODE_PATTERN)


class SignatureIn(ConsentCodeIn):
    """A guardian agrees to the text of this version. The name is encrypted immediately."""

    guardian: Name = Field(examples=["李大明"])
    text_version: Line = Field(examples=[TEXT_VERSION])


class AskedOut(BaseModel):
    """What a guardian is asked to agree to."""

    group_name: str = Field(examples=["濮阳市第一中学"])
    minor: str = Field(description="the first character of the name", examples=["李＊＊"])
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


@routes.get(
    "/consents/{consent_code}",
    response_model=AskedOut,
    responses=SHOWS_PAGE,
    summary="What a guardian is asked to agree to: the link that a guardian gets",
)
async def read_link(
    consent_code: CodeInPath, reader: AsReader, signing: Signing, groups: Groups
) -> AskedOut | Response:
    """
    A page for a browser (`Accept: text/html`), in the language of the browser; JSON for a program.

    404 `consent_unknown`.
    """
    asked = await signing.view(consent_code)
    name = await _group_name(asked, groups)
    return reader.answer(
        _asked_out(asked, name), lambda: consent_page(asked, name, consent_code, reader.language)
    )


@routes.post("/consents/view", summary="What a guardian is asked to agree to")
async def view_consent(form: Annotated[ConsentCodeIn, Body()], signing: Signing, groups: Groups) -> AskedOut:
    """As `GET /consents/{consent_code}`, with the code in no path. 404 `consent_unknown`."""
    asked = await signing.view(form.consent_code)
    return _asked_out(asked, await _group_name(asked, groups))


@routes.post(
    "/consents/signature",
    response_model=ConsentOut,
    openapi_extra=posted_by_page(SignatureIn),
    summary="A guardian agrees",
)
async def sign_consent(
    form: Annotated[SignatureIn, Body()], reader: AsReader, signing: Signing
) -> ConsentOut | Response:
    """
    Repeating it changes nothing. A browser is sent back to the page of the link (303).

    404 `consent_unknown`; 409 `consent_text_changed`, `consent_revoked`.
    """
    signed = await signing.sign(form.consent_code, form.guardian, form.text_version)
    return reader.answer(ConsentOut.of(signed), lambda: back_to_link(form.consent_code))


@routes.post(
    "/consents/revocation",
    response_model=ConsentOut,
    openapi_extra=posted_by_page(ConsentCodeIn),
    summary="A guardian takes the consent back",
)
async def revoke_consent(
    form: Annotated[ConsentCodeIn, Body()], reader: AsReader, signing: Signing
) -> ConsentOut | Response:
    """
    By the same link, at any time. A browser is sent back to the page of the link (303).

    404 `consent_unknown`; 409 `consent_not_given`.
    """
    revoked = await signing.revoke(form.consent_code)
    return reader.answer(ConsentOut.of(revoked), lambda: back_to_link(form.consent_code))


async def _group_name(asked: Asked, groups: GroupStore) -> str:
    group = await groups.read(asked.consent.group_id)
    return group.name if group else asked.consent.group_id


def _asked_out(asked: Asked, group_name: str) -> AskedOut:
    return AskedOut(
        group_name=group_name,
        minor=asked.minor,
        status=asked.consent.status,
        text_version=TEXT_VERSION,
        text_hash=TEXT_HASH,
        texts=dict(TEXTS),
    )

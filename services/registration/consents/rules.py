"""What a guardian agrees to, and what becomes of a consent; pure functions."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from shared.contracts.events import Language
from shared.runtime.errors import Conflict, NotFound

LINK_DAYS = 30
LINK_VALID = timedelta(days=LINK_DAYS)

ConsentStatus = Literal["asked", "given", "revoked"]

# A change of the words is a new version; signatures keep the version and the hash of what was signed.
TEXT_VERSION = "2026-11"
TEXTS: Mapping[Language, str] = {
    "zh-CN": (
        "我是该未成年人的监护人。我同意其参加科技活动周由所在单位报名的活动。"
        "主办方和所在单位仅为报名、入场和安全使用其姓名、班级（部门）。"
        "我可以随时用同一链接撤回同意。"
    ),
    "en": (
        "I am a guardian of this minor. I agree that the minor takes part in the activities of the Science"
        " & Technology Week for which the school or unit registers the minor. The organisers and the school"
        " or unit use the name and the class only for registration, entrance and safety. I can take this"
        " back at any time by the same link."
    ),
}
TEXT_HASH = hashlib.sha256("\n".join(TEXTS[one] for one in sorted(TEXTS)).encode()).hexdigest()


class Consent(msgspec.Struct, frozen=True):
    """
    A guardian's consent for one member.

    Attributes:
        link_hash: of the code in the link; the same link takes the consent back.
        link_expires_at: until then it can be signed.
        guardian_locked: the name, encrypted with the member's own key.
        text_version, text_hash: of what was signed.
        receipt: signed by the service; it proves the rest.
    """

    member_id: str
    group_id: str
    link_hash: str
    link_expires_at: datetime
    status: ConsentStatus = "asked"
    guardian_locked: str | None = None
    text_version: str | None = None
    text_hash: str | None = None
    signed_at: datetime | None = None
    revoked_at: datetime | None = None
    receipt: str | None = None


def shown_name(name: str) -> str:
    """
    A minor's name as whoever has the link sees it: its first character.

    That is enough for a guardian to know which child is meant, and tells nobody else who it is.
    """
    return f"{name[:1]}＊＊"


def check_askable(consent: Consent | None) -> None:
    """
    Check that a new link can be made. It replaces the one before.

    Raises:
        Conflict: the consent is given, and its link is the way to take it back.
    """
    if consent is not None and consent.status == "given":
        raise Conflict("the guardian has agreed already", code="consent_given")


def check_not_given(consent: Consent | None) -> None:
    """
    Check that no guardian has agreed: the consent is for the child of this name, and for no other one.

    Raises:
        Conflict: the consent is given.
    """
    if consent is not None and consent.status == "given":
        raise Conflict(
            "a guardian has agreed for the member of this name: remove the member, and add the other one",
            code="consent_for_name",
        )


def check_link(consent: Consent | None, now: datetime) -> Consent:
    """
    The consent of a link that is good.

    Raises:
        NotFound: there is no such link, it was replaced, or the time to sign is over.
    """
    if consent is None or (consent.status == "asked" and consent.link_expires_at <= now):
        raise link_unknown()
    return consent


def link_unknown() -> NotFound:
    """The refusal of a link that is good for nothing: whoever guesses does not learn why."""
    return NotFound("there is no such link, or its time is over", code="consent_unknown")


def check_signable(consent: Consent, text_version: str) -> None:
    """
    Check that this text can be signed now.

    Raises:
        Conflict: another version of the text is shown now, or the consent was taken back.
    """
    if consent.status == "revoked":
        raise Conflict(
            "the consent was taken back; ask the school or organisation for a new link",
            code="consent_revoked",
        )
    if text_version != TEXT_VERSION:
        raise Conflict(
            "the text has changed: read it again", code="consent_text_changed", version=TEXT_VERSION
        )


def revoked(consent: Consent, now: datetime) -> Consent:
    """
    The consent after it was taken back; a repeat changes nothing.

    Raises:
        Conflict: it was never given.
    """
    if consent.status == "asked":
        raise Conflict("nobody has agreed yet", code="consent_not_given")
    return consent if consent.status == "revoked" else replace(consent, status="revoked", revoked_at=now)


def check_minors(minors: Collection[str], given: Collection[str]) -> None:
    """
    Check that each of these minors has a guardian's consent.

    Raises:
        Conflict: some have none; the first of them is named.
    """
    missing = sorted(set(minors) - set(given))
    if missing:
        raise Conflict(
            f"{len(missing)} minors have no guardian's consent, such as {missing[0]}",
            code="consent_missing",
            count=len(missing),
            member_id=missing[0],
        )

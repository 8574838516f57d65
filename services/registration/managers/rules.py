"""Grants, invitations and applications; nothing here does I/O."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from services.registration.participants.rules import ParticipantId
from shared.contracts.events import Language
from shared.runtime.errors import Conflict, Outdated

INVITATION_DAYS = 14
INVITED_FOR = timedelta(days=INVITATION_DAYS)
# A group has a few people who act for it. Invitations that nobody used do not count: they end.
MANAGERS_MAX = 20
# Groups of one person that are listed.
OWN_GROUPS_MAX = 200
# By form in an hour, of members and details, by all managers of a group. Each leaves events at all services.
GROUP_CHANGES_MAX = 100
# Of files in a day, new or changed, of a group: the largest roster twice.
IMPORTED_LINES_MAX = 40_000
# Somebody may act for several service teams, and apply for a few at the same time.
APPLICATIONS_OPEN_MAX = 3
# Of one person in an hour, new ones and changes of open ones. Each change is a new version, and an organiser
# who has looked at the one before cannot approve it.
APPLICATIONS_HOUR_MAX = 20

ApplicationStatus = Literal["applied", "approved", "refused"]


class Grant(msgspec.Struct, frozen=True):
    """This participant manages this group."""

    grant_id: str
    group_id: str
    participant_id: ParticipantId
    since: datetime


class Application(msgspec.Struct, frozen=True):
    """
    A school, unit or service team wants to take part as a group.

    Attributes:
        participant_id: who applies, and will manage the group.
        version: counts what the applicant has sent, from 1.
        changed_at: when the applicant sent it again.
        contact_locked: the group's contact, encrypted with the applicant's key; None after the decision.
        group_id: of the approved group.
        reason: of a refusal, written by an organiser.
    """

    application_id: str
    participant_id: ParticipantId
    name: str
    kind: str
    district: str
    language: Language
    asked_at: datetime
    status: ApplicationStatus = "applied"
    contact_locked: str | None = None
    group_id: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None
    version: int = 1
    changed_at: datetime | None = None


def grant_id(group_id: str, participant_id: str) -> str:
    """The one grant of a participant for a group. Neither id contains a slash."""
    return f"{group_id}/{participant_id}"


def approved(application: Application, group_id: str, now: datetime, *, version: int) -> Application:
    """
    The application after its approval; the same approval again changes nothing.

    Args:
        version: of the application that the organiser has looked at.

    Raises:
        Conflict: it was decided in another way.
        Outdated: the applicant has changed it since the organiser has looked at it.
    """
    if application.status == "approved" and application.group_id == group_id:
        return application
    _check_open(application)
    _check_version(application, version)
    return replace(
        application, status="approved", group_id=group_id, contact_locked=None, decided_at=now, reason=None
    )


def refused(
    application: Application, reason: str, now: datetime, *, version: int | None = None
) -> Application:
    """
    The application after its refusal; the same refusal again changes nothing.

    Args:
        version: of the application that the organiser has looked at; None: whatever it says now.

    Raises:
        Conflict: it was decided in another way.
        Outdated: the applicant has changed it since the organiser has looked at it.
    """
    if application.status == "refused" and application.reason == reason:
        return application
    _check_open(application)
    if version is not None:
        _check_version(application, version)
    return replace(application, status="refused", reason=reason, contact_locked=None, decided_at=now)


def _check_version(application: Application, version: int) -> None:
    if application.version != version:
        raise Outdated(
            "the applicant has changed the application; read it again, and decide on what it says now",
            code="application_changed",
        )


def _check_open(application: Application) -> None:
    if application.status != "applied":
        raise Conflict(
            f"application {application.application_id} is {application.status} already",
            code="application_decided",
            status=application.status,
        )

"""What registration keeps beside sessions and registrations: activities, groups, participants, answers."""

from dataclasses import dataclass
from datetime import datetime

from services.registration.rules import ParticipantId, RegistrationId, Verdict
from shared.contracts.events import Audience, Language, ParticipantKind


@dataclass(frozen=True, slots=True)
class Activity:
    """One of the week's activities; `starts_at` is the start of its first session."""

    activity_id: str
    title: str
    summary: str
    organiser: str
    kind: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a participant."""

    kind: ParticipantKind
    group_id: str | None
    district: str | None
    audience: Audience
    language: Language
    contact_sealed: str | None


@dataclass(frozen=True, slots=True)
class Participant:
    """A person or group; without a profile once erased. `version` counts the profile's changes, from 1."""

    participant_id: ParticipantId
    profile: Profile | None
    version: int = 1
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A school, unit or service team. `fingerprint` tells whether it is put unchanged."""

    group_id: str
    name: str
    kind: str
    district: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered; without a fingerprint once its participant is erased."""

    key: str
    fingerprint: str | None
    participant_id: ParticipantId
    session_id: str
    registration_id: RegistrationId | None
    verdict: Verdict
    position: int | None
    ticket_code: str | None
    code: str | None
    reason: str | None
    answered_at: datetime

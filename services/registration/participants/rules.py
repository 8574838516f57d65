"""What registration keeps beside sessions and registrations: activities, groups, participants, answers."""

from datetime import datetime

import msgspec

from services.registration.booking.rules import ParticipantId, RegistrationId, Verdict
from shared.contracts.events import Audience, Language, ParticipantKind


class Activity(msgspec.Struct, frozen=True):
    """One of the week's activities; `starts_at` is the start of its first session."""

    activity_id: str
    title: str
    summary: str
    organiser: str
    kind: str
    starts_at: datetime
    remarks: str = ""


class Profile(msgspec.Struct, frozen=True):
    """What is known of a participant; the contact is locked with the participant's own key."""

    kind: ParticipantKind
    group_id: str | None
    district: str | None
    audience: Audience
    language: Language
    contact_locked: str | None


class Participant(msgspec.Struct, frozen=True):
    """A person or group; without a profile once erased. `version` counts the changes, from 1."""

    participant_id: ParticipantId
    profile: Profile | None
    version: int = 1
    erased_at: datetime | None = None


class Group(msgspec.Struct, frozen=True):
    """A school, unit or service team. `contact_fingerprint` tells whether a contact is put unchanged."""

    group_id: str
    name: str
    kind: str
    district: str
    language: Language
    remarks: str = ""
    contact_fingerprint: str | None = None


class PlaceBefore(msgspec.Struct, frozen=True):
    """Where and when a session was to be, in a version that some of its people still know."""

    session_id: str
    version: int
    starts_at: datetime
    ends_at: datetime
    venue: str

    @property
    def place(self) -> tuple[datetime, datetime, str]:
        """As `Session.place`."""
        return self.starts_at, self.ends_at, self.venue


class Answer(msgspec.Struct, frozen=True):
    """
    What a request was answered; without a fingerprint and a ticket once its participant is erased.

    Of requests over HTTP only those that got a place or a wait have one: whatever else they were
    told, time or others may change.
    """

    key: str
    fingerprint: str | None
    participant_id: ParticipantId
    session_id: str
    registration_id: RegistrationId | None
    verdict: Verdict
    position: int | None
    ticket_locked: str | None
    code: str | None
    reason: str | None
    answered_at: datetime

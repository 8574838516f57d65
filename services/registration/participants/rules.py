"""Participants: people and groups."""

from datetime import datetime
from typing import Annotated, NewType

import msgspec
from pydantic import StringConstraints

from shared.contracts.checked import Line
from shared.contracts.events import Audience, Language, ParticipantKind

ParticipantId = NewType("ParticipantId", str)

# It is in the token, which has a limited length.
DISTRICT_CHARS_MAX = 60
District = Annotated[Line, StringConstraints(max_length=DISTRICT_CHARS_MAX)]


class Profile(msgspec.Struct, frozen=True):
    """The data of a participant. The contact is locked with the participant's own key."""

    kind: ParticipantKind
    group_id: str | None
    district: str | None
    audience: Audience
    language: Language
    contact_locked: str | None


class Participant(msgspec.Struct, frozen=True):
    """A person or group; without a profile after an erasure. `version` counts the changes, from 1."""

    participant_id: ParticipantId
    profile: Profile | None
    version: int = 1
    erased_at: datetime | None = None


class Group(msgspec.Struct, frozen=True):
    """
    A school, unit or service team.

    `contact_fingerprint`: a keyed hash of the contact. It shows if an organiser puts the same contact again.
    """

    group_id: str
    name: str
    kind: str
    district: str
    language: Language
    remarks: str = ""
    contact_fingerprint: str | None = None

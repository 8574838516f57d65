"""What a row of the list has, which rows are asked for, and in which order."""

from datetime import datetime
from typing import Literal

import msgspec

from services.registration.booking.rules import Registration, Status
from shared.contracts.events import Audience, Language, ParticipantKind

Sort = Literal["asked", "-asked", "status", "-status"]
Place = tuple[str, int]
"""Where the next page begins: the status and the sequence of the last row."""

# As they stand in the first line of an exported file.
COLUMNS = (
    "registration_id",
    "participant_id",
    "status",
    "places",
    "number",
    "asked_at",
    "kind",
    "group_id",
    "district",
    "audience",
    "language",
)


class Wanted(msgspec.Struct, frozen=True):
    """Which registrations are asked for; None stands for all."""

    status: Status | None = None
    group_id: str | None = None
    district: str | None = None
    audience: Audience | None = None
    registration_id: str | None = None
    participant_id: str | None = None

    @property
    def names_one(self) -> bool:
        """True if at most one registration is wanted."""
        return self.registration_id is not None or self.participant_id is not None

    @property
    def asks_for_profiles(self) -> bool:
        """True if only the participant's profile says whether a registration is wanted."""
        return (self.group_id, self.district, self.audience) != (None, None, None)


class Person(msgspec.Struct, frozen=True):
    """What registration knows of a participant in clear; nothing of an erased one."""

    kind: ParticipantKind
    group_id: str | None
    district: str | None
    audience: Audience
    language: Language


class Row(msgspec.Struct, frozen=True):
    """A registration with its participant; None if the participant is erased."""

    registration: Registration
    person: Person | None

    @property
    def place(self) -> Place:
        """Its place in the list."""
        return self.registration.status, self.registration.sequence

    def is_wanted(self, wanted: Wanted) -> bool:
        """Whether the participant's profile is as asked for."""
        if not wanted.asks_for_profiles:
            return True
        return self.person is not None and all(
            asked in (None, getattr(self.person, name))
            for name, asked in (
                ("group_id", wanted.group_id),
                ("district", wanted.district),
                ("audience", wanted.audience),
            )
        )

    def cells(self) -> list[str | int | datetime | None]:
        """The values of `COLUMNS`."""
        one, person = self.registration, self.person
        known: list[str | int | datetime | None] = [
            one.registration_id,
            one.participant_id,
            one.status,
            one.places,
            one.sequence,
            one.asked_at,
        ]
        if person is None:
            return [*known, None, None, None, None, None]
        return [*known, person.kind, person.group_id, person.district, person.audience, person.language]

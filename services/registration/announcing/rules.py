"""A message to the people of a session, and how far it has been sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NewType

import msgspec
from msgspec.structs import replace

from services.registration.booking.rules import Registration, Status
from shared.contracts.events import Channel

AnnouncementId = NewType("AnnouncementId", str)
Addressed = Literal["holders", "waiting", "all"]

# Whose place is held has not verified a contact, and gets no free text before. An offered place is a place.
REACHED: dict[Addressed, tuple[Status, ...]] = {
    "holders": ("confirmed", "offered", "checked_in"),
    "waiting": ("waitlisted",),
    "all": ("confirmed", "offered", "checked_in", "waitlisted"),
}


class Announcement(msgspec.Struct, frozen=True):
    """
    A message to the people of a session.

    Attributes:
        to: who gets it.
        until: the session's last number when it was asked for. Whoever registers later does not get it.
        told_to: everybody up to this number was told.
        told: the number of people who were told.
        unfinished: somebody may still have to be told.
    """

    announcement_id: AnnouncementId
    session_id: str
    subject: str
    body: str
    channels: tuple[Channel, ...]
    to: Addressed
    created_at: datetime
    until: int
    told_to: int = 0
    told: int = 0
    unfinished: bool = True

    def says_the_same(self, other: "Announcement") -> bool:
        """True if the other one is a repeat of this one."""
        return all(
            getattr(self, name) == getattr(other, name) for name in ("session_id", "subject", "body", "to")
        ) and set(self.channels) == set(other.channels)


def further(announcement: Announcement, read: Sequence[Registration], told: int, limit: int) -> Announcement:
    """
    The announcement after a slice of its people was told.

    Args:
        read: the registrations of the slice, in the order of `sequence`; fewer than `limit` if they are the
            last ones.
        told: how many of their people were told.
    """
    if len(read) < limit:
        return replace(announcement, told=announcement.told + told, unfinished=False)
    return replace(announcement, told=announcement.told + told, told_to=read[-1].sequence)

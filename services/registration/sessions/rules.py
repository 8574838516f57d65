"""A session of an activity: when registration is open, and how many places are free."""

from datetime import datetime
from typing import NewType
from zoneinfo import ZoneInfo

import msgspec

from shared.contracts.events import Admits, Overlap, WaitingPolicy

ActivityId = NewType("ActivityId", str)
SessionId = NewType("SessionId", str)
# The zone that is printed on the posters. A day at the door is a day there.
ZONE = ZoneInfo("Asia/Shanghai")


# Structs and not frozen dataclasses, in all rooms: a rush makes several for each request, and making a struct
# takes a fifth of the time.
class Session(msgspec.Struct, frozen=True):
    """
    A time and venue of an activity, and how full it is.

    Attributes:
        taken: places of registrations that are held, offered or confirmed.
        waiting: registrations on the waiting list.
        owed: at least this number at the head of the waiting list will get places in the background. The
            places are free already. 0: nobody can be promoted.
        sequence: the last number that was given. Each registration has a number, in the order of the
            requests.
        version: counts the changes that participants are notified of: a new time, a new venue, the
            cancellation.
        untold: somebody may still have to be notified of the latest version.
        told_to: everybody with a sequence up to this one has been notified.
        cancelled: the organiser's reason as a code, after the session was cancelled.
        cancelled_text: the reason in the organiser's words, if there are any.
        draft: only organisers see it, and nobody can register.
        activity_draft: the same, because its whole activity is a draft.
        removed: the organisers have removed it. Only those who had registered still see its time and venue.
        reminders: its people are reminded of it, and thanked.
        feedback: where those who came can say how it was: part of the thanks.
        revision: counts the events about this session (`session.published`, `.changed`, `.cancelled`). 0: no
            event yet.
        admits: who may register: anyone; those with a verified contact; or those for whom a group, an
            organiser or another system asks.
        places_per_person_max: how many places one person may have; None: the usual number.
        waiting_policy: who on the waiting list is next (booking/waiting_list.py).
        head: the number of the head of the waiting list, with the policy `fill`; 0: nobody waits.
        overtakable: the places that may still go past this head.
        offer_minutes: how long a place from the waiting list is offered; None: it is given at once.
        minors_need_consent: a group books a minor only with a guardian's consent.
        overlap: what happens to a request of somebody who has registered for the same time elsewhere.
        runs_out_at: no held or offered place runs out before this moment; None: there is none.
    """

    session_id: SessionId
    activity_id: ActivityId
    activity_title: str
    starts_at: datetime
    ends_at: datetime
    venue: str
    district: str
    capacity: int
    waiting_max: int
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    taken: int = 0
    waiting: int = 0
    owed: int = 0
    sequence: int = 0
    version: int = 1
    untold: bool = False
    told_to: int = 0
    cancelled: str | None = None
    admits: Admits = "anyone"
    places_per_person_max: int | None = None
    waiting_policy: WaitingPolicy = "strict"
    head: int = 0
    overtakable: int = 0
    offer_minutes: int | None = None
    overlap: Overlap = "warn"
    minors_need_consent: bool = False
    runs_out_at: datetime | None = None
    cancelled_text: str | None = None
    draft: bool = False
    activity_draft: bool = False
    removed: bool = False
    reminders: bool = True
    feedback: str | None = None
    revision: int = 0

    @property
    def is_public(self) -> bool:
        """True if everybody sees it."""
        return not (self.draft or self.activity_draft or self.removed)

    @property
    def free(self) -> int:
        """Places that are not reserved. The waiting list gets them first."""
        return self.capacity - self.taken

    @property
    def can_wait(self) -> bool:
        """True if the waiting list has room. Registrations that are owed a place do not count."""
        return self.waiting - self.owed < self.waiting_max

    @property
    def last_moment(self) -> datetime:
        """Registration ends here: when the session ends, unless the organiser closes it earlier."""
        return min(self.closes_at or self.ends_at, self.ends_at)

    @property
    def promotes_until(self) -> datetime:
        """The waiting list moves up until the session starts, unless registration closes earlier."""
        return min(self.closes_at or self.starts_at, self.starts_at)

    def promotes(self, now: datetime) -> bool:
        """True if the waiting list can still move up."""
        return now < self.promotes_until and self.cancelled is None

    def has_opened(self, now: datetime) -> bool:
        """True if registration has begun."""
        return self.opens_at is None or self.opens_at <= now

    def is_open(self, now: datetime) -> bool:
        """True if registration is open now."""
        opened = self.is_public and self.has_opened(now)
        return opened and now < self.last_moment and self.cancelled is None

    def has_begun(self, now: datetime) -> bool:
        """True if the session has begun or is over."""
        return self.starts_at <= now

    def is_over(self, now: datetime) -> bool:
        """True if the session has ended."""
        return self.ends_at <= now

    @property
    def time_and_venue(self) -> tuple[datetime, datetime, str]:
        """The data that registered people must know: if they change, people are notified."""
        return self.starts_at, self.ends_at, self.venue

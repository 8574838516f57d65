"""
Count people by their points in the background: when an organiser asks, after the close, and whenever the
final standings have changed since.

The standings have each person once. They are read in pages, by one worker at a time, which rests three times
as long as it works. What is counted stays in memory. If the process dies, another one begins again.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import datetime

from services.quiz.literacy.counting import Counting
from services.quiz.literacy.store import LiteracyStore
from services.quiz.participants.rules import Profile
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.record import QuizRecord
from services.quiz.standings.rules import half_points_in
from services.quiz.standings.store import StandingStore
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.lease import Lease

log = logging.getLogger(__name__)

LOOP = "literacy"
PAGE_PEOPLE = 500
RESTS = 3
# After this time the progress is stored.
TURN_SECONDS = 1.0
# People without a profile, as in submissions of other systems, are only counted among all.
_UNKNOWN = Profile(None, None)


@dataclass(slots=True)
class _Count:
    """A count under way: everybody up to `after` is counted."""

    quiz_id: str
    began_at: datetime
    final: bool
    people: int
    counting: Counting
    after: str = ""
    seen: int = 0

    @property
    def percent(self) -> int:
        return min(99, 100 * self.seen // max(1, self.people))


class Counter:
    """
    Counts people.

    Args:
        lease: of all workers together; one counts for one quiz at a time.
        rests: how many times as long as the work the rests are.
        turn_seconds: after this time the progress is stored.
    """

    def __init__(
        self,
        literacy: LiteracyStore,
        standings: StandingStore,
        participants: ParticipantStore,
        catalogue: Catalogue,
        lease: Lease,
        *,
        rests: float = RESTS,
        turn_seconds: float = TURN_SECONDS,
        page_people: int = PAGE_PEOPLE,
    ) -> None:
        self._literacy = literacy
        self._standings = standings
        self._participants = participants
        self._catalogue = catalogue
        self._lease = lease
        self._rests = rests
        self._turn_seconds = turn_seconds
        self._page_people = page_people
        self._count: _Count | None = None
        self.loop = Backlog(LOOP, self.pending, self.go_on, items_max=1).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """The quiz that is counted, or else those that are due; none if another worker has the lease."""
        due = [self._count.quiz_id] if self._count else await self._due()
        due = [quiz_id for quiz_id in due if quiz_id > after][:limit]
        if due and not await self._lease.hold():
            self._count = None
            return []
        return due

    async def go_on(self, quiz_id: str) -> None:
        """Count for about a second, and at the end store the counts."""
        # Forget it until the turn has gone well: half a page that is read again would count twice.
        count, self._count = self._count, None
        if count is None or count.quiz_id != quiz_id:
            count = await self._begin(quiz_id)
        until = time.monotonic() + self._turn_seconds
        while await self._next_page(count):
            if time.monotonic() > until:
                await self._literacy.go_on(quiz_id, count.percent)
                self._count = count
                return
        await self._literacy.finish(quiz_id, count.counting.census(), count.began_at, final=count.final)
        await self._lease.give_up()
        log.info("people counted", extra={"quiz_id": quiz_id, "people": count.seen})

    async def _due(self) -> list[str]:
        asked, counted = set(await self._literacy.due()), await self._literacy.counted_finally()
        records = [one.record for one in self._catalogue.all()]
        return sorted(asked | {one.quiz_id for one in records if _is_due(one, counted.get(one.quiz_id))})

    async def _begin(self, quiz_id: str) -> _Count:
        now = clock.now()
        offered = await self._catalogue.look_up(quiz_id)
        record = offered.record
        people = await self._standings.count(quiz_id)
        counting = Counting(offered.half_points_max)
        return _Count(quiz_id, now, record.status == "closed", people, counting)

    async def _next_page(self, count: _Count) -> bool:
        began = time.monotonic()
        page = await self._standings.by_participant(count.quiz_id, count.after, self._page_people)
        profiles = await self._participants.profiles([who for who, _ in page])
        for who, order in page:
            profile = profiles.get(who, _UNKNOWN)
            if not profile.erased:
                count.counting.add(profile, half_points_in(order))
        count.seen += len(page)
        if page:
            count.after = page[-1][0]
        await asyncio.sleep(self._rests * (time.monotonic() - began))
        return len(page) == self._page_people


def _is_due(record: QuizRecord, counted_at: datetime | None) -> bool:
    """Whether the final standings were not counted since they were final, or since they have changed."""
    if record.status != "closed" or record.regrading is not None:
        return False
    revised_at = record.final.revised_at
    return counted_at is None or (revised_at is not None and counted_at <= revised_at)

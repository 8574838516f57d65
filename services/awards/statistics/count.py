"""
Awards are counted: once for all who ask at the same time, and one count at a time.

A count that takes long is kept for a moment: the pages of one list need it again. Whoever asks while it is
made anew gets the last one, which says when it was made.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SCHEMES_MAX, SchemeStore
from services.awards.statistics.rules import Row
from services.awards.statistics.store import StatisticsStore
from shared.contracts.events import AwardKind
from shared.runtime import clock
from shared.runtime.errors import Overloaded, Unavailable
from shared.web.made_once import EachMadeOnce

# A count that took longer is kept, for so long.
SLOW_SECONDS = 0.1
KEPT_SECONDS = 10.0
# For a new count, if there is one from before; and if there is none. Counting has its own bound (store.py).
WAIT_SECONDS = 2.0
FIRST_WAIT_SECONDS = 20.0
# Counts that are remembered, each a few megabytes at most.
LAST_MAX = 20


class Wanted(NamedTuple):
    """
    Which awards are counted: those for which all that is not None is true.

    Attributes:
        of_people: by what is known of the recipients, not of the awards.
    """

    of_people: bool
    scheme_id: str | None = None
    kind: AwardKind | None = None
    quiz_id: str | None = None

    def has(self, scheme: Scheme) -> bool:
        """Whether the awards of this scheme are counted."""
        return (
            self.scheme_id in (None, scheme.scheme_id)
            and self.kind in (None, scheme.kind)
            and self.quiz_id in (None, scheme.quiz_id)
        )


class Counted(NamedTuple):
    """The awards as they were at `counted_at`, and the titles of their schemes by id."""

    counted_at: datetime
    rows: list[Row]
    titles: Mapping[str, str]


class _Last(NamedTuple):
    counted: Counted
    until: float


class Counting:
    """Counts awards."""

    def __init__(
        self,
        schemes: SchemeStore,
        statistics: StatisticsStore,
        *,
        slow_seconds: float = SLOW_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
    ) -> None:
        self._schemes = schemes
        self._statistics = statistics
        self._slow_seconds = slow_seconds
        self._wait_seconds = wait_seconds
        self._first_wait_seconds = first_wait_seconds
        self._once: EachMadeOnce[Wanted, Counted] = EachMadeOnce(self._count)
        self._last: OrderedDict[Wanted, _Last] = OrderedDict()

    async def of(self, wanted: Wanted, who: str) -> Counted:
        """
        The count of these awards. `who` asks is the name of a key.

        Raises:
            Overloaded: this key waits for too many counts, or the count takes too long.
            Unavailable: the database is away, or counts for too long.
            Conflict: there are too many cells.
        """
        last = self._last.get(wanted)
        if last and time.monotonic() < last.until:
            return last.counted
        try:
            # It is counted all the same if nobody waits any more.
            async with asyncio.timeout(self._wait_seconds if last else self._first_wait_seconds):
                return await self._once.get(wanted, who)
        except TimeoutError:
            if last is None:
                raise Overloaded("the awards are still being counted; try again in a minute") from None
        except Unavailable:
            if last is None:
                raise
        return last.counted

    async def _count(self, wanted: Wanted) -> Counted:
        began, now = time.monotonic(), clock.now()
        schemes = await self._schemes.page("", SCHEMES_MAX, drafts=True)
        ids = None if wanted == Wanted(wanted.of_people) else [s.scheme_id for s in schemes if wanted.has(s)]
        count = self._statistics.by_recipient if wanted.of_people else self._statistics.by_award
        counted = Counted(now, await count(ids), {one.scheme_id: one.title for one in schemes})
        ended = time.monotonic()
        until = ended + KEPT_SECONDS if ended - began > self._slow_seconds else ended
        self._last[wanted] = _Last(counted, until)
        self._last.move_to_end(wanted)
        if len(self._last) > LAST_MAX:
            self._last.popitem(last=False)
        return counted

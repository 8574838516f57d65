"""
The quizzes in memory: definitions, papers laid out once, and whether they are open.

Refreshed by asking for versions every `REFRESH_SECONDS`, so that intake and graders
need no look-up for a submission.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.quiz.papers import Paper, lay_out
from services.quiz.rules import CLOSE_NOTICE_SECONDS, day_around, day_of, paper_number
from services.quiz.store import QuizRecord, QuizStore
from shared.runtime.background import beside
from shared.runtime.errors import NotFound, Unavailable
from shared.storage.mongo import PyMongoError

log = logging.getLogger(__name__)

# Less than rules.CLOSE_NOTICE_SECONDS, so that an early close is known everywhere in time.
REFRESH_SECONDS = 1.0
STALE_SECONDS_MAX = 15.0
# How long a submission waits for a look that is due, before it is judged by what is known.
LOOK_SECONDS_MAX = 2.0


@dataclass(slots=True)
class Offered:
    """A quiz and those of its papers that somebody has got."""

    record: QuizRecord
    papers: dict[int, Paper] = field(default_factory=dict)
    opens_at: datetime = field(init=False)
    accepts_until: datetime = field(init=False)
    _day: str = field(init=False, default="")
    _day_begins: datetime = field(init=False)
    _day_ends: datetime = field(init=False)
    _duration: timedelta = field(init=False)
    _grace: timedelta = field(init=False)

    def __post_init__(self) -> None:
        quiz = self.record.quiz
        # In one zone for all: datetimes of two are compared by way of both zones' rules.
        self.opens_at = quiz.opens_at.astimezone(UTC)
        self._day_begins = self._day_ends = self.opens_at
        self._duration = timedelta(seconds=quiz.duration_seconds)
        self._grace = timedelta(seconds=quiz.grace_seconds)
        self.accepts_until = self.record.closes_at + self._grace

    def day_of(self, moment: datetime) -> str:
        """`rules.day_of`; remembers the day asked for last."""
        if not self._day_begins <= moment < self._day_ends:
            self._day_begins, self._day_ends = day_around(self.record.quiz, moment)
            self._day = day_of(self.record.quiz, moment)
        return self._day

    def deadline(self, started_at: datetime) -> datetime:
        """`rules.deadline` of an attempt begun then, its differences of time made once."""
        return min(started_at + self._duration, self.record.closes_at) + self._grace

    def paper(self, attempt_id: str) -> Paper:
        """
        The paper of an attempt.

        Raises:
            Rejected: the attempt's id is no UUID.
        """
        quiz = self.record.quiz
        number = paper_number(attempt_id, quiz.papers)
        if number not in self.papers:
            self.papers[number] = lay_out(self.record.quiz_id, quiz, number)
        return self.papers[number]


class Catalogue:
    """All quizzes of the store, as of the last refresh."""

    def __init__(self, store: QuizStore) -> None:
        self._store = store
        self._offered: dict[str, Offered] = {}
        self._refreshing = asyncio.Lock()
        self._refreshed_at = time.monotonic()
        self._database_away = False

    def get(self, quiz_id: str) -> Offered | None:
        """A quiz, if there is one."""
        return self._offered.get(quiz_id)

    def current_if_fresh(self, quiz_id: str) -> Offered | None:
        """A quiz as `current` gives it, where nobody has to be asked for it."""
        return None if self._is_old() else self._offered.get(quiz_id)

    def find(self, quiz_id: str) -> Offered:
        """
        A quiz.

        Raises:
            NotFound: there is none of this name.
        """
        if (offered := self._offered.get(quiz_id)) is None:
            raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")
        return offered

    async def look_up(self, quiz_id: str) -> Offered:
        """
        A quiz, also one that another process published a moment ago.

        Raises:
            NotFound: there is none of this name.
            Unavailable: the database does not answer.
        """
        if quiz_id not in self._offered:
            await self.refresh()
        return self.find(quiz_id)

    async def current(self, quiz_id: str) -> Offered:
        """
        A quiz as it is now, for whoever promises something by it.

        No older than an early close is told ahead, even in a process that stood still. While
        the database is away nobody can close a quiz early, and what is known is good enough.

        Raises:
            NotFound: there is none of this name.
            Unavailable: it is not known, and the database does not answer.
        """
        if self._is_old() and not self._database_away:
            try:
                async with asyncio.timeout(LOOK_SECONDS_MAX), self._refreshing:
                    if self._is_old():
                        await self._load()
            except (Unavailable, TimeoutError):
                # Only the first ones wait for it: `keep_fresh` goes on trying.
                self._database_away = True
        return await self.look_up(quiz_id)

    def _is_old(self) -> bool:
        return time.monotonic() - self._refreshed_at > CLOSE_NOTICE_SECONDS

    async def refresh(self) -> None:
        """Load what has changed; papers of an unchanged definition stay."""
        # One at a time: an earlier look must not overwrite what a later one has found.
        async with self._refreshing:
            await self._load()

    async def check(self) -> str | None:
        """Whether quizzes are known as they are now; a health check."""
        age_seconds = time.monotonic() - self._refreshed_at
        return f"quizzes not refreshed for {age_seconds:.0f} s" if age_seconds > STALE_SECONDS_MAX else None

    async def _load(self) -> None:
        # Of before the look: what changes during it may not be seen.
        looked_at = time.monotonic()
        versions = await self._store.versions()
        if versions != {id_: offered.record.version for id_, offered in self._offered.items()}:
            fresh: dict[str, Offered] = {}
            for record in await self._store.quizzes():
                known = self._offered.get(record.quiz_id)
                papers = known.papers if known and known.record.quiz == record.quiz else {}
                fresh[record.quiz_id] = Offered(record, papers)
            self._offered = fresh
        self._refreshed_at, self._database_away = looked_at, False

    async def keep_fresh(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except Unavailable as error:
                log.warning("quizzes not refreshed", extra={"reason": error.message})
            except PyMongoError:
                log.exception("quizzes not refreshed; trying again")


@asynccontextmanager
async def offering(store: QuizStore) -> AsyncIterator[Catalogue]:
    """A catalogue that is kept fresh until the end of the block."""
    catalogue = Catalogue(store)
    await catalogue.refresh()
    async with beside(catalogue.keep_fresh()):
        yield catalogue

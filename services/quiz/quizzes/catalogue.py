"""
The quizzes in memory: definitions, papers laid out once, and whether they are open.

Refreshed by asking for revisions every `REFRESH_SECONDS`, so that intake and graders
need no look-up for a submission. A version that is not known yet is looked up.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from services.quiz.participants.erased import Erasures
from services.quiz.quizzes.papers import Paper, lay_out
from services.quiz.quizzes.rules import CLOSE_NOTICE_SECONDS, day_around, day_of, paper_number
from services.quiz.quizzes.store import QuizRecord
from services.quiz.store import QuizStore
from shared.runtime.background import Loop, each, looping
from shared.runtime.errors import NotFound, Unavailable

LOOP = "quizzes"
# Less than rules.CLOSE_NOTICE_SECONDS, so that an early close is known everywhere in time.
REFRESH_SECONDS = 1.0
# How long a submission waits for a look that is due, before it is judged by what is known.
LOOK_SECONDS_MAX = 2.0


@dataclass(slots=True)
class Offered:
    """One version of a quiz and those of its papers that somebody has got."""

    record: QuizRecord
    papers: dict[int, Paper] = field(default_factory=dict)
    # Earlier versions that a submission has named, by their number.
    earlier: "dict[int, Offered]" = field(default_factory=dict)
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

    def version(self, number: int | None) -> "Offered | None":
        """This version, or an earlier one by its number, where it is known; none names the present one."""
        if number is None or number == self.record.version:
            return self
        return self.earlier.get(number)

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

    def renewed(self, record: QuizRecord) -> "Offered":
        """The same quiz by a later record; papers of an unchanged definition stay."""
        known = {**self.earlier, self.record.version: self}
        same = known.pop(record.version, None)
        earlier = {
            number: Offered(replace(record, quiz=one.record.quiz, version=number), one.papers)
            for number, one in known.items()
        }
        return Offered(record, same.papers if same else {}, earlier)


class UnreadError(Unavailable):
    """A quiz is stored and could not be read. It is read again with each refresh."""


class Catalogue:
    """All quizzes of the store, as of the last refresh, and who is erased."""

    def __init__(self, store: QuizStore) -> None:
        self._store = store
        self._offered: dict[str, Offered] = {}
        # Those that could not be read as they are now, each as it was before, where that is known. By the
        # record of before nothing is promised, graded or refused: whoever asks has to ask again.
        self._unread: dict[str, Offered | None] = {}
        self._refreshing = asyncio.Lock()
        self._refreshed_at = time.monotonic()
        self._database_away = False
        self.erased = Erasures(store.participants)
        self.loop = Loop(LOOP, self.turn)

    def get(self, quiz_id: str, version: int | None = None) -> Offered | None:
        """A quiz in this version, by default the present one, if it is known."""
        offered = self._offered.get(quiz_id)
        return offered.version(version) if offered else None

    def all(self) -> list[Offered]:
        """All quizzes as they were read last, the latest opening first; see `unread`."""
        return sorted(
            [*self._offered.values(), *filter(None, self._unread.values())],
            key=lambda offered: (offered.opens_at, offered.record.quiz_id),
            reverse=True,
        )

    def unread(self) -> list[str]:
        """The ids of quizzes that could not be read as they are now."""
        return list(self._unread)

    def current_if_fresh(self, quiz_id: str) -> Offered | None:
        """A quiz as `current` gives it, where nobody has to be asked for it."""
        return None if self._is_old() else self._offered.get(quiz_id)

    def find(self, quiz_id: str, version: int | None = None) -> Offered:
        """
        A quiz in this version, by default the present one.

        Raises:
            NotFound: there is none of this name, or this version of it is not kept.
            UnreadError: it could not be read.
        """
        if (offered := self._offered.get(quiz_id)) is None:
            if quiz_id in self._unread:
                raise UnreadError(f"quiz {quiz_id} cannot be read now")
            raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")
        if (found := offered.version(version)) is None:
            raise NotFound(f"quiz {quiz_id} has no version {version}", code="quiz_version_unknown")
        return found

    async def look_up(self, quiz_id: str, version: int | None = None) -> Offered:
        """
        A quiz, also one that another process published or changed a moment ago.

        Raises:
            NotFound: there is none of this name, or this version of it is not kept.
            Unavailable: the database does not answer, or it could not be read.
        """
        await self.learn([(quiz_id, version)])
        return self.find(quiz_id, version)

    async def learn(self, wanted: Collection[tuple[str, int | None]]) -> None:
        """
        Look for quizzes and versions that are not known: two questions, however many are wanted.

        Raises:
            Unavailable: the database does not answer.
        """
        if all(self.get(*one) is not None for one in wanted):
            return
        await self.refresh()
        missing = [
            (quiz_id, version)
            for quiz_id, version in wanted
            if version is not None and quiz_id in self._offered and self.get(quiz_id, version) is None
        ]
        if missing:
            for (quiz_id, version), quiz in (await self._store.quizzes.definitions(missing)).items():
                # A refresh meanwhile may have failed to read it.
                if present := self._offered.get(quiz_id):
                    record = replace(present.record, quiz=quiz, version=version)
                    present.earlier.setdefault(version, Offered(record))

    async def current(self, quiz_id: str) -> Offered:
        """
        A quiz as it is now, for whoever promises something by it.

        No older than an early close is told ahead, even in a process that stood still. While
        the database is away nobody can close a quiz early, and what is known is good enough.

        Raises:
            NotFound: there is none of this name.
            Unavailable: it is not known, and the database does not answer, or it could not be read.
        """
        if self._is_old() and not self._database_away:
            try:
                async with asyncio.timeout(LOOK_SECONDS_MAX), self._refreshing:
                    if self._is_old():
                        await self._load()
            except (Unavailable, TimeoutError):
                # Only the first ones wait for it: the loop goes on trying.
                self._database_away = True
        return await self.look_up(quiz_id)

    def _is_old(self) -> bool:
        return time.monotonic() - self._refreshed_at > CLOSE_NOTICE_SECONDS

    async def refresh(self) -> None:
        """Load what has changed; papers of an unchanged definition stay."""
        # One at a time: an earlier look must not overwrite what a later one has found.
        async with self._refreshing:
            await self._load()

    async def turn(self) -> float:
        """Refresh; returns seconds to rest."""
        await self.refresh()
        await self.erased.refresh()
        return REFRESH_SECONDS

    async def _load(self) -> None:
        # Of before the look: what changes during it may not be seen.
        looked_at = time.monotonic()
        revisions = await self._store.quizzes.revisions()
        changed = [
            quiz_id
            for quiz_id, (revision, _) in revisions.items()
            if quiz_id not in self._offered or self._offered[quiz_id].record.revision != revision
        ]
        self._unread = {quiz_id: known for quiz_id, known in self._unread.items() if quiz_id in revisions}
        # One by one: to check a large definition takes milliseconds, and requests wait meanwhile.
        await each(LOOP, changed, self._read)
        self._refreshed_at, self._database_away = looked_at, False

    async def _read(self, quiz_id: str) -> None:
        known = self._offered.get(quiz_id) or self._unread.get(quiz_id)
        version = (known.record.version, known.record.quiz) if known else None
        try:
            record = await self._store.quizzes.read(quiz_id, version)
        except Unavailable:
            # While the database is away, what is known is good enough.
            raise
        except Exception:
            self._offered.pop(quiz_id, None)
            self._unread[quiz_id] = known
            raise
        self._unread.pop(quiz_id, None)
        if record is not None:
            self._offered[quiz_id] = known.renewed(record) if known else Offered(record)


@asynccontextmanager
async def offering(store: QuizStore) -> AsyncIterator[Catalogue]:
    """A catalogue that is kept fresh until the end of the block."""
    catalogue = Catalogue(store)
    await catalogue.turn()
    async with looping(catalogue.loop):
        yield catalogue

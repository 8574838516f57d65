"""
The quizzes in memory, so that intake and grading need no query for a submission.

Each process asks the database every `REFRESH_SECONDS` which quizzes have changed. If somebody names a quiz or
a version that is not in memory, it reads the database immediately.
"""

import asyncio
import time
from collections.abc import Collection
from dataclasses import replace

from services.quiz.quizzes import metrics
from services.quiz.quizzes.offered import KeptPapers, Offered
from services.quiz.quizzes.rules import NOTICE_SECONDS
from services.quiz.quizzes.store import QuizStore
from shared.runtime.background import Loop, each
from shared.runtime.errors import NotFound, Unavailable

LOOP = "quizzes"
# Less than rules.NOTICE_SECONDS, so that an early close is known everywhere in time.
REFRESH_SECONDS = 1.0
# A submission waits this long for a refresh that is due; then the known data decide.
LOOK_SECONDS_MAX = 2.0


class UnreadError(Unavailable):
    """A quiz is stored and could not be read. It is read again with each refresh."""


class Catalogue:
    """All quizzes of the store, as of the last refresh."""

    def __init__(self, quizzes: QuizStore) -> None:
        self._quizzes = quizzes
        self._offered: dict[str, Offered] = {}
        self._papers = KeptPapers()
        # Quizzes that could not be read as they are now, each as it was read before, if it ever was.
        # Do not use an old record. The caller must ask again.
        self._unread: dict[str, Offered | None] = {}
        self._refreshing = asyncio.Lock()
        self._refreshed_at = time.monotonic()
        self._database_away = False
        self.loop = Loop(LOOP, self.turn)

    def get(self, quiz_id: str, version: int | None = None) -> Offered | None:
        """A quiz in this version, by default the present one, if it is known."""
        offered = self._offered.get(quiz_id)
        return offered.in_version(version) if offered else None

    def all(self) -> list[Offered]:
        """All quizzes as they were read last, the latest opening first; see `unread`."""
        return sorted(
            [*self._offered.values(), *filter(None, self._unread.values())],
            key=lambda offered: (offered.schedule.opens_at, offered.record.quiz_id),
            reverse=True,
        )

    def unread(self) -> list[str]:
        """The ids of quizzes that could not be read as they are now."""
        return list(self._unread)

    def current_if_fresh(self, quiz_id: str, version: int | None = None) -> Offered | None:
        """A quiz as `current` gives it, if that needs no query."""
        return None if self._is_old() else self.get(quiz_id, version)

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
        if (found := offered.in_version(version)) is None:
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
        Look up quizzes and versions that are not known: always with two queries.

        Raises:
            Unavailable: the database does not answer.
        """
        if all(self.get(*one) is not None for one in wanted):
            return
        await self.learn_anew(wanted)

    async def learn_anew(
        self, wanted: Collection[tuple[str, int | None]], gone: Collection[tuple[str, int]] = ()
    ) -> None:
        """
        Read what has changed, and versions that are not known, for whoever refuses something for good: a
        record in memory may be older than a later end.

        Args:
            gone: versions that are not stored any more.
        Raises:
            Unavailable: the database does not answer.
        """
        await self.refresh()
        for quiz_id, version in gone:
            if present := self._offered.get(quiz_id):
                present.earlier.pop(version, None)
        missing = [
            (quiz_id, version)
            for quiz_id, version in wanted
            if version is not None and quiz_id in self._offered and self.get(quiz_id, version) is None
        ]
        if missing:
            for (quiz_id, version), quiz in (await self._quizzes.definitions(missing)).items():
                # A refresh meanwhile may have failed to read it.
                if present := self._offered.get(quiz_id):
                    record = replace(present.record, quiz=quiz, version=version)
                    present.earlier.setdefault(version, Offered(record, kept=self._papers))

    async def keep_fresh(self) -> None:
        """
        Read what has changed, if the last time is longer than `NOTICE_SECONDS` ago: the process stood still.

        Raises:
            Unavailable: the database does not answer.
        """
        if self._is_old():
            await self.refresh()

    async def current(self, quiz_id: str, version: int | None = None) -> Offered:
        """
        A quiz as it is now, or a version of it, for code that gives participants an answer.

        The record is at most `NOTICE_SECONDS` old, even if the process was stopped, so it shows every early
        close that has begun. While the database is down nobody can close a quiz early, and an older record is
        good enough.

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
                # Only the first requests wait: the loop goes on trying.
                self._database_away = True
        return await self.look_up(quiz_id, version)

    def _is_old(self) -> bool:
        return time.monotonic() - self._refreshed_at > NOTICE_SECONDS

    async def refresh(self) -> None:
        """Load what has changed; papers of an unchanged definition stay."""
        # One at a time: an earlier query must not overwrite what a later one has found.
        async with self._refreshing:
            await self._load()

    async def turn(self) -> float:
        """Refresh; returns seconds to rest."""
        await self.refresh()
        return REFRESH_SECONDS

    async def _load(self) -> None:
        # The time before the query: it may miss what changes while it runs.
        queried_at = time.monotonic()
        revisions = await self._quizzes.revisions()
        changed = [
            quiz_id
            for quiz_id, (revision, _) in revisions.items()
            if quiz_id not in self._offered or self._offered[quiz_id].record.revision != revision
        ]
        for removed in self._offered.keys() - revisions.keys():
            del self._offered[removed]
        self._unread = {quiz_id: known for quiz_id, known in self._unread.items() if quiz_id in revisions}
        # One by one: the check of a large definition takes milliseconds, and requests wait meanwhile.
        await each(LOOP, changed, self._read)
        self._refreshed_at, self._database_away = queried_at, False

    async def _read(self, quiz_id: str) -> None:
        known = self._offered.get(quiz_id) or self._unread.get(quiz_id)
        version = (known.record.version, known.record.quiz) if known else None
        try:
            record = await self._quizzes.read(quiz_id, version)
        except Unavailable:
            # The database is down: the old record is good enough.
            raise
        except Exception:
            self._offered.pop(quiz_id, None)
            self._unread[quiz_id] = known
            raise
        self._unread.pop(quiz_id, None)
        if record is not None:
            metrics.begin(quiz_id)
            self._offered[quiz_id] = known.renewed(record) if known else Offered(record, kept=self._papers)

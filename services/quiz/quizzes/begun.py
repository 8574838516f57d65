"""Quizzes of which something is graded are marked as begun: nobody changes or removes them any more."""

from collections.abc import Collection

from services.quiz.quizzes.changes import VERSIONS, version_id
from services.quiz.quizzes.marks import QUIZZES
from shared.storage.mongo import Database, outages_named

Version = tuple[str, int]
"""A quiz and the number of its version."""


class Begun:
    """Marks quizzes; the database is asked once for each version and process."""

    def __init__(self, database: Database) -> None:
        self._quizzes = database[QUIZZES]
        self._versions = database[VERSIONS]
        self._known: set[Version] = set()

    async def mark(self, versions: Collection[Version]) -> set[Version]:
        """
        Mark the quizzes of these versions, before anything is stored that was graded by them.

        Returns: the versions that are gone: the quiz was removed, or changed before it had opened.
        """
        new = {one for one in versions if one not in self._known}
        if not new:
            return set()
        if kept := await self._kept(new):
            ids = sorted({quiz_id for quiz_id, _ in kept})
            with outages_named():
                await self._quizzes.update_many({"_id": {"$in": ids}}, {"$set": {"begun": True}})
            # A removal may have come in between. None comes from now on.
            kept = await self._kept(kept)
            self._known |= kept
        return new - kept

    async def _kept(self, versions: Collection[Version]) -> set[Version]:
        ids = {version_id(*one): one for one in versions}
        with outages_named():
            found = await self._versions.find({"_id": {"$in": list(ids)}}, {"_id": 1}).to_list(None)
        return {ids[one["_id"]] for one in found}

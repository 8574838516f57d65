"""
What was seen last, as it is stored.

watched   `behind`: by group of consumers, how far it is behind; `services`: what each service said; with the
          time of each. Several workers write the same, and the last one counts
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from services.overview.watching.rules import Answer, Watched, is_fresh
from shared.storage.mongo import Database, Document, outages_named

WATCHED = "watched"
BEHIND, SERVICES = "behind", "services"


class WatchStore:
    """Reads and writes what was seen; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._watched = database[WATCHED]

    async def keep_behind(self, behind: Mapping[str, int], now: datetime) -> None:
        """Keep how far each group is behind."""
        await self._keep(BEHIND, {"at": now, "groups": dict(behind)})

    async def keep_answers(self, answers: Sequence[Answer], now: datetime) -> None:
        """Keep what the services said."""
        await self._keep(SERVICES, {"at": now, "answers": msgspec.to_builtins(answers)})

    async def read(self, now: datetime) -> Watched:
        """What was seen last, if that was a moment ago."""
        with outages_named():
            found = {one["_id"]: one for one in await self._watched.find().to_list(None)}
        fresh: Document = {name: one for name, one in found.items() if is_fresh(one["at"], now)}
        return Watched(
            fresh[BEHIND]["groups"] if BEHIND in fresh else None,
            msgspec.convert(fresh[SERVICES]["answers"], list[Answer]) if SERVICES in fresh else None,
        )

    async def _keep(self, name: str, document: Document) -> None:
        with outages_named():
            await self._watched.replace_one({"_id": name}, document, upsert=True)

"""
Panels and scores in MongoDB; ids and numbers only.

selection_panels   `_id` is the selection's id: the experts, their conflicts, and who judges whom
selection_scores   `_id` is "selection/expert/nominee": all versions
"""

from collections.abc import Collection
from datetime import datetime

import msgspec

from services.awards.judging.rules import Panel, Scores
from shared.storage.mongo import ASCENDING, Database, create_missing, outages_named
from shared.storage.unit_of_work import UnitOfWork


class JudgingStore:
    """Panels and scores. Whoever writes them has locked their selection. Raises Unavailable in an outage."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._panels = database["selection_panels"]
        self._scores = database["selection_scores"]

    async def prepare(self) -> None:
        """Create the collections now: creating one in a transaction causes conflicts."""
        with outages_named():
            await create_missing(self._database, ("selection_panels", "selection_scores"))
            await self._panels.create_index([("expert_ids", ASCENDING)])
            await self._scores.create_index([("participant_id", ASCENDING)])
            await self._scores.create_index([("expert_id", ASCENDING)])

    async def panel(self, selection_id: str, unit: UnitOfWork | None = None) -> Panel:
        """The experts of a selection; nobody, if none is named yet."""
        with outages_named():
            found = await self._panels.find_one({"_id": selection_id}, session=unit and unit.session)
        return msgspec.convert(found, Panel) if found else Panel(selection_id)

    async def save_panel(self, unit: UnitOfWork, panel: Panel) -> None:
        """Write a panel."""
        await self._panels.replace_one(
            {"_id": panel.selection_id}, msgspec.to_builtins(panel), upsert=True, session=unit.session
        )

    async def of_expert(self, expert_id: str) -> list[str]:
        """The selections of which somebody is an expert."""
        with outages_named():
            found = await self._panels.find({"expert_ids": expert_id}, {"_id": 1}).to_list(None)
        return sorted(one["_id"] for one in found)

    async def scores(self, selection_id: str, unit: UnitOfWork | None = None) -> list[Scores]:
        """All scores of a selection, also those that do not count."""
        return await self._of(f"{selection_id}/", unit)

    async def scores_by(self, selection_id: str, expert_id: str) -> dict[str, Scores]:
        """By nominee, the scores that an expert has given."""
        found = await self._of(f"{selection_id}/{expert_id}/", None)
        return {one.participant_id: one for one in found}

    async def _of(self, prefix: str, unit: UnitOfWork | None) -> list[Scores]:
        # All ids with this prefix: a zero follows the slash in ASCII.
        ids = {"$gte": prefix, "$lt": f"{prefix[:-1]}0"}
        with outages_named():
            found = self._scores.find({"_id": ids}, session=unit and unit.session).sort("_id", ASCENDING)
            return [msgspec.convert(one, Scores) for one in await found.to_list(None)]

    async def score(self, unit: UnitOfWork, selection_id: str, expert_id: str, participant_id: str) -> Scores:
        """What an expert has given a nominee so far."""
        id_ = f"{selection_id}/{expert_id}/{participant_id}"
        found = await self._scores.find_one({"_id": id_}, session=unit.session)
        return msgspec.convert(found, Scores) if found else Scores(selection_id, expert_id, participant_id)

    async def save_scores(self, unit: UnitOfWork, scores: Scores) -> None:
        """Write what an expert has given a nominee."""
        id_ = f"{scores.selection_id}/{scores.expert_id}/{scores.participant_id}"
        document = msgspec.to_builtins(scores, builtin_types=(datetime,))
        await self._scores.replace_one({"_id": id_}, document, upsert=True, session=unit.session)

    async def forget(self, participant_ids: Collection[str]) -> None:
        """Delete the scores of erased people, as experts and as nominees."""
        these = {"$in": sorted(participant_ids)}
        with outages_named():
            await self._scores.delete_many({"expert_id": these})
            await self._scores.delete_many({"participant_id": these})

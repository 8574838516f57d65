"""
Counts over the collections `awards` and `participants`, which other rooms own.

The database counts: no award and no profile leaves it. A scheme's awards are one range of ids, so a count of
few schemes reads only theirs.
"""

from collections.abc import Collection, Mapping
from typing import Any

from services.awards.statistics.rules import By, Count, Row
from shared.runtime.errors import Conflict
from shared.runtime.owned_ids import ids_in
from shared.storage.mongo import Database, Document, outages_named

# 100,000 awards of as many participants take about a second.
COUNT_MS_MAX = 10_000
# Districts, units and audiences that somebody has in common. Participants choose the text of their district.
ROWS_MAX = 50_000

_IS_HELD: Document = {"$eq": [{"$type": "$revoked_at"}, "missing"]}
_IS_SUPERSEDED: Document = {"$ne": [{"$type": "$superseded_by"}, "missing"]}
_STATUS: Document = {
    "$cond": [_IS_HELD, "held", {"$cond": [_IS_SUPERSEDED, "superseded", "revoked"]}],
}
_STATUSES = ("held", "revoked", "superseded")
_ONES: Document = {one: {"$cond": [{"$eq": [_STATUS, one]}, 1, 0]} for one in _STATUSES}
_PROFILE: Document = {"district": 1, "group_id": 1, "audience": 1, "group": 1}


class StatisticsStore:
    """Counts awards. Raises Unavailable while the database is away, or counts for too long."""

    def __init__(self, database: Database) -> None:
        self._awards = database["awards"]

    async def by_award(self, scheme_ids: Collection[str] | None) -> list[Row]:
        """By scheme, tier and kind; of these schemes, or of all."""
        names = {"scheme": "$scheme_id", "tier": "$tier", "kind": "$kind"}
        sums: Document = {name: {"$sum": one} for name, one in _ONES.items()}
        found = await self._count([*_of(scheme_ids), {"$group": {"_id": names, **sums}}])
        return [Row(_names(one["_id"], ("scheme", "tier", "kind")), _counted(one)) for one in found]

    async def by_recipient(self, scheme_ids: Collection[str] | None) -> list[Row]:
        """
        By district, unit and audience of the recipients; of these schemes, or of all.

        Raises:
            Conflict: there are more than `ROWS_MAX`.
        """
        names = {
            "district": "$district",
            "unit": {"$cond": ["$group", "$_id", "$group_id"]},
            "audience": {"$cond": ["$group", None, "$audience"]},
        }
        sums: Document = {one: {"$sum": f"${one}"} for one in _STATUSES}
        of_people: Document = {"recipients": {"$sum": 1}, "people": {"$sum": {"$cond": ["$group", 0, 1]}}}
        found = await self._count(
            [
                *_of(scheme_ids),
                {"$project": {"_id": "$recipient_id", **_ONES}},
                # All profiles: to look up that of each recipient takes three times as long.
                {"$unionWith": {"coll": "participants", "pipeline": [{"$project": _PROFILE}]}},
                # One of each recipient: the awards, and what the profile says.
                {"$group": {"_id": "$_id", **sums, **{name: {"$max": f"${name}"} for name in _PROFILE}}},
                {"$match": {"$or": [{one: {"$gt": 0}} for one in _STATUSES]}},
                {"$group": {"_id": names, **sums, **of_people}},
                {"$limit": ROWS_MAX + 1},
            ]
        )
        if len(found) > ROWS_MAX:
            raise Conflict(
                f"the recipients have more than {ROWS_MAX} districts, units and audiences together; "
                "ask for one scheme",
                code="too_many_cells",
            )
        return [Row(_names(one["_id"], ("district", "unit", "audience")), _counted(one)) for one in found]

    async def _count(self, pipeline: list[Document]) -> list[Any]:
        with outages_named():
            counting = self._awards.aggregate(pipeline, maxTimeMS=COUNT_MS_MAX)
            return list(await counting.to_list(None))


def _of(scheme_ids: Collection[str] | None) -> list[Document]:
    if scheme_ids is None:
        return []
    ranges = [(scheme_id, *ids_in(scheme_id)) for scheme_id in scheme_ids]
    which = [{"_id": {"$gt": first, "$lt": end}, "scheme_id": of} for of, first, end in ranges]
    return [{"$match": {"$or": which} if which else {"_id": {"$in": []}}}]


def _names(found: Mapping[str, str | None], of: tuple[By, ...]) -> dict[By, str | None]:
    return {by: found.get(by) for by in of}


def _counted(found: Mapping[str, int]) -> Count:
    return Count(
        found["held"],
        found["revoked"],
        found["superseded"],
        found.get("recipients", 0),
        found.get("people", 0),
    )

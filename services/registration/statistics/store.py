"""
Counts over the collections `registrations` and `participants`, which other rooms own.

It only counts, and the database does it: no document of a person leaves the database. Each count reads an
index of `registrations`; those by audience and district look up each participant too.
"""

from collections.abc import Collection
from typing import Any

from services.registration.booking.rules import Status
from services.registration.statistics.rules import Count
from shared.storage.mongo import Database, Document, outages_named

# Participants choose the text of their district, so there may be any number. The largest are shown.
DISTRICTS_MAX = 200
# An activity with 100,000 registrations takes about two seconds.
COUNT_MS_MAX = 10_000

Row = tuple[str | None, Status, Count]

_SUMS: Document = {"registrations": {"$sum": 1}, "places": {"$sum": "$places"}}


class StatisticsStore:
    """Counts registrations. Raises Unavailable while the database is away, or counts for too long."""

    def __init__(self, database: Database) -> None:
        self._registrations = database["registrations"]

    async def by_session(self, session_ids: Collection[str]) -> list[Row]:
        """By session and status. Reads only an index."""
        return _rows(
            await self._count(
                [
                    {"$match": {"session_id": {"$in": list(session_ids)}}},
                    {"$group": {"_id": {"of": "$session_id", "status": "$status"}, **_SUMS}},
                ]
            )
        )

    async def by_person(self, session_ids: Collection[str]) -> tuple[list[Row], list[Row]]:
        """By audience and status, and by district and status. None: they did not say, or are erased."""
        person = {
            "from": "participants",
            "localField": "participant_id",
            "foreignField": "_id",
            "pipeline": [{"$project": {"_id": 0, "audience": 1, "district": 1}}],
            "as": "person",
        }
        [found] = await self._count(
            [
                {"$match": {"session_id": {"$in": list(session_ids)}}},
                {"$lookup": person},
                {
                    "$group": {
                        "_id": {
                            "audience": {"$first": "$person.audience"},
                            "district": {"$first": "$person.district"},
                            "status": "$status",
                        },
                        **_SUMS,
                    }
                },
                {
                    "$facet": {
                        "audiences": [_sum_by("audience")],
                        "districts": [_sum_by("district"), *_largest_first()],
                    }
                },
            ]
        )
        return _rows(found["audiences"]), _rows(found["districts"])

    async def _count(self, pipeline: list[Document]) -> list[Any]:
        with outages_named():
            counting = self._registrations.aggregate(pipeline, maxTimeMS=COUNT_MS_MAX)
            return list(await counting.to_list(None))


def _sum_by(part: str) -> Document:
    sums = {"registrations": {"$sum": "$registrations"}, "places": {"$sum": "$places"}}
    return {"$group": {"_id": {"of": {"$ifNull": [f"$_id.{part}", None]}, "status": "$_id.status"}, **sums}}


def _largest_first() -> list[Document]:
    """The rows of those with most registrations."""
    return [
        {"$group": {"_id": "$_id.of", "all": {"$sum": "$registrations"}, "rows": {"$push": "$$ROOT"}}},
        {"$sort": {"all": -1, "_id": 1}},
        {"$limit": DISTRICTS_MAX},
        {"$unwind": "$rows"},
        {"$replaceRoot": {"newRoot": "$rows"}},
    ]


def _rows(found: list[Document]) -> list[Row]:
    return [
        (one["_id"].get("of"), one["_id"]["status"], Count(one["registrations"], one["places"]))
        for one in found
    ]

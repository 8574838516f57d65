"""
The counts as they are stored.

counts    one document: by topic, how many events there were (`total`), and behind which offset of each
          partition the next new one lies (`next`)
minutes   one for each minute in which something happened: how many events of each topic; kept for 30 days
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.overview.counting.rules import KEPT, Counted, Happened, Place, count
from shared.contracts.topics import COUNTED
from shared.storage import mongo
from shared.storage.documents import lock_one
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne, outages_named
from shared.storage.unit_of_work import UnitOfWork, save_together

COUNTS, MINUTES = "counts", "minutes"
ALL = "all"
# A name of a field has no dots.
_FIELDS: Mapping[str, str] = {topic.name: topic.name.replace(".", "_") for topic in COUNTED}


class Minute(NamedTuple):
    """What happened in a minute: how many events by topic."""

    at: datetime
    events: Mapping[str, int]


class Counts(NamedTuple):
    """
    What has happened since the beginning, and in the last minutes.

    Attributes:
        newest_at: when the newest event that is counted happened; None: nothing has.
        minutes: those in which something happened, the earliest first.
    """

    totals: Mapping[str, int]
    newest_at: datetime | None
    minutes: Sequence[Minute]


class CountStore:
    """Reads and writes the counts; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts = database[COUNTS]
        self._minutes = database[MINUTES]

    async def prepare(self) -> None:
        """Create the collections now: creating one in a transaction causes conflicts."""
        with outages_named():
            await mongo.create_missing(self._database, (COUNTS, MINUTES))
        await mongo.delete_after(self._minutes, "at", KEPT)
        await mongo.insert_new(self._counts, [{"_id": ALL}])

    async def add(self, batch: Sequence[Happened], now: datetime) -> Counted:
        """Count what is new in a batch. A repeat counts nothing."""

        async def work(unit: UnitOfWork) -> Counted:
            # Another process that counts at the same time waits for this one: the document has all positions.
            found = await lock_one(self._counts, ALL, unit.session) or {}
            counted = count(batch, _positions(found), now)
            if counted.positions:
                change = _update(counted)
                await self._counts.update_one({"_id": ALL}, change, upsert=True, session=unit.session)
            if counted.minutes:
                minutes = [_of_minute(at, events) for at, events in counted.minutes.items()]
                await self._minutes.bulk_write(minutes, session=unit.session)
            return counted

        return await save_together(self._database, work)

    async def read(self, since: datetime) -> Counts:
        """The counts, with the minutes from this one on."""
        with outages_named():
            found = await self._counts.find_one({"_id": ALL}) or {}
            minutes = await self._minutes.find({"at": {"$gte": since}}).sort("at", ASCENDING).to_list(None)
        return Counts(
            _by_topic(found.get("total", {})),
            found.get("newest_at"),
            [Minute(one["at"], _by_topic(one["events"])) for one in minutes],
        )


def _positions(found: Document) -> dict[Place, int]:
    behind: Document = found.get("next", {})
    return {
        Place(topic, int(partition)): offset
        for topic, field in _FIELDS.items()
        for partition, offset in behind.get(field, {}).items()
    }


def _update(counted: Counted) -> Document:
    behind = {f"next.{_FIELDS[at.topic]}.{at.partition}": offset for at, offset in counted.positions.items()}
    update: Document = {"$set": behind}
    if counted.totals:
        update |= {"$inc": _by_field("total", counted.totals), "$max": {"newest_at": counted.newest_at}}
    return update


def _of_minute(at: datetime, events: Mapping[str, int]) -> UpdateOne:
    return UpdateOne({"_id": at}, {"$set": {"at": at}, "$inc": _by_field("events", events)}, upsert=True)


def _by_field(within: str, events: Mapping[str, int]) -> dict[str, int]:
    return {f"{within}.{_FIELDS[topic]}": number for topic, number in events.items()}


def _by_topic(events: Document) -> dict[str, int]:
    return {topic: events.get(field, 0) for topic, field in _FIELDS.items()}

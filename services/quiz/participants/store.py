"""
Profiles and erasures as they are stored.

participants   group, district and audience, taken from an event only if its version is higher. Of an erased
               participant only the id stays, until no older event can come that would bring the profile back.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime

from services.quiz.participants.rules import Erasure, Profile, ProfileChange
from shared.contracts.topics import TOMBSTONES_KEPT
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne, outages_named

SWEEPS_MAX = 100
# Between so many erased people that are read, everybody else has a turn.
ERASED_AT_ONCE = 1_000


class ParticipantStore:
    """Reads and writes profiles and erasures; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._participants = database["participants"]

    async def prepare(self) -> None:
        """Create the indexes; two of them contain only erased people."""
        with outages_named():
            await mongo.delete_after(
                self._participants,
                "erased_at",
                TOMBSTONES_KEPT,
                partialFilterExpression={"erased": True},
            )
            await self._participants.create_index([("sweep_at", ASCENDING)], sparse=True)

    async def profiles(self, participant_ids: Collection[str]) -> dict[str, Profile]:
        """The profiles of these participants, if known."""
        if not participant_ids:
            return {}
        with outages_named():
            found = await self._participants.find({"_id": {"$in": list(participant_ids)}}).to_list(None)
        return {
            document["_id"]: Profile(
                document["group_id"], document["district"], "erased" in document, document.get("audience")
            )
            for document in found
        }

    async def save(self, changes: Mapping[str, ProfileChange]) -> None:
        """
        Store new data: a profile only with a higher version, an erasure in any case.

        The condition is part of the update. So an event that comes late, or a second time, changes nothing.
        """
        if changes:
            with outages_named():
                await self._participants.bulk_write(
                    [
                        UpdateOne({"_id": who}, _update(change), upsert=True)
                        for who, change in changes.items()
                    ],
                    ordered=False,
                )

    async def erased_since(self, since: datetime) -> AsyncIterator[Erasure]:
        """Who was erased at that time or later, in this order."""
        which: Document = {"erased": True, "erased_at": {"$gte": since}}
        with outages_named():
            found = self._participants.find(which, {"erased_at": 1}).sort([("erased_at", ASCENDING)])
            # Each batch is a round trip, in which others have their turn.
            async for one in found.batch_size(ERASED_AT_ONCE):
                yield Erasure(one["_id"], one["erased_at"])

    async def to_sweep(self, now: datetime) -> list[Erasure]:
        """The erasures whose traces have to be removed now, at most `SWEEPS_MAX`."""
        with outages_named():
            found = (
                await self._participants.find({"sweep_at": {"$lte": now}}, {"erased_at": 1})
                .sort([("sweep_at", ASCENDING)])
                .limit(SWEEPS_MAX)
                .to_list(None)
            )
        return [Erasure(one["_id"], one["erased_at"]) for one in found]

    async def sweep_again(self, participant_id: str, at: datetime | None) -> None:
        """Remove traces once more then, or never again."""
        change: Document = {"$set": {"sweep_at": at}} if at else {"$unset": {"sweep_at": ""}}
        with outages_named():
            await self._participants.update_one({"_id": participant_id}, change)


def _update(change: ProfileChange) -> list[Document]:
    version = {"$max": ["$version", change.version]}
    if change.profile is None:
        return [
            {
                "$set": {
                    "group_id": None,
                    "district": None,
                    "audience": None,
                    "erased": True,
                    "version": version,
                    # The server's clock: all processes search for news by this clock.
                    "erased_at": {"$ifNull": ["$erased_at", "$$NOW"]},
                    # A repeat of the event makes nothing due again.
                    "sweep_at": {"$cond": ["$erased", "$sweep_at", "$$NOW"]},
                }
            }
        ]
    old = {"$or": ["$erased", {"$gte": ["$version", change.version]}]}
    profile = change.profile
    fields = {"group_id": profile.group_id, "district": profile.district, "audience": profile.audience}
    # $literal, since a text may start with a dollar sign.
    kept = {name: {"$cond": [old, f"${name}", {"$literal": text}]} for name, text in fields.items()}
    return [{"$set": {**kept, "version": version}}]

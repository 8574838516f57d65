"""
Participants as quiz knows them, and the submissions that wait for one.

participants   group and district, taken from an event only if its version is higher; who is erased stays
               here with the id alone, so that nothing brings the rest back
parked         _id is the attempt's id: the first submission of it, until its participant is known
"""

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from services.quiz.quizzes.rules import QUIZ_DAYS_MAX
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne, outages_named

PARKED_MAX = 1_000
# The close grades what waits. So this is only for what no close has found.
PARKED_DAYS_KEPT = QUIZ_DAYS_MAX + 30
DAY_SECONDS = 86_400
SWEEPS_MAX = 100


class Profile(msgspec.Struct, frozen=True, gc=False):
    """What is known of a participant; made by the thousand."""

    group_id: str | None
    district: str | None
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What an event tells of a participant; `profile` is None where the participant is erased."""

    version: int
    profile: Profile | None


@dataclass(frozen=True, slots=True)
class Parked:
    """A submission whose participant is not known yet, as it came in."""

    attempt_id: str
    participant_id: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    appended_at: datetime
    quiz_id: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody was erased, and their traces are to be removed."""

    participant_id: str
    erased_at: datetime


class Participants:
    """Reads and writes profiles and what waits for them; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._participants = database["participants"]
        self._parked = database["parked"]

    async def prepare(self) -> None:
        """Create the indexes; those of erasures hold the erased alone."""
        with outages_named():
            await self._participants.create_index(
                [("erased_at", ASCENDING)], partialFilterExpression={"erased": True}
            )
            await self._participants.create_index([("sweep_at", ASCENDING)], sparse=True)
            await self._parked.create_index([("participant_id", ASCENDING)])
            await self._parked.create_index([("quiz_id", ASCENDING)])
            await self._parked.create_index(
                [("appended_at", ASCENDING)], expireAfterSeconds=PARKED_DAYS_KEPT * DAY_SECONDS
            )

    async def profiles(self, participant_ids: Ids[str]) -> dict[str, Profile]:
        """What is known of these participants."""
        if not participant_ids:
            return {}
        with outages_named():
            found = await self._participants.find({"_id": {"$in": list(participant_ids)}}).to_list(None)
        return {
            document["_id"]: Profile(document["group_id"], document["district"], "erased" in document)
            for document in found
        }

    async def save(self, changes: Mapping[str, Change]) -> None:
        """
        Keep what is new: a profile only by a higher version, an erasure for good.

        The condition is part of the update, so whoever comes late or at once changes nothing back.
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

    async def erased_since(self, since: datetime | None) -> list[Erasure]:
        """Who was erased at that time or later; all of them where none is given."""
        which: Document = {"erased": True, **({"erased_at": {"$gte": since}} if since else {})}
        with outages_named():
            found = (
                await self._participants.find(which, {"erased_at": 1})
                .sort([("erased_at", ASCENDING)])
                .to_list(None)
            )
        return [Erasure(one["_id"], one["erased_at"]) for one in found]

    async def to_sweep(self, now: datetime) -> list[Erasure]:
        """Whose traces are to be removed now, at most `SWEEPS_MAX`."""
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

    # Submissions that wait

    async def park(self, parked: Sequence[Parked]) -> None:
        """Keep submissions until their participants are known; the first of an attempt stays."""
        await mongo.insert_new(
            self._parked,
            [
                {
                    "_id": one.attempt_id,
                    "participant_id": one.participant_id,
                    "value": one.value,
                    "headers": [[name, value] for name, value in one.headers],
                    "appended_at": one.appended_at,
                    "quiz_id": one.quiz_id,
                }
                for one in parked
            ],
        )

    async def parked(self, participant_ids: Ids[str]) -> list[Parked]:
        """The submissions that wait for these participants."""
        if not participant_ids:
            return []
        with outages_named():
            found = await self._parked.find({"participant_id": {"$in": list(participant_ids)}}).to_list(None)
        return [_parked(document) for document in found]

    async def parked_attempts(self, attempt_ids: Ids[str]) -> frozenset[str]:
        """Those of these attempts whose submission waits."""
        with outages_named():
            found = await self._parked.find({"_id": {"$in": list(attempt_ids)}}, {"_id": 1}).to_list(None)
        return frozenset(document["_id"] for document in found)

    async def any_parked(self) -> bool:
        """Whether any submission waits."""
        with outages_named():
            return await self._parked.find_one({}, {"_id": 1}) is not None

    async def parked_of_quiz(self, quiz_id: str) -> list[Parked]:
        """Submissions of a quiz that wait, at most `PARKED_MAX` of them."""
        with outages_named():
            found = await self._parked.find({"quiz_id": quiz_id}).limit(PARKED_MAX).to_list(None)
        return [_parked(document) for document in found]

    async def unpark(self, attempt_ids: Ids[str]) -> None:
        """Forget submissions that wait no longer."""
        if attempt_ids:
            with outages_named():
                await self._parked.delete_many({"_id": {"$in": list(attempt_ids)}})

    async def unpark_all_of(self, participant_ids: Ids[str]) -> int:
        """Forget what waits for these participants; returns how many there were."""
        if not participant_ids:
            return 0
        with outages_named():
            gone = await self._parked.delete_many({"participant_id": {"$in": list(participant_ids)}})
        return gone.deleted_count


def next_sweep(erasure: Erasure, again_seconds: float, now: datetime) -> datetime | None:
    """When to sweep once more, after a sweep that began at `now`; None after the last one."""
    last = erasure.erased_at + timedelta(seconds=again_seconds)
    return last if now < last else None


def _update(change: Change) -> list[Document]:
    version = {"$max": ["$version", change.version]}
    if change.profile is None:
        return [
            {
                "$set": {
                    "group_id": None,
                    "district": None,
                    "erased": True,
                    "version": version,
                    # The server's clock, by which all processes look for what is new.
                    "erased_at": {"$ifNull": ["$erased_at", "$$NOW"]},
                    # Told again, nothing is due again.
                    "sweep_at": {"$cond": ["$erased", "$sweep_at", "$$NOW"]},
                }
            }
        ]
    old = {"$or": ["$erased", {"$gte": ["$version", change.version]}]}
    fields = {"group_id": change.profile.group_id, "district": change.profile.district}
    # $literal, since a text may start with a dollar sign.
    kept = {name: {"$cond": [old, f"${name}", {"$literal": text}]} for name, text in fields.items()}
    return [{"$set": {**kept, "version": version}}]


def _parked(document: Document) -> Parked:
    headers = tuple((name, bytes(value)) for name, value in document["headers"])
    return Parked(
        document["_id"],
        document["participant_id"],
        bytes(document["value"]),
        headers,
        document["appended_at"],
        document["quiz_id"],
    )

"""
Messages of erased people in MongoDB. They lose their facts, and those that are still open are cancelled.

An event erases at most `SLICE_MESSAGES` messages, so that a participant with very many keeps no other event
waiting. The rest is left to the background. The collection `erasures` has whose erasure is not finished:

_id          the participant
after        the messages with ids up to this one are erased
"""

from collections.abc import Sequence
from datetime import datetime

from services.notifications.messages.documents import ids_to
from services.notifications.messages.rules import ERASED, OPEN
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne

# How many messages one call erases.
SLICE_MESSAGES = 1_000


class ErasureStore:
    """Erases messages, a bounded number in each call."""

    def __init__(self, database: Database) -> None:
        self._messages = database["messages"]
        self._erasures = database["erasures"]

    async def erase_to(self, participant_ids: Sequence[str], now: datetime) -> None:
        """
        Erase messages to these participants. If they have many, the rest is marked for `go_on`.

        Call it after the erasure is stored in `contacts`, and again whenever a message may have been stored
        by somebody who had not seen that.
        """
        if not participant_ids:
            return
        with mongo.outages_named():
            ids = await self._next(participant_ids, "")
            await self._erase(ids, now)
            if len(ids) == SLICE_MESSAGES:
                begun: Document = {"$set": {"after": ""}}
                marks = [UpdateOne({"_id": id_}, begun, upsert=True) for id_ in set(participant_ids)]
                await self._erasures.bulk_write(marks, ordered=False)

    async def pending(self, after: str, limit: int) -> list[str]:
        """The participants after this id whose erasure is not finished, at most `limit`, in order."""
        with mongo.outages_named():
            found = self._erasures.find({"_id": {"$gt": after}}, {"_id": 1}).sort("_id", ASCENDING)
            return [document["_id"] for document in await found.limit(limit).to_list(None)]

    async def go_on(self, participant_id: str, now: datetime) -> bool:
        """
        Erase the next messages to this participant. Several processes may do it at the same time.

        Returns: whether there may be more.
        """
        with mongo.outages_named():
            mark = await self._erasures.find_one({"_id": participant_id})
            if mark is None:
                return False
            ids = await self._next([participant_id], mark["after"])
            await self._erase(ids, now)
            # If the mark has changed meanwhile, another process has moved on, or an event began again.
            if len(ids) == SLICE_MESSAGES:
                await self._erasures.update_one(mark, {"$set": {"after": ids[-1]}})
                return True
            return (await self._erasures.delete_one(mark)).deleted_count == 0

    async def _next(self, participant_ids: Sequence[str], after: str) -> list[str]:
        """The ids of the next messages after this id to these participants, at most `SLICE_MESSAGES`."""
        these = {
            "_id": ids_to(participant_ids) | {"$gt": after},
            "participant_id": {"$in": list(participant_ids)},
        }
        found = self._messages.find(these, {"_id": 1}).sort("_id", ASCENDING).limit(SLICE_MESSAGES)
        return [document["_id"] for document in await found.batch_size(SLICE_MESSAGES).to_list(None)]

    async def _erase(self, message_ids: Sequence[str], now: datetime) -> None:
        if not message_ids:
            return
        these = {"_id": {"$in": list(message_ids)}}
        cancelled = {"state": "cancelled", "code": ERASED, "finished_at": now}
        gone = {"due_at": "", "late_since": "", "expires_at": "", "claim": ""}
        await self._messages.update_many(
            {**these, "state": {"$in": OPEN}}, {"$set": cancelled, "$unset": gone}
        )
        await self._messages.update_many({**these, "facts": {"$exists": True}}, {"$unset": {"facts": ""}})

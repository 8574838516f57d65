"""
Deliveries and bodies in MongoDB, both kept for `KEPT`, and who was erased.

deliveries   `_id` is the endpoint's key and the message's id, so a repeat inserts nothing. A claim is a
             lease: `due_at` of a claimed delivery is the end of the claim. After that any process may claim
             it again.
bodies       one for each event that some endpoint wants; all deliveries of the event share it
erased       `_id` is a participant who was erased
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from services.webhooks.deliveries.rules import (
    BACKLOG_MAX,
    BODY_GONE,
    FINISHED,
    KEPT,
    REPLAY_MAX,
    TRIES_SHOWN_MAX,
    Body,
    Claimed,
    Delivery,
    Due,
    State,
    Tried,
    delivery_id,
)
from services.webhooks.endpoints.rules import ERASED_TYPE
from shared.contracts.topics import TOMBSTONES_KEPT
from shared.runtime.errors import Conflict, NotFound
from shared.runtime.ids import random_id
from shared.storage import mongo
from shared.storage.documents import behind, latest_first
from shared.storage.mongo import ASCENDING, DESCENDING, Database, Document, IndexModel, ReturnDocument

COLLECTIONS = ("deliveries", "bodies", "erased")
# Bodies that one command inserts or reads: each has up to 0.8 MB.
BODIES_PER_COMMAND = 20
DUE = "due"


class DeliveryStore:
    """What is to be sent to whom, and what became of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._deliveries = database["deliveries"]
        self._bodies = database["bodies"]
        self._erased = database["erased"]

    async def prepare(self) -> None:
        """Create the collections and indexes."""
        with mongo.outages_named():
            await mongo.create_missing(self._database, COLLECTIONS)
            await self._deliveries.create_indexes(
                [
                    # Only unfinished deliveries are due.
                    IndexModel(
                        [("endpoint", ASCENDING), ("due_at", ASCENDING)],
                        name=DUE,
                        partialFilterExpression={"due_at": {"$exists": True}},
                    ),
                    IndexModel(
                        [
                            ("endpoint", ASCENDING),
                            ("state", ASCENDING),
                            ("appended_at", DESCENDING),
                            ("_id", DESCENDING),
                        ]
                    ),
                ]
            )
            await self._bodies.create_index(
                [("participant_id", ASCENDING)], partialFilterExpression={"participant_id": {"$exists": True}}
            )
        await mongo.delete_after(self._deliveries, "appended_at", KEPT)
        await mongo.delete_after(self._bodies, "appended_at", KEPT)
        await mongo.delete_after(self._erased, "at", TOMBSTONES_KEPT)

    async def add(self, due: Sequence[Due], now: datetime) -> None:
        """Store deliveries and their bodies. Those that are there stay as they are."""
        bodies = list({one.body.message_id: one.body for one in due}.values())
        for start in range(0, len(bodies), BODIES_PER_COMMAND):
            some = bodies[start : start + BODIES_PER_COMMAND]
            await mongo.insert_new(self._bodies, [_body_document(one) for one in some])
        # After the bodies: nobody claims a delivery whose body is not there yet.
        await mongo.insert_new(self._deliveries, [_new(one, now) for one in due])

    async def open_of(self, keys: Iterable[str]) -> dict[str, int]:
        """How many deliveries of each of these endpoints are not finished, counted up to `BACKLOG_MAX`."""
        with mongo.outages_named():
            return {
                key: await self._deliveries.count_documents(
                    {"endpoint": key, "due_at": {"$exists": True}}, limit=BACKLOG_MAX, hint=DUE
                )
                for key in keys
            }

    async def known_of(self, ids: Collection[str]) -> set[str]:
        """Those of these deliveries that are stored, finished or not."""
        with mongo.outages_named():
            found = self._deliveries.find({"_id": {"$in": list(ids)}}, {"_id": 1})
            return {document["_id"] async for document in found}

    async def claim(self, key: str, now: datetime, limit: int, lease: timedelta) -> tuple[str, list[Claimed]]:
        """
        Claim deliveries of an endpoint that are due, those first that are due for the longest time.

        A claim counts as a try. Returns: the claim's id, and what it holds.
        """
        claim = random_id()
        with mongo.outages_named():
            due: Document = {"endpoint": key, "due_at": {"$lte": now}}
            found = self._deliveries.find(due, {"_id": 1}, hint=DUE).sort("due_at", ASCENDING).limit(limit)
            ids = [document["_id"] for document in await found.to_list(None)]
            if not ids:
                return claim, []
            await self._deliveries.update_many(
                {"_id": {"$in": ids}, "due_at": {"$lte": now}},
                {"$set": {"claim": claim, "due_at": now + lease}, "$inc": {"attempts": 1}},
            )
            held = await self._deliveries.find({"_id": {"$in": ids}, "claim": claim}).to_list(None)
        return claim, [Claimed(one["_id"], one["message_id"], one["attempts"]) for one in held]

    async def content_of(self, message_id: str) -> bytes | None:
        """The body of a message; None if its participant was erased, or it is too old."""
        with mongo.outages_named():
            found = await self._bodies.find_one({"_id": message_id}, {"content": 1})
        return bytes(found["content"]) if found else None

    async def mark(
        self,
        claim: str,
        one: Claimed,
        tried: Tried,
        state: State,
        now: datetime,
        due_at: datetime | None = None,
    ) -> bool:
        """
        Save what became of a claimed delivery; False if this claim does not hold it any more.

        Args:
            due_at: of the next try; only of a pending one.
        """
        set_: Document = {"state": state}
        unset: Document = {"claim": ""}
        if state == "pending":
            set_["due_at"] = due_at or now
        else:
            set_["finished_at"] = now
            unset["due_at"] = ""
        if tried.code is None:
            unset["code"] = ""
        else:
            set_["code"] = tried.code
        seen = {"$each": [msgspec.structs.asdict(tried)], "$slice": -TRIES_SHOWN_MAX}
        change: Document = {"$set": set_, "$unset": unset, "$push": {"tried": seen}}
        with mongo.outages_named():
            marked = await self._deliveries.update_one({"_id": one.id, "claim": claim}, change)
        return bool(marked.matched_count)

    async def oldest_of(self, key: str, before: datetime) -> tuple[datetime, datetime] | None:
        """When the first and the last event was appended that waits for an endpoint from before this time."""
        with mongo.outages_named():
            found = [
                await self._deliveries.find_one(
                    _waiting(key, before), {"appended_at": 1}, sort=[("appended_at", way)]
                )
                for way in (ASCENDING, DESCENDING)
            ]
        first, last = (one and one["appended_at"] for one in found)
        return (first, last) if first and last else None

    async def end_old(self, key: str, before: datetime, now: datetime) -> int:
        """End what waits for an endpoint from before this time; returns how many deliveries."""
        change: Document = {
            "$set": {"state": "cancelled", "code": BODY_GONE, "finished_at": now},
            "$unset": {"due_at": ""},
        }
        with mongo.outages_named():
            return int((await self._deliveries.update_many(_waiting(key, before), change)).modified_count)

    async def page(
        self, key: str, states: Sequence[State], before: tuple[datetime, str] | None, limit: int
    ) -> list[Delivery]:
        """Deliveries of an endpoint in these states, the latest event first."""
        wanted: list[Document] = [
            {"endpoint": key, "state": state, **behind("appended_at", before)} for state in states
        ]
        with mongo.outages_named():
            found = self._deliveries.find({"$or": wanted}).sort(latest_first("appended_at")).limit(limit)
            return [_delivery(document) for document in await found.to_list(None)]

    async def get(self, key: str, message_id: str) -> Delivery:
        """
        The delivery of a message to an endpoint.

        Raises:
            NotFound: there is none (`delivery_unknown`).
        """
        with mongo.outages_named():
            document = await self._deliveries.find_one({"_id": delivery_id(key, message_id)})
        if document is None:
            raise _unknown(message_id)
        return _delivery(document)

    async def send_again(self, key: str, message_id: str, now: datetime) -> Delivery:
        """
        Start a finished delivery again, with all its tries. One that is not finished is tried now.

        Raises:
            NotFound: there is none.
            Conflict: its body is gone (`body_gone`).
        """
        if await self.content_of(message_id) is None:
            await self.get(key, message_id)
            raise Conflict(
                f"the body of message {message_id} is gone: its participant was erased, or it is too old",
                code="body_gone",
            )
        with mongo.outages_named():
            document = await self._deliveries.find_one_and_update(
                # One that is being sent at this moment has a claim, and stays with it.
                {"_id": delivery_id(key, message_id), "claim": {"$exists": False}},
                _again(now),
                return_document=ReturnDocument.AFTER,
            )
        return _delivery(document) if document else await self.get(key, message_id)

    async def replay(
        self, key: str, since: datetime, until: datetime, states: Collection[State], now: datetime
    ) -> int:
        """
        Start the finished deliveries of an endpoint again whose events were appended in this time.

        Returns: how many. Raises:
            Conflict: more than `REPLAY_MAX`, or more than its backlog has room for.
        """
        which: Document = {
            "endpoint": key,
            "state": {"$in": [state for state in FINISHED if state in states]},
            "appended_at": {"$gte": since, "$lt": until},
        }
        with mongo.outages_named():
            count = await self._deliveries.count_documents(which, limit=REPLAY_MAX + 1)
            if count > REPLAY_MAX:
                raise Conflict(
                    f"more than {REPLAY_MAX} deliveries are of this time: name a shorter one",
                    code="replay_too_large",
                    most=REPLAY_MAX,
                )
            open_ = (await self.open_of([key]))[key]
            if open_ + count > BACKLOG_MAX:
                raise Conflict(
                    f"{open_} deliveries are waiting already, and there may be {BACKLOG_MAX}: wait until "
                    "they are sent",
                    code="backlog_full",
                    waiting=open_,
                    most=BACKLOG_MAX,
                )
            changed = await self._deliveries.update_many(which, _again(now))
        return int(changed.modified_count)

    async def forget(self, participant_ids: Collection[str], now: datetime) -> None:
        """
        Delete what is stored about participants who were erased, and remember that they were.

        The event that says so stays, so that partners hear it. Deliveries whose body is gone are cancelled
        when their turn comes. A repeat changes nothing.
        """
        if not participant_ids:
            return
        marks = [{"_id": id_, "at": now} for id_ in participant_ids]
        await mongo.insert_new(self._erased, marks)
        with mongo.outages_named():
            await self._bodies.delete_many(
                {"participant_id": {"$in": list(participant_ids)}, "type": {"$ne": ERASED_TYPE}}
            )

    async def erased_of(self, participant_ids: Collection[str]) -> Mapping[str, datetime]:
        """Those of these participants who were erased, and when we heard of it."""
        if not participant_ids:
            return {}
        with mongo.outages_named():
            found = await self._erased.find({"_id": {"$in": list(participant_ids)}}).to_list(None)
        return {document["_id"]: document["at"] for document in found}


def _waiting(key: str, before: datetime) -> Document:
    # What is being sent at this moment is left to its sender.
    return {"endpoint": key, "state": "pending", "appended_at": {"$lt": before}, "claim": {"$exists": False}}


def _again(now: datetime) -> Document:
    return {
        "$set": {"state": "pending", "due_at": now, "attempts": 0},
        "$unset": {"code": "", "finished_at": ""},
    }


def _unknown(message_id: str) -> NotFound:
    return NotFound(f"there is no delivery of message {message_id} to it", code="delivery_unknown")


def _body_document(body: Body) -> Document:
    document: Document = msgspec.structs.asdict(body)
    document["_id"] = document.pop("message_id")
    if body.participant_id is None:
        # The index has only those with a participant.
        del document["participant_id"]
    return document


def _new(due: Due, now: datetime) -> Document:
    body = due.body
    return {
        "_id": due.id,
        "endpoint": due.endpoint.key,
        "message_id": body.message_id,
        "type": body.type,
        "event_id": body.event_id,
        "appended_at": body.appended_at,
        "state": "pending",
        "due_at": now,
        "attempts": 0,
    }


def _delivery(document: Document) -> Delivery:
    return Delivery(
        message_id=document["message_id"],
        type=document["type"],
        event_id=document["event_id"],
        appended_at=document["appended_at"],
        state=document["state"],
        attempts=document["attempts"],
        code=document.get("code"),
        due_at=document.get("due_at"),
        finished_at=document.get("finished_at"),
        tried=tuple(Tried(**one) for one in document.get("tried", ())),
    )

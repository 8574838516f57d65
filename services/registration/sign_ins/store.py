"""
The collections of this room. Nothing in them can be read as a contact, and everything is deleted by time.

sign_ins        sign-ins under way, for an hour. A newcomer's first one, whose id is the participant's, is
                here after the first code was given
sign_in_counts  how many sign-ins and changes were asked for in an hour, by keyed hashes of contacts, networks
                and participants
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from services.registration.sign_ins.rules import COUNTED_SECONDS, TRIES_MAX, SignIn, SignInId
from shared.storage import mongo
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import Database, Document, ReturnDocument, outages_named
from shared.storage.unit_of_work import UnitOfWork


class SignInStore:
    """Reads and writes sign-ins. Raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._sign_ins = database["sign_ins"]
        self._counts = database["sign_in_counts"]

    async def prepare(self) -> None:
        """Create the collections and their indexes. Creating them in a transaction would cause conflicts."""
        await mongo.delete_after(self._sign_ins, "expires_at", timedelta())
        await mongo.delete_after(self._counts, "began_at", timedelta(seconds=2 * COUNTED_SECONDS))

    async def count(self, key: str, now: datetime, number: int = 1) -> int:
        """
        Count under this key; how many there were, these included.

        Args:
            now: the key is forgotten two hours after this time.
            number: how many are counted; below 0 they are given back.
        """
        with outages_named():
            counted = await self._counts.find_one_and_update(
                {"_id": key},
                {"$inc": {"requests": number}, "$setOnInsert": {"began_at": now}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return int(counted["requests"])

    async def give_back(self, keys: Collection[str]) -> None:
        """Count one request less under each of these keys."""
        with outages_named():
            await self._counts.update_many({"_id": {"$in": list(keys)}}, {"$inc": {"requests": -1}})

    async def add(self, unit: UnitOfWork, sign_in: SignIn) -> None:
        await mongo.insert_in(self._sign_ins, [to_document(sign_in, "sign_in_id")], unit.session)

    async def try_once(self, id_: str, now: datetime) -> SignIn | None:
        """
        Count one more try of a sign-in, whatever follows; None if there is no such sign-in.

        The sign-in is returned as it is after that: `tries` is more than `TRIES_MAX` if there were enough.
        """
        with outages_named():
            found = await self._sign_ins.find_one_and_update(
                {"_id": id_, "expires_at": {"$gt": now}, "tries": {"$lte": TRIES_MAX}},
                {"$inc": {"tries": 1}},
                return_document=ReturnDocument.AFTER,
            ) or await self._sign_ins.find_one({"_id": id_, "expires_at": {"$gt": now}})
        return _sign_in(found) if found else None

    async def begin(self, sign_in: SignIn, now: datetime) -> SignIn:
        """Keep a newcomer's first sign-in, if it is not there, and count one more try of it."""
        document = to_document(sign_in, "sign_in_id")
        del document["_id"], document["tries"]
        with outages_named():
            # One that is over may not be deleted yet.
            await self._sign_ins.delete_one({"_id": sign_in.sign_in_id, "expires_at": {"$lte": now}})
            found = await self._sign_ins.find_one_and_update(
                {"_id": sign_in.sign_in_id},
                {"$inc": {"tries": 1}, "$setOnInsert": document},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return _sign_in(found)

    async def remove(self, unit: UnitOfWork, id_: SignInId) -> None:
        await self._sign_ins.delete_one({"_id": id_}, session=unit.session)


def _sign_in(document: Document) -> SignIn:
    return from_document(SignIn, document, "sign_in_id")

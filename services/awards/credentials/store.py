"""
The places of credentials in the status lists.

A place is a number in all lists together: list, times the length of a list, plus index. It is given when
somebody asks for the credential for the first time, never when the award is issued. So issuing costs nothing
more.

awards         `credentials`: a list, for each version of the award that a credential was made of, `version`
and
               `place`. Its place's bit is set if the award has a higher version by now. So an award and its
               bit change in one write, and nothing is between them.
status_lists   One document a list: how many places were given. After a crash it may count some that nobody
has.
"""

from secrets import randbelow

from services.awards.credentials.rules import PLACES_USED_MAX, Changed
from services.awards.issued.rules import ISSUED, Award
from shared.credentials.status_list import LENGTH
from shared.runtime.errors import Unavailable
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, DESCENDING, Database, Document, DuplicateKeyError, ReturnDocument

PLACES = "places"
CHANGED_PLACES = "changed_places"
# In a list that is three quarters full, so many tries fail once in 100,000 times.
TRIES_MAX = 40
# More than one process may begin a new list.
LISTS_TRIED_MAX = 5


class PlaceStore:
    """Gives and finds places."""

    def __init__(self, database: Database) -> None:
        self._awards = database["awards"]
        self._lists = database["status_lists"]

    async def prepare(self) -> None:
        """Create the indexes and the first list. No award is in the indexes before it has a credential."""
        with mongo.outages_named():
            await self._awards.create_index(
                [("credentials.place", ASCENDING)],
                name=PLACES,
                unique=True,
                partialFilterExpression={"credentials": {"$exists": True}},
            )
            await self._awards.create_index(
                [("credentials.place", ASCENDING), ("version", ASCENDING)],
                name=CHANGED_PLACES,
                partialFilterExpression={"credentials": {"$exists": True}, "version": {"$gt": ISSUED}},
            )
            await self._add_list(0)

    async def place_of(self, award: Award) -> int | None:
        """The place of the credential of this version of a held award; None: the award has changed since."""
        with mongo.outages_named():
            found = await self._awards.find_one({"_id": award.award_id}, {"credentials": 1})
        place = _place_in(found or {}, award.version)
        return place if place is not None else await self._give(award)

    async def _give(self, award: Award) -> int | None:
        number = await self._list_with_room()
        # An older release stored no version.
        version = award.version if award.version > ISSUED else {"$in": [ISSUED, None]}
        still_held: Document = {
            "_id": award.award_id,
            "version": version,
            "revoked_at": None,
            "credentials.version": {"$ne": award.version},
        }
        for _ in range(TRIES_MAX):
            # Random, so that a place says nothing about when the award was given, or to whom.
            entry = {"version": award.version, "place": number * LENGTH + randbelow(LENGTH)}
            with mongo.outages_named():
                try:
                    changed = await self._awards.find_one_and_update(
                        still_held,
                        {"$push": {"credentials": entry}},
                        projection={"credentials": 1},
                        return_document=ReturnDocument.AFTER,
                    )
                except DuplicateKeyError:
                    continue
                # Somebody else has asked at the same moment, or the award has changed.
                found = changed or await self._awards.find_one({"_id": award.award_id}, {"credentials": 1})
            return _place_in(found or {}, award.version)
        raise Unavailable(f"status list {number} has no free place that could be found; try again")

    async def _list_with_room(self) -> int:
        """The number of a list that has room, where a place is counted now."""
        room = {"given": {"$lt": PLACES_USED_MAX}}
        for _ in range(LISTS_TRIED_MAX):
            with mongo.outages_named():
                found = await self._lists.find_one_and_update(
                    room, {"$inc": {"given": 1}}, sort=[("_id", ASCENDING)]
                )
                if found is not None:
                    return int(found["_id"])
                last = await self._lists.find_one({}, sort=[("_id", DESCENDING)])
            await self._add_list(last["_id"] + 1 if last else 0)
        raise Unavailable("no status list has room; try again")

    async def _add_list(self, number: int) -> None:
        await mongo.insert_new(self._lists, [{"_id": number, "given": 0}])

    async def has_list(self, number: int) -> bool:
        """True if there is this list."""
        with mongo.outages_named():
            return await self._lists.find_one({"_id": number}) is not None

    async def changed(self, number: int) -> list[Changed]:
        """The credentials of a list whose awards have changed since."""
        first = number * LENGTH
        inside = {"$elemMatch": {"place": {"$gte": first, "$lt": first + LENGTH}}}
        these: Document = {
            "$and": [{"credentials": {"$exists": True}}, {"credentials": inside}],
            "version": {"$gt": ISSUED},
        }
        with mongo.outages_named():
            answer = self._awards.find(these, {"credentials": 1, "version": 1, "revoked_at": 1, "_id": 0})
            found = await answer.hint(CHANGED_PLACES).to_list(None)
        return [
            Changed(entry["place"], is_superseded="revoked_at" not in one)
            for one in found
            for entry in one["credentials"]
            if entry["version"] < one["version"] and first <= entry["place"] < first + LENGTH
        ]


def _place_in(document: Document, version: int) -> int | None:
    entries = document.get("credentials", ())
    return next((int(entry["place"]) for entry in entries if entry["version"] == version), None)

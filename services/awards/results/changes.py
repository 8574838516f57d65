"""
Whose awards have to be compared with the results of now, in MongoDB.

changes   One document, a mark, for each quiz and participant for whom something has changed: a result has
          other points, a decision, other final standings. `PLACES` instead of a participant: an organiser
          has revoked or reinstated an award, so that others may move. Its id is
          "quiz/participant". `token` is another one each time. Deleted when the awards are compared.

Whoever changes a fact stores the fact first and then the mark. Whoever compares reads the mark first and then
the facts, and deletes the mark in the transaction that changes the awards, if it has the same token. So the
awards follow the last change, whoever runs at the same time.
"""

from collections.abc import Iterable, Mapping

from services.awards.results.decisions import place_of
from shared.runtime.ids import random_id
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne
from shared.storage.unit_of_work import UnitOfWork

MARKED_AT_ONCE_MAX = 1_000
BY_ID = [("_id", ASCENDING)]
# Not the id of a participant: everybody whose place may be another one now. Others are marked for it.
PLACES = "*"


class ChangeStore:
    """The marks of participants for whom something has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = database["changes"]

    async def prepare(self) -> None:
        """Create the collection now: creating it in a transaction causes conflicts."""
        with mongo.outages_named():
            await mongo.create_missing(self._database, [self._changes.name])

    async def mark(self, whom: Iterable[tuple[str, str]]) -> None:
        """Mark these quizzes and participants, again if they are marked already."""
        places = sorted({place_of(*one) for one in whom})
        for start in range(0, len(places), MARKED_AT_ONCE_MAX):
            updates = [
                UpdateOne({"_id": place}, {"$set": {"token": random_id()}}, upsert=True)
                for place in places[start : start + MARKED_AT_ONCE_MAX]
            ]
            with mongo.outages_named():
                await self._changes.bulk_write(updates, ordered=False)

    async def mark_places(self, unit: UnitOfWork, quiz_id: str) -> None:
        """Note in the transaction that places of this quiz are free now, or are not any more."""
        change = {"$set": {"token": random_id()}}
        which = {"_id": place_of(quiz_id, PLACES)}
        await self._changes.update_one(which, change, upsert=True, session=unit.session)

    async def mark_again(self, whom: Iterable[tuple[str, str]]) -> None:
        """Give those of these who are marked another token: whoever compares them has to read again."""
        with mongo.outages_named():
            # Mostly nobody is marked, and many results earn something.
            if await self._changes.find_one({}, {"_id": 1}, sort=BY_ID) is None:
                return
            these = {"_id": {"$in": sorted({place_of(*one) for one in whom})}}
            await self._changes.update_many(these, {"$set": {"token": random_id()}})

    async def quizzes(self, after: str, limit: int) -> list[str]:
        """The quizzes with marked participants, by id, from the one after `after`."""
        found: list[str] = []
        # "0" follows "/" in ASCII: the first mark after all those of one quiz is one of the next quiz.
        at = f"{after}0" if after else ""
        with mongo.outages_named():
            while len(found) < limit and (
                one := await self._changes.find_one({"_id": {"$gt": at}}, {"_id": 1}, sort=BY_ID)
            ):
                quiz_id = one["_id"].partition("/")[0]
                found.append(quiz_id)
                at = f"{quiz_id}0"
        return found

    async def of_quiz(self, quiz_id: str, limit: int) -> dict[str, str]:
        """The tokens of marked participants of a quiz, by participant."""
        these = {"_id": {"$gt": f"{quiz_id}/", "$lt": f"{quiz_id}0"}}
        with mongo.outages_named():
            found = await self._changes.find(these).sort(BY_ID).limit(limit).to_list(None)
        return {one["_id"].partition("/")[2]: one["token"] for one in found}

    async def clear(self, unit: UnitOfWork, quiz_id: str, tokens: Mapping[str, str]) -> set[str]:
        """
        Delete the marks of these participants, as far as they still have these tokens.

        Returns: the participants whose marks were deleted. All others are somebody else's turn.
        """
        places = {place_of(quiz_id, one): one for one in tokens}
        these: Document = {"_id": {"$in": list(places)}}
        found = await self._changes.find(these, session=unit.session).to_list(None)
        same = [one["_id"] for one in found if one["token"] == tokens[places[one["_id"]]]]
        if same:
            await self._changes.delete_many({"_id": {"$in": same}}, session=unit.session)
        return {places[place] for place in same}

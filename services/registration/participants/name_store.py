"""
The collection `award_names`: what participants chose about their names on awards. Who chose nothing has no
document. And of whom awards shall hear: the fields `to_name` and `named_fingerprint` in `participants`.
"""

from collections.abc import Collection, Mapping

from services.registration.participants.rules import NameChoice, ToName
from shared.storage import mongo
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne, outages_named
from shared.storage.unit_of_work import UnitOfWork

# Of what awards has heard.
NAMED = "named_fingerprint"
# There as long as awards has not heard of the last change. Each write of a participant sets it.
TO_NAME = "to_name"


class NameStore:
    """Reads and writes choices, and who is named."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._choices = database["award_names"]
        self._participants = database["participants"]

    async def prepare(self) -> None:
        """
        Create the collection now: creating one in a transaction causes conflicts. And the index, which holds
        only those of whom awards shall hear.
        """
        with outages_named():
            await mongo.create_missing(self._database, ["award_names"])
            await self._participants.create_index(
                [(TO_NAME, ASCENDING), ("_id", ASCENDING)],
                name=TO_NAME,
                partialFilterExpression={TO_NAME: True},
            )

    async def mark_unnamed(self) -> None:
        """Mark whom a release before has stored: awards shall hear of them too."""
        never: Document = {"erased_at": None, NAMED: {"$exists": False}, TO_NAME: {"$exists": False}}
        with outages_named():
            await self._participants.update_many(never, {"$set": {TO_NAME: True}})

    async def unnamed(self, after: str, limit: int) -> list[str]:
        """Those of whom awards shall hear: the ids after this one, at most `limit`, in order."""
        these: Document = {TO_NAME: True, "_id": {"$gt": after}}
        with outages_named():
            found = self._participants.find(these, {"_id": 1}).hint(TO_NAME).sort("_id", ASCENDING)
            return [document["_id"] for document in await found.limit(limit).to_list(None)]

    async def read(self, participant_id: str) -> NameChoice:
        """A participant's choice, outside of a transaction."""
        with outages_named():
            found = await self._choices.find_one({"_id": participant_id})
        return _choice(found) if found else NameChoice(participant_id)

    async def choices(self, unit: UnitOfWork, participant_ids: Collection[str]) -> dict[str, NameChoice]:
        """The choices of these participants; who chose nothing is left out."""
        these: Document = {"_id": {"$in": list(participant_ids)}}
        found = await self._choices.find(these, session=unit.session).to_list(None)
        return {document["_id"]: _choice(document) for document in found}

    async def save(self, unit: UnitOfWork, choice: NameChoice) -> None:
        document = to_document(choice, "participant_id")
        await self._choices.replace_one(
            {"_id": choice.participant_id}, document, upsert=True, session=unit.session
        )

    async def remove(self, unit: UnitOfWork, participant_id: str) -> None:
        await self._choices.delete_one({"_id": participant_id}, session=unit.session)

    async def to_name(self, unit: UnitOfWork, participant_ids: Collection[str]) -> list[ToName]:
        """Those of these participants who exist and are not erased; they are not locked."""
        these: Document = {"_id": {"$in": list(participant_ids)}, "erased_at": None}
        found = await self._participants.find(these, session=unit.session).to_list(None)
        return [
            ToName(
                document["_id"],
                document["version"],
                document["kind"],
                document["group_id"],
                document["district"],
                document["contact_locked"],
                document.get(NAMED),
            )
            for document in found
        ]

    async def mark_named(self, unit: UnitOfWork, named: Mapping[str, str]) -> None:
        """
        Note the fingerprints of what awards has heard of these participants.

        This write conflicts with an erasure at the same moment. So the name comes before the erasure in the
        topic, or not at all.
        """
        if named:
            await self._participants.bulk_write(
                [
                    UpdateOne({"_id": id_}, {"$set": {NAMED: mark}, "$unset": {TO_NAME: ""}})
                    for id_, mark in named.items()
                ],
                session=unit.session,
            )


def _choice(document: Document) -> NameChoice:
    return from_document(NameChoice, document, "participant_id")

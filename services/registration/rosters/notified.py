"""
The collection `members_notified`: who was notified of which group, by the ids of group and participant.

It stays when the group removes the member and enters the person again, so that nobody is notified twice. Only
an erasure deletes it.
"""

from collections.abc import Collection

from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, outages_named
from shared.storage.unit_of_work import UnitOfWork


class NotifiedMembers:
    """
    Remembers who was notified of a group.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._notified = database["members_notified"]

    async def prepare(self) -> None:
        """Create the collection and its index now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._notified.create_index([("participant_id", ASCENDING)])

    async def add_new(self, unit: UnitOfWork, group_id: str, participant_ids: Collection[str]) -> list[str]:
        """Note that these locked participants are notified of the group. Returns: who was not yet."""
        ids = {f"{group_id}/{one}": one for one in participant_ids}
        if not ids:
            return []
        these: Document = {"_id": {"$in": list(ids)}}
        found = await self._notified.find(these, {"_id": 1}, session=unit.session).to_list(None)
        known = {document["_id"] for document in found}
        new = {id_: one for id_, one in ids.items() if id_ not in known}
        documents: list[Document] = [{"_id": id_, "participant_id": one} for id_, one in new.items()]
        await mongo.insert_in(self._notified, documents, unit.session)
        return list(new.values())

    async def forget(self, participant_id: str) -> None:
        """Delete what is kept of an erased participant."""
        with outages_named():
            await self._notified.delete_many({"participant_id": participant_id})

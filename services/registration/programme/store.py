"""
The collections of this room.

activities      `_id` is the activity's id; a removed one stays, so that its versions go on
session_places  the old time and venue of moved sessions, until all their people are notified
"""

from datetime import datetime

from services.registration.programme.rules import Activity, EarlierVersion, activity_unknown
from shared.storage import mongo
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import ASCENDING, Database, Document, outages_named
from shared.storage.unit_of_work import UnitOfWork


class ActivityStore:
    """Reads activities; writes them in units of work. Raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._activities = database["activities"]
        self._earlier = database["session_places"]

    async def prepare(self) -> None:
        """Create the collections and their indexes. Creating them in a transaction would cause conflicts."""
        with outages_named():
            await self._activities.create_index([("starts_at", ASCENDING), ("_id", ASCENDING)])
            await self._earlier.create_index([("session_id", ASCENDING)])

    async def save(self, unit: UnitOfWork, activity: Activity) -> None:
        await self._activities.update_one(
            {"_id": activity.activity_id},
            {"$set": to_document(activity, "activity_id")},
            upsert=True,
            session=unit.session,
        )

    async def of(self, unit: UnitOfWork, activity_id: str) -> Activity | None:
        """
        An activity as this transaction sees it, also a removed one.

        Saving it conflicts with every change that another transaction has made meanwhile.
        """
        found = await self._activities.find({"_id": activity_id}, session=unit.session).to_list(1)
        return _activity(found[0]) if found else None

    async def existing(self, unit: UnitOfWork, activity_id: str) -> Activity:
        """
        As `of`.

        Raises:
            NotFound: there is no such activity, or it was removed.
        """
        activity = await self.of(unit, activity_id)
        if activity is None or activity.removed:
            raise activity_unknown(activity_id)
        return activity

    async def page(self, after: tuple[datetime, str] | None, limit: int, *, drafts: bool) -> list[Activity]:
        """
        A page of activities by start and id.

        Args:
            after: start and id of the last one before the page.
            drafts: drafts too.
        """
        beyond: Document = {"removed": {"$ne": True}} | ({} if drafts else {"draft": {"$ne": True}})
        if after is not None:
            starts_at, id_ = after
            beyond["$or"] = [
                {"starts_at": {"$gt": starts_at}},
                {"starts_at": starts_at, "_id": {"$gt": id_}},
            ]
        order = [("starts_at", ASCENDING), ("_id", ASCENDING)]
        with outages_named():
            found = await self._activities.find(beyond).sort(order).limit(limit).to_list(None)
        return [_activity(document) for document in found]

    async def read(self, activity_id: str) -> Activity | None:
        """An activity, drafts too; None if it was removed."""
        with outages_named():
            document = await self._activities.find_one({"_id": activity_id, "removed": {"$ne": True}})
        return _activity(document) if document else None

    async def earlier_versions(self, unit: UnitOfWork, session_id: str) -> dict[int, EarlierVersion]:
        """The old times and venues of a session, by version. Somebody may still know each of them."""
        found = await self._earlier.find({"session_id": session_id}, session=unit.session).to_list(None)
        return {document["version"]: _earlier_version(document) for document in found}

    async def add_earlier_version(self, unit: UnitOfWork, earlier: EarlierVersion) -> None:
        document = {
            "_id": f"{earlier.session_id}/{earlier.version}",
            "session_id": earlier.session_id,
            "version": earlier.version,
            "starts_at": earlier.starts_at,
            "ends_at": earlier.ends_at,
            "venue": earlier.venue,
        }
        await mongo.insert_in(self._earlier, [document], unit.session)

    async def remove_earlier_versions(self, unit: UnitOfWork, session_id: str) -> None:
        await self._earlier.delete_many({"session_id": session_id}, session=unit.session)


def _activity(document: Document) -> Activity:
    return from_document(Activity, document, "activity_id")


def _earlier_version(document: Document) -> EarlierVersion:
    return EarlierVersion(**{name: document[name] for name in EarlierVersion.__struct_fields__})

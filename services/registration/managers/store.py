"""
The collections of this room.

group_managers       who manages which group; looked up at each request of a manager
group_invitations    `_id` is the hash of an invitation's code; each ends by itself, or when it is used
group_applications   groups that want to take part
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.registration.managers.rules import Application, ApplicationStatus, Grant, grant_id
from shared.storage import mongo
from shared.storage.documents import from_document, lock_one, to_document
from shared.storage.mongo import ASCENDING, Database, Document, IndexModel, outages_named
from shared.storage.unit_of_work import UnitOfWork


class ManagerStore:
    """
    Reads and writes grants, invitations and applications.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._grants = database["group_managers"]
        self._invitations = database["group_invitations"]
        self._applications = database["group_applications"]

    async def prepare(self) -> None:
        """Create the collections and their indexes now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._grants.create_indexes(
                [
                    IndexModel([("group_id", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel([("participant_id", ASCENDING), ("_id", ASCENDING)]),
                ]
            )
            await self._invitations.create_index([("group_id", ASCENDING)])
            await self._applications.create_indexes(
                [
                    IndexModel([("status", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel([("participant_id", ASCENDING), ("_id", ASCENDING)]),
                ]
            )
        await mongo.delete_after(self._invitations, "expires_at", timedelta(0))

    async def manages(self, group_id: str, participant_id: str) -> bool:
        """Whether this participant manages this group now."""
        with outages_named():
            return await self._grants.find_one({"_id": grant_id(group_id, participant_id)}) is not None

    async def of_group(self, group_id: str, limit: int) -> list[Grant]:
        with outages_named():
            found = self._grants.find({"group_id": group_id}).sort("_id", ASCENDING).limit(limit)
            return [_grant(document) for document in await found.to_list(None)]

    async def of_participant(self, participant_id: str, limit: int) -> list[Grant]:
        with outages_named():
            found = self._grants.find({"participant_id": participant_id}).sort("_id", ASCENDING).limit(limit)
            return [_grant(document) for document in await found.to_list(None)]

    async def count_in(self, unit: UnitOfWork, group_id: str, limit: int) -> int:
        """How many manage this group, up to this limit."""
        these: Document = {"group_id": group_id}
        return int(await self._grants.count_documents(these, limit=limit, session=unit.session))

    async def grant(self, unit: UnitOfWork, grant: Grant) -> bool:
        """Returns whether the grant is new."""
        document = to_document(grant, "grant_id")
        done = await self._grants.update_one(
            {"_id": document.pop("_id")}, {"$setOnInsert": document}, upsert=True, session=unit.session
        )
        return done.upserted_id is not None

    async def end(self, group_id: str, participant_id: str) -> None:
        with outages_named():
            await self._grants.delete_one({"_id": grant_id(group_id, participant_id)})

    async def invite(self, code_hash: str, group_id: str, expires_at: datetime) -> None:
        with outages_named():
            await self._invitations.insert_one(
                {"_id": code_hash, "group_id": group_id, "expires_at": expires_at}
            )

    async def end_invitations(self, group_id: str) -> None:
        """Delete all invitations of a group."""
        with outages_named():
            await self._invitations.delete_many({"group_id": group_id})

    async def use_invitation(self, unit: UnitOfWork, code_hash: str, now: datetime) -> str | None:
        """The group of an invitation that has not ended; the invitation is gone after it."""
        document = await self._invitations.find_one_and_delete(
            {"_id": code_hash, "expires_at": {"$gt": now}}, session=unit.session
        )
        return document["group_id"] if document else None

    async def lock_application(self, unit: UnitOfWork, application_id: str) -> Application | None:
        document = await lock_one(self._applications, application_id, unit.session)
        return _application(document) if document else None

    async def save_application(self, unit: UnitOfWork, application: Application) -> None:
        document = to_document(application, "application_id")
        await self._applications.update_one(
            {"_id": document.pop("_id")}, {"$set": document}, upsert=True, session=unit.session
        )

    async def read_application(self, application_id: str) -> Application | None:
        with outages_named():
            document = await self._applications.find_one({"_id": application_id})
        return _application(document) if document else None

    async def open_of(self, unit: UnitOfWork, participant_id: str, limit: int) -> list[Application]:
        """A participant's applications that are not decided."""
        own: Document = {"participant_id": participant_id, "status": "applied"}
        found = self._applications.find(own, session=unit.session).sort("_id", ASCENDING).limit(limit)
        return [_application(document) for document in await found.to_list(None)]

    async def applications(
        self, status: ApplicationStatus, after: str | None, limit: int
    ) -> Sequence[Application]:
        """Applications with this status after this id, the earliest first."""
        these: Document = {"status": status}
        if after is not None:
            these["_id"] = {"$gt": after}
        with outages_named():
            found = self._applications.find(these).sort("_id", ASCENDING).limit(limit)
            return [_application(document) for document in await found.to_list(None)]

    async def forget(self, participant_id: str, limit: int) -> bool:
        """
        Drop some of an erased participant's grants and applications. An approved group stays.

        Returns: whether there may be more.
        """
        theirs = {"participant_id": participant_id}
        with outages_named():
            for collection in (self._grants, self._applications):
                found = await collection.find(theirs, {"_id": 1}).limit(limit).to_list(None)
                await collection.delete_many({"_id": {"$in": [document["_id"] for document in found]}})
                if len(found) == limit:
                    return True
        return False


def _grant(document: Document) -> Grant:
    return from_document(Grant, document, "grant_id")


def _application(document: Document) -> Application:
    return from_document(Application, document, "application_id")

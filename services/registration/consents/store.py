"""The collection `consents`: one for a member; the guardian's name only encrypted, the link only hashed."""

from collections.abc import Collection

from services.registration.consents.rules import Consent, check_not_given
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import ASCENDING, Database, Document, outages_named
from shared.storage.unit_of_work import UnitOfWork


class ConsentStore:
    """Reads and writes consents. Raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._consents = database["consents"]

    async def prepare(self) -> None:
        """Create the collection and its index now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._consents.create_index([("link_hash", ASCENDING)], unique=True)

    async def of_member(self, unit: UnitOfWork, member_id: str) -> Consent | None:
        document = await self._consents.find_one({"_id": member_id}, session=unit.session)
        return _consent(document) if document else None

    async def by_link(self, unit: UnitOfWork, link_hash: str) -> Consent | None:
        document = await self._consents.find_one({"link_hash": link_hash}, session=unit.session)
        return _consent(document) if document else None

    async def save(self, unit: UnitOfWork, consent: Consent) -> None:
        document = to_document(consent, "member_id")
        await self._consents.update_one(
            {"_id": document.pop("_id")}, {"$set": document}, upsert=True, session=unit.session
        )

    async def lock_given(self, unit: UnitOfWork, member_ids: Collection[str]) -> set[str]:
        """
        Those of these members for whom a consent is given now.

        They are locked: who takes one back at the same moment comes before the booking or after it.
        """
        if not member_ids:
            return set()
        these: Document = {"_id": {"$in": sorted(member_ids)}, "status": "given"}
        await self._consents.update_many(these, {"$inc": {"locks": 1}}, session=unit.session)
        found = await self._consents.find(these, {"_id": 1}, session=unit.session).to_list(None)
        return {document["_id"] for document in found}

    async def check_renamed(self, unit: UnitOfWork, member_id: str) -> None:
        """
        Check that this member may get another name: the guardian has agreed for the name of now.

        Raises:
            Conflict: the consent is given.
        """
        check_not_given(await self.of_member(unit, member_id))

    async def forget(self, member_ids: Collection[str]) -> None:
        """Delete what is kept for members whose participant is erased."""
        with outages_named():
            await self._consents.delete_many({"_id": {"$in": list(member_ids)}})

    async def remove(self, unit: UnitOfWork, member_id: str) -> None:
        await self._consents.delete_one({"_id": member_id}, session=unit.session)


def _consent(document: Document) -> Consent:
    return from_document(Consent, document, "member_id")

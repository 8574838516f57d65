"""The collection `member_claims`: codes of members for whom managers have asked for one; only hashed."""

from collections.abc import Collection, Sequence

from services.registration.claims.rules import ClaimCode
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne, outages_named
from shared.storage.unit_of_work import UnitOfWork


class ClaimStore:
    """
    Reads and writes codes. They stay until their member is removed: a code of an earlier round must not come
    back.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._claims = database["member_claims"]

    async def prepare(self) -> None:
        """Create the collection and its index now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._claims.create_index([("group_id", ASCENDING), ("code_hash", ASCENDING)])

    async def of_members(self, unit: UnitOfWork, member_ids: Collection[str]) -> dict[str, ClaimCode]:
        these: Document = {"_id": {"$in": list(member_ids)}}
        found = await self._claims.find(these, session=unit.session).to_list(None)
        return {document["_id"]: _code(document) for document in found}

    async def by_hash(self, unit: UnitOfWork, group_id: str, code_hash: str) -> ClaimCode | None:
        these: Document = {"group_id": group_id, "code_hash": code_hash}
        document = await self._claims.find_one(these, session=unit.session)
        return _code(document) if document else None

    async def save(self, unit: UnitOfWork, codes: Sequence[ClaimCode]) -> None:
        writes = []
        for code in codes:
            document = to_document(code, "member_id")
            writes.append(UpdateOne({"_id": document.pop("_id")}, {"$set": document}, upsert=True))
        if writes:
            await self._claims.bulk_write(writes, session=unit.session)

    async def forget(self, member_ids: Collection[str]) -> None:
        """Delete what is kept for members whose participant is erased."""
        with outages_named():
            await self._claims.delete_many({"_id": {"$in": list(member_ids)}})

    async def remove(self, unit: UnitOfWork, member_id: str) -> None:
        await self._claims.delete_one({"_id": member_id}, session=unit.session)


def _code(document: Document) -> ClaimCode:
    return from_document(ClaimCode, document, "member_id")

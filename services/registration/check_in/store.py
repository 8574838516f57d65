"""
The collection `scans`: each scan of a ticket with its verdict, without the ticket.

`_id` is the device with its own id of the scan, so a scan that is sent again is the same one.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from services.registration.check_in.rules import Scan
from shared.storage import mongo
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import ASCENDING, Database, Document, IndexModel, UpdateOne, outages_named
from shared.storage.unit_of_work import UnitOfWork

# After the week, disputes and statistics are settled. The registrations stay.
SCAN_DAYS_KEPT = 90
# Finds the scans of a registration that count, without those that don't: they may be thousands.
COUNTED = "counted"
COUNTED_BY = ("registration_id", "refusal", "undone_at", "waited", "let_in")


class ScanStore:
    """
    Reads scans, and writes them in units of work.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._scans = database["scans"]

    async def prepare(self) -> None:
        """Create the collection and its indexes now: creating one in a transaction causes conflicts."""
        with outages_named():
            await mongo.delete_after(self._scans, "received_at", timedelta(days=SCAN_DAYS_KEPT))
            in_order = [("scanned_at", ASCENDING), ("_id", ASCENDING)]
            await self._scans.create_indexes(
                [
                    IndexModel([(name, ASCENDING) for name in COUNTED_BY], name=COUNTED),
                    IndexModel([("session_id", ASCENDING), *in_order]),
                    IndexModel(
                        [("session_id", ASCENDING), ("conflict", ASCENDING), *in_order],
                        partialFilterExpression={"conflict": True},
                    ),
                ]
            )

    async def by_id(self, unit: UnitOfWork, ids: Collection[str]) -> dict[str, Scan]:
        found = await self._find(unit, {"_id": {"$in": sorted(ids)}})
        return {scan.scan_id: scan for scan in found}

    async def counted(self, unit: UnitOfWork, registration_ids: Collection[str]) -> dict[str, list[Scan]]:
        """All scans of these registrations that count (`rules.counts`), by registration."""
        scans: dict[str, list[Scan]] = defaultdict(list)
        of: Document = {
            "registration_id": {"$in": sorted(registration_ids)},
            "refusal": None,
            "undone_at": None,
        }
        if registration_ids:
            for scan in await self._find(
                unit, {"$or": [of | {"waited": False}, of | {"waited": True, "let_in": True}]}
            ):
                scans[str(scan.registration_id)].append(scan)
        return scans

    async def add(self, unit: UnitOfWork, scans: Collection[Scan]) -> None:
        await mongo.insert_in(self._scans, [to_document(one, "scan_id") for one in scans], unit.session)

    async def save(self, unit: UnitOfWork, scans: Collection[Scan]) -> None:
        if scans:
            await self._scans.bulk_write(
                [UpdateOne({"_id": one.scan_id}, {"$set": to_document(one, "scan_id")}) for one in scans],
                ordered=False,
                session=unit.session,
            )

    async def page(
        self, session_id: str, after: tuple[datetime, str] | None, limit: int, *, conflicts: bool
    ) -> list[Scan]:
        """A session's scans after this time and id, the earliest first; with `conflicts` only those."""
        these: Document = {"session_id": session_id}
        if conflicts:
            these["conflict"] = True
        if after is not None:
            at, id_ = after
            these["$or"] = [{"scanned_at": {"$gt": at}}, {"scanned_at": at, "_id": {"$gt": id_}}]
        order = [("scanned_at", ASCENDING), ("_id", ASCENDING)]
        with outages_named():
            found = await self._scans.find(these).sort(order).limit(limit).to_list(None)
        return [_scan(document) for document in found]

    async def _find(self, unit: UnitOfWork, these: Document) -> list[Scan]:
        found = await self._scans.find(these, session=unit.session).to_list(None)
        return [_scan(document) for document in found]


def _scan(document: Document) -> Scan:
    return from_document(Scan, document, "scan_id")

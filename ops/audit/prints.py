"""The audit of files for printers: each holds awards of its scheme, and no award twice."""

from collections.abc import AsyncIterator

from ops.audit.findings import Check, true_of_all
from shared.storage.mongo import Database


async def audit_prints(database: Database) -> list[Check]:
    """Compare the files that are still there with their prints and with the awards."""
    files = await database["print_files"].count_documents({})
    wrong = [place async for place in _wrong(database)]
    return [true_of_all("files for printers hold each award of their scheme once", wrong, files)]


async def _wrong(database: Database) -> AsyncIterator[str]:
    """A file with another number of pages than people, or with somebody who has no award or a second page."""
    async for one in database["prints"].find({"scheme_id": {"$exists": True}}):
        pages = {file["number"]: file["pages"] for file in one["files"]}
        seen: set[str] = set()
        async for file in database["print_files"].find({"print_id": one["_id"]}, {"pdf": 0}):
            people = set(file["recipient_ids"])
            holders = await database["awards"].count_documents(
                {"scheme_id": one["scheme_id"], "recipient_id": {"$in": sorted(people)}}
            )
            counts = {len(people), len(file["recipient_ids"]), holders}
            if counts != {pages.get(int(file["_id"].rpartition("/")[2]))} or people & seen:
                yield file["_id"]
            seen |= people

"""
Prints and their files in MongoDB, which removes them after `PRINTS_KEPT`.

prints        the documents of a scheme, made in the background
print_files   each some pages of a print, with the ids of their recipients

A file holds names. So it is stored in a transaction that also writes the document `GATE`, and so does every
erasure: either the erasure comes first, and the transaction sees it, or the file is there when the erasure
looks for it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec.structs import asdict

from services.awards.documents.rules import Template
from shared.contracts.events import Language
from shared.runtime.errors import Conflict, NotFound
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document
from shared.storage.unit_of_work import UnitOfWork

PRINTS_KEPT = timedelta(days=7)
PRINTS_MAX = 20
UNPRINTABLE_MAX = 200
CHARACTERS_TOLD_MAX = 10
# 200,000 documents.
FILES_MAX = 1_000
GATE = "gate"
KEPT_UNTIL = "kept_until"

PrintState = Literal["working", "done", "full"]


class Unprintable(msgspec.Struct, frozen=True):
    """An award whose document has characters that no font has, by their numbers."""

    award_code: str
    characters: tuple[str, ...]


class PrintFile(msgspec.Struct, frozen=True):
    """One file of a print: which awards are in it."""

    number: int
    pages: int
    size: int
    first_code: str
    last_code: str


class Print(msgspec.Struct, frozen=True):
    """
    The documents of a scheme's held awards, in files.

    Attributes:
        template: as it was when the print was asked for, so that all files are alike.
        after: the last award that was looked at.
        unprintable: the first `UNPRINTABLE_MAX` of them; `unprintables` counts all.
        left_out: awards that are revoked, or whose recipient was erased.
    """

    print_id: str
    scheme_id: str
    language: Language
    template: Template
    state: PrintState
    started_at: datetime
    kept_until: datetime
    after: str = ""
    pages: int = 0
    left_out: int = 0
    unprintables: int = 0
    unprintable: tuple[Unprintable, ...] = ()
    files: tuple[PrintFile, ...] = ()


class PrintStore:
    """
    Prints and their files.

    Attributes:
        database: for the units of work that store files.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._prints = database["prints"]
        self._files = database["print_files"]

    async def prepare(self) -> None:
        """Create the indexes, and the collections with them: creating one in a transaction fails."""
        for collection in (self._prints, self._files):
            await mongo.delete_after(collection, KEPT_UNTIL, timedelta())
        with mongo.outages_named():
            await self._prints.create_index([("state", ASCENDING), ("_id", ASCENDING)])
            await self._prints.create_index([("scheme_id", ASCENDING)])
            await self._files.create_index([("recipient_ids", ASCENDING)])
            await self._files.create_index([("print_id", ASCENDING)])
            await self._prints.update_one({"_id": GATE}, {"$setOnInsert": {"erasures": 0}}, upsert=True)

    async def add(self, one: Print) -> None:
        """
        Store a new print.

        Raises:
            Conflict: there are `PRINTS_MAX` already.
        """
        with mongo.outages_named():
            # The gate is one of them.
            if await self._prints.estimated_document_count() > PRINTS_MAX:
                raise Conflict(
                    f"there are {PRINTS_MAX} prints already: delete one, or wait until one expires",
                    code="too_many_prints",
                )
            await self._prints.insert_one(_print_document(one))

    async def get(self, print_id: str, scheme_id: str | None = None) -> Print:
        """
        A print, of this scheme if one is named.

        Raises:
            NotFound: there is none, or it has expired.
        """
        with mongo.outages_named():
            found = await self._prints.find_one({"_id": print_id})
        if found is None or print_id == GATE or scheme_id not in (None, found["scheme_id"]):
            raise _unknown(print_id)
        return _print(found)

    async def of_scheme(self, scheme_id: str) -> list[Print]:
        """A scheme's prints."""
        with mongo.outages_named():
            found = await self._prints.find({"scheme_id": scheme_id}).limit(PRINTS_MAX).to_list(None)
        return sorted((_print(one) for one in found), key=lambda one: one.started_at, reverse=True)

    async def working(self, after: str, limit: int) -> list[str]:
        """The ids of prints that are not done, after this one, in order."""
        these: Document = {"state": "working", "_id": {"$gt": after}}
        with mongo.outages_named():
            found = self._prints.find(these, {"_id": 1}).sort("_id", ASCENDING)
            return [one["_id"] for one in await found.limit(limit).to_list(None)]

    async def pass_gate(self, unit: UnitOfWork) -> None:
        """No erasure happens between here and the end of the transaction."""
        await self._prints.update_one({"_id": GATE}, {"$inc": {"files": 1}}, session=unit.session)

    async def advance(
        self, unit: UnitOfWork, before: Print, now: Print, content: bytes | None, recipients: Sequence[str]
    ) -> bool:
        """
        Store the next file of a print, if there is one, and how far it is now.

        Returns:
            False: another process has done it, or the print was deleted. Nothing was stored.
        """
        changed = await self._prints.replace_one(
            {"_id": now.print_id, "state": "working", "after": before.after},
            _print_document(now),
            session=unit.session,
        )
        if not changed.matched_count:
            return False
        if content is not None:
            document: Document = {
                "_id": _file_id(now.print_id, now.files[-1].number),
                "print_id": now.print_id,
                "recipient_ids": list(recipients),
                "pdf": content,
                KEPT_UNTIL: now.kept_until,
            }
            await self._files.insert_one(document, session=unit.session)
        return True

    async def file(self, print_id: str, number: int) -> bytes:
        """
        A file of a print.

        Raises:
            NotFound: there is none; or it was removed, since somebody in it was erased, or has expired.
        """
        with mongo.outages_named():
            found = await self._files.find_one({"_id": _file_id(print_id, number)}, {"pdf": 1})
        if found is None:
            raise NotFound(f"print {print_id} has no file {number}", code="print_file_unknown")
        return bytes(found["pdf"])

    async def file_numbers(self, print_id: str) -> set[int]:
        """The files of a print that are still there."""
        with mongo.outages_named():
            found = await self._files.find({"print_id": print_id}, {"_id": 1}).to_list(None)
        return {int(one["_id"].rpartition("/")[2]) for one in found}

    async def delete(self, print_id: str) -> None:
        """
        Delete a print with its files.

        Raises:
            NotFound: there is none.
        """
        with mongo.outages_named():
            gone = 0 if print_id == GATE else (await self._prints.delete_one({"_id": print_id})).deleted_count
            await self._files.delete_many({"print_id": print_id})
        if not gone:
            raise _unknown(print_id)

    async def forget(self, recipient_ids: Collection[str]) -> None:
        """Remove the files with these people. They are marked as erased already."""
        with mongo.outages_named():
            await self._prints.update_one({"_id": GATE}, {"$inc": {"erasures": 1}})
            await self._files.delete_many({"recipient_ids": {"$in": list(recipient_ids)}})


def _unknown(print_id: str) -> NotFound:
    return NotFound(f"there is no print {print_id}, or it has expired", code="print_unknown")


def _file_id(print_id: str, number: int) -> str:
    return f"{print_id}/{number}"


def _print_document(one: Print) -> Document:
    document: Document = asdict(one)
    document["_id"] = document.pop("print_id")
    document["template"] = one.template.model_dump(mode="json")
    document["unprintable"] = [asdict(each) for each in one.unprintable]
    document["files"] = [asdict(each) for each in one.files]
    return document


def _print(document: Document) -> Print:
    fields: dict[str, Any] = dict(document)
    return Print(
        **fields
        | {
            "print_id": fields.pop("_id"),
            "template": Template.model_validate(fields["template"]),
            "unprintable": tuple(msgspec.convert(one, Unprintable) for one in fields["unprintable"]),
            "files": tuple(msgspec.convert(one, PrintFile) for one in fields["files"]),
        }
    )

"""
The question bank as it is stored.

bank_questions   each question as it is now; `text_key` is unique
bank_versions    _id is "question/version": all versions
bank_imports     files that organisers uploaded: the preview with its questions, and what became of it
bank_locks       two documents, by which changes of the bank, and uploads of files, follow each other
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from services.quiz.bank.imports import Import, Kept
from services.quiz.bank.rules import BankQuestion, Entry, EntryStatus, text_key
from shared.contracts.events import Difficulty, QuestionKind
from shared.storage import mongo
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    ReturnDocument,
    UpdateOne,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

QUESTIONS, VERSIONS, IMPORTS, LOCKS = "bank_questions", "bank_versions", "bank_imports", "bank_locks"
# Questions that are checked or written before other requests go on: some milliseconds.
ENTRIES_A_STEP = 50


class Wanted(msgspec.Struct, frozen=True):
    """Which questions of the bank; None: any."""

    topic: str | None = None
    difficulty: Difficulty | None = None
    status: EntryStatus | None = None
    kind: QuestionKind | None = None
    words: str | None = None

    def condition(self) -> Document:
        """As MongoDB says it. The words stand somewhere in the text, in small or large letters."""
        these: Document = {
            name: value
            for name, value in (
                ("definition.topic", self.topic),
                ("definition.difficulty", self.difficulty),
                ("status", self.status),
                ("definition.kind", self.kind),
            )
            if value is not None
        }
        if self.words is not None:
            these["definition.text"] = {"$regex": re.escape(self.words), "$options": "i"}
        return these


class BankStore:
    """Reads and writes the bank; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._questions = database[QUESTIONS]
        self._versions = database[VERSIONS]
        self._imports = database[IMPORTS]
        self._locks = database[LOCKS]

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write to."""
        with outages_named():
            await mongo.create_missing(self.database, (QUESTIONS, VERSIONS, IMPORTS, LOCKS))
            await self._questions.create_index("text_key", unique=True)
            await self._questions.create_index([("definition.topic", ASCENDING), ("_id", ASCENDING)])
            await mongo.delete_after(self._imports, "expires_at", timedelta(0))
            # Whose previews wait is read from here alone: the documents are large.
            await self._imports.create_index([(name, ASCENDING) for name in _OF_KEPT])
        await mongo.insert_new(self._locks, [{"_id": "bank", "locks": 0}, {"_id": "previews", "locks": 0}])

    async def lock(self, unit: UnitOfWork) -> None:
        """
        Lock the bank: changes of questions and imports follow each other.

        So each sees the texts and the number of all others. Organisers change it some times a minute.
        """
        await self._locks.update_one({"_id": "bank"}, {"$inc": {"locks": 1}}, session=unit.session)

    async def lock_previews(self, unit: UnitOfWork) -> None:
        """Lock the list of previews: uploads follow each other, so each counts all others."""
        await self._locks.update_one({"_id": "previews"}, {"$inc": {"locks": 1}}, session=unit.session)

    async def count(self, unit: UnitOfWork) -> int:
        """How many questions there are; exact while the bank is locked."""
        return int(await self._questions.count_documents({}, session=unit.session))

    async def read(self, question_id: str) -> Entry | None:
        with outages_named():
            document = await self._questions.find_one({"_id": question_id})
        return _entry(document) if document else None

    async def read_version(self, question_id: str, version: int) -> Entry | None:
        """An earlier version, or the present one, as it was written."""
        with outages_named():
            document = await self._versions.find_one({"_id": f"{question_id}/{version}"})
        return _entry(document) if document else None

    async def page(self, wanted: Wanted, after: str | None, limit: int) -> list[Entry]:
        """Questions in the order of their ids."""
        these = wanted.condition()
        if after is not None:
            these["_id"] = {"$gt": after}
        with outages_named():
            return await _entries(self._questions.find(these).sort("_id", ASCENDING).limit(limit))

    async def read_these(self, question_ids: Collection[str]) -> dict[str, Entry]:
        with outages_named():
            found = await _entries(self._questions.find({"_id": {"$in": list(question_ids)}}))
        return {entry.question_id: entry for entry in found}

    async def of(self, unit: UnitOfWork, question_ids: Collection[str]) -> dict[str, Entry]:
        """Those of these questions that there are."""
        these: Document = {"_id": {"$in": list(question_ids)}}
        found = await _entries(self._questions.find(these, session=unit.session))
        return {entry.question_id: entry for entry in found}

    async def with_texts(self, text_keys: Collection[str], unit: UnitOfWork) -> dict[str, Entry]:
        """The questions with these texts, by the keys of their texts."""
        return (await self.known(unit, [], text_keys))[1]

    async def known(
        self, unit: UnitOfWork, question_ids: Collection[str], text_keys: Collection[str]
    ) -> tuple[dict[str, Entry], dict[str, Entry]]:
        """The questions with these ids, and those with these texts by the keys of their texts."""
        these: Document = {"text_key": {"$in": list(text_keys)}}
        texts = await self._questions.find(these, {"text_key": 1}, session=unit.session).to_list(None)
        found = await self.of(unit, {*question_ids, *(one["_id"] for one in texts)})
        by_id = {one: found[one] for one in question_ids if one in found}
        return by_id, {one["text_key"]: found[one["_id"]] for one in texts}

    async def counts(self) -> list[tuple[str, Difficulty, EntryStatus, int]]:
        """How many questions there are by topic, difficulty and status."""
        by = {"topic": "$definition.topic", "difficulty": "$definition.difficulty", "status": "$status"}
        steps: list[Document] = [{"$group": {"_id": by, "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
        with outages_named():
            found = await self._questions.aggregate(steps).to_list(None)
        return [(*(one["_id"][name] for name in by), one["count"]) for one in found]

    async def save(self, unit: UnitOfWork, entries: Sequence[Entry], before: Mapping[str, Entry]) -> None:
        """Save questions, and a new version of those that have one."""
        for begin in range(0, len(entries), ENTRIES_A_STEP):
            some = entries[begin : begin + ENTRIES_A_STEP]
            new = [entry for entry in some if entry.question_id not in before]
            await mongo.insert_in(self._questions, list(map(_document, new)), unit.session)
            changes = [
                UpdateOne({"_id": document["_id"]}, {"$set": document})
                for document in (_document(entry) for entry in some if entry.question_id in before)
            ]
            if changes:
                await self._questions.bulk_write(changes, session=unit.session)
            versions = [
                UpdateOne({"_id": f"{one.question_id}/{one.version}"}, {"$set": _version(one)}, upsert=True)
                for one in some
            ]
            await self._versions.bulk_write(versions, session=unit.session)

    async def add_import(self, unit: UnitOfWork, one: Import) -> None:
        await mongo.insert_in(self._imports, [_import_document(one)], unit.session)

    async def previews(self, now: datetime, unit: UnitOfWork | None = None) -> list[Kept]:
        """The files that wait for a confirmation, the oldest first."""
        # The server deletes a preview a little after its end.
        these: Document = {"status": "previewed", "expires_at": {"$gt": now}}
        session = unit.session if unit else None
        with outages_named():
            found = self._imports.find(these, dict.fromkeys(_OF_KEPT, 1), session=session)
            kept = await found.to_list(None)
        return sorted(Kept(one["_id"], one["uploaded_by"], one.get("size_bytes", 0)) for one in kept)

    async def remove_previews(self, unit: UnitOfWork, import_ids: Collection[str]) -> None:
        if import_ids:
            these: Document = {"_id": {"$in": list(import_ids)}, "status": "previewed"}
            await self._imports.delete_many(these, session=unit.session)

    async def remove_preview(self, import_id: str) -> bool:
        """Delete a preview; False if there is none, or it is in the bank already."""
        with outages_named():
            removed = await self._imports.delete_one({"_id": import_id, "status": "previewed"})
        return bool(removed.deleted_count)

    async def read_import(self, import_id: str) -> Import | None:
        with outages_named():
            document = await self._imports.find_one({"_id": import_id}, {"questions": 0})
        return _import(document) if document else None

    async def read_questions(self, import_id: str) -> bytes | None:
        """The questions of a preview, which never change."""
        with outages_named():
            document = await self._imports.find_one({"_id": import_id}, {"questions": 1})
        return document["questions"] if document else None

    async def lock_import(self, unit: UnitOfWork, import_id: str) -> Import | None:
        """An import without its questions, locked."""
        document: Document | None = await self._imports.find_one_and_update(
            {"_id": import_id},
            {"$inc": {"locks": 1}},
            {"questions": 0},
            return_document=ReturnDocument.AFTER,
            session=unit.session,
        )
        return _import(document) if document else None

    async def save_import(self, unit: UnitOfWork, one: Import) -> None:
        document = _import_document(one)
        await self._imports.update_one({"_id": document.pop("_id")}, {"$set": document}, session=unit.session)


def _document(entry: Entry) -> Document:
    document: Document = {
        "_id": entry.question_id,
        "definition": entry.question.model_dump(mode="json"),
        "text_key": text_key(entry.question),
        **{name: getattr(entry, name) for name in _PLAIN},
    }
    return document


def _version(entry: Entry) -> Document:
    # Without the key of the text, which is dear.
    return {
        "definition": entry.question.model_dump(mode="json"),
        **{name: getattr(entry, name) for name in _PLAIN},
    }


async def _entries(found: Any) -> list[Entry]:
    """What a query finds, checked in steps: thousands of them would keep all other requests waiting."""
    entries: list[Entry] = []
    found.batch_size(ENTRIES_A_STEP)
    while some := await found.to_list(ENTRIES_A_STEP):
        entries += map(_entry, some)
        await asyncio.sleep(0)
    return entries


_OF_KEPT = ("status", "expires_at", "uploaded_by", "size_bytes", "_id")
_PLAIN = tuple(name for name in Entry.__struct_fields__ if name != "question")


def _entry(document: Document) -> Entry:
    return Entry(
        question=BankQuestion.model_validate(document["definition"]),
        **{name: document[name] for name in _PLAIN},
    )


def _import_document(one: Import) -> Document:
    document = cast(Document, msgspec.to_builtins(one, builtin_types=(datetime, bytes)))
    document["_id"] = document.pop("import_id")
    return document


def _import(document: Document) -> Import:
    fields = dict(document)
    fields["import_id"] = fields.pop("_id")
    fields.pop("locks", None)
    return msgspec.convert(fields, Import, builtin_types=(datetime, bytes))

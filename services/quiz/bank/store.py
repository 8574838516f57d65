"""
The question bank as it is stored.

bank_questions   each question as it is now; `text_key` is unique
bank_versions    _id is "question/version": all versions
bank_imports     files that organisers uploaded: the preview with its questions, and what became of it
bank_locks       one document, by which changes of the bank follow each other
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import msgspec

from services.quiz.bank.imports import Import
from services.quiz.bank.rules import BankQuestion, Difficulty, Entry, EntryStatus, text_key
from shared.contracts.events import QuestionKind
from shared.storage import mongo
from shared.storage.documents import lock_one
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    UpdateOne,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

QUESTIONS, VERSIONS, IMPORTS, LOCKS = "bank_questions", "bank_versions", "bank_imports", "bank_locks"


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
        await mongo.insert_new(self._locks, [{"_id": "bank", "locks": 0}])

    async def lock(self, unit: UnitOfWork) -> None:
        """
        Lock the bank: changes of questions and imports follow each other.

        So each sees the texts and the number of all others. Organisers change it some times a minute.
        """
        await self._locks.update_one({"_id": "bank"}, {"$inc": {"locks": 1}}, session=unit.session)

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
            found = self._questions.find(these).sort("_id", ASCENDING).limit(limit)
            return [_entry(document) for document in await found.to_list(None)]

    async def read_these(self, question_ids: Collection[str]) -> dict[str, Entry]:
        with outages_named():
            found = await self._questions.find({"_id": {"$in": list(question_ids)}}).to_list(None)
        return {document["_id"]: _entry(document) for document in found}

    async def of(self, unit: UnitOfWork, question_ids: Collection[str]) -> dict[str, Entry]:
        """Those of these questions that there are."""
        these: Document = {"_id": {"$in": list(question_ids)}}
        found = await self._questions.find(these, session=unit.session).to_list(None)
        return {document["_id"]: _entry(document) for document in found}

    async def with_texts(
        self, text_keys: Collection[str], unit: UnitOfWork | None = None
    ) -> dict[str, Entry]:
        """The questions with these texts, by the keys of their texts."""
        these: Document = {"text_key": {"$in": list(text_keys)}}
        with outages_named():
            found = self._questions.find(these, session=unit.session if unit else None)
            return {document["text_key"]: _entry(document) for document in await found.to_list(None)}

    async def counts(self) -> list[tuple[str, Difficulty, EntryStatus, int]]:
        """How many questions there are by topic, difficulty and status."""
        by = {"topic": "$definition.topic", "difficulty": "$definition.difficulty", "status": "$status"}
        steps: list[Document] = [{"$group": {"_id": by, "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
        with outages_named():
            found = await self._questions.aggregate(steps).to_list(None)
        return [(*(one["_id"][name] for name in by), one["count"]) for one in found]

    async def save(self, unit: UnitOfWork, entries: Sequence[Entry], before: Mapping[str, Entry]) -> None:
        """Save questions, and a new version of those that have one."""
        new = [entry for entry in entries if entry.question_id not in before]
        await mongo.insert_in(self._questions, list(map(_document, new)), unit.session)
        changes = [
            UpdateOne({"_id": document["_id"]}, {"$set": document})
            for document in (_document(entry) for entry in entries if entry.question_id in before)
        ]
        if changes:
            await self._questions.bulk_write(changes, session=unit.session)
        versions = [
            UpdateOne({"_id": f"{entry.question_id}/{entry.version}"}, {"$set": _version(entry)}, upsert=True)
            for entry in entries
        ]
        if versions:
            await self._versions.bulk_write(versions, session=unit.session)

    async def add_import(self, unit: UnitOfWork, one: Import) -> None:
        await mongo.insert_in(self._imports, [_import_document(one)], unit.session)

    async def count_previews(self, unit: UnitOfWork, now: datetime) -> int:
        # The server deletes a preview a little after its end.
        these: Document = {"status": "previewed", "expires_at": {"$gt": now}}
        return int(await self._imports.count_documents(these, session=unit.session))

    async def read_import(self, import_id: str) -> Import | None:
        with outages_named():
            document = await self._imports.find_one({"_id": import_id}, {"questions": 0})
        return _import(document) if document else None

    async def lock_import(self, unit: UnitOfWork, import_id: str) -> Import | None:
        document = await lock_one(self._imports, import_id, unit.session)
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
    document = _document(entry)
    del document["text_key"], document["_id"]
    return document


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

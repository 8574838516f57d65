"""
Selections and their nominees in MongoDB.

selections             what organisers put (`terms`), and how far it is (`Course`)
selection_nominees     `_id` is "selection/participant"
selection_nominations  `_id` is computed from selection, nominee and nominator; the words about people

Whoever changes something of a selection locks it first. So what is read in the same transaction stays.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from services.awards.selections.rules import Course, Nomination, Nominee, Selection, selection_unknown
from shared.storage.documents import lock_one
from shared.storage.mongo import ASCENDING, Database, Document, IndexModel, create_missing, outages_named
from shared.storage.unit_of_work import UnitOfWork

SELECTIONS_MAX = 200
NOMINATIONS_OF_A_NOMINEE_MAX = 5
NOMINATIONS_OF_A_NOMINATOR_MAX = 5


class Stored(NamedTuple):
    """A selection, and how far it is."""

    selection: Selection
    course: Course


class SelectionStore:
    """
    Selections by their ids; raises Unavailable while the database is away.

    Attributes:
        database: for the units of work.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._selections = database["selections"]
        self._nominees = database["selection_nominees"]
        self._nominations = database["selection_nominations"]

    async def prepare(self) -> None:
        """Create the collections now: creating one in a transaction causes conflicts."""
        with outages_named():
            await create_missing(self.database, ("selections", "selection_nominees", "selection_nominations"))
            await self._selections.create_index([("terms.scheme_id", ASCENDING)], unique=True)
            await self._nominees.create_index([("participant_id", ASCENDING)])
            await self._nominations.create_indexes(
                [
                    IndexModel([("selection_id", ASCENDING), ("participant_id", ASCENDING)]),
                    IndexModel([("participant_id", ASCENDING)]),
                    IndexModel([("nominator_id", ASCENDING), ("selection_id", ASCENDING)]),
                ]
            )

    async def find(self, selection_id: str) -> Stored:
        """
        The selection of this id.

        Raises:
            NotFound: there is none.
        """
        with outages_named():
            return _stored(selection_id, await self._selections.find_one({"_id": selection_id}))

    async def lock(self, unit: UnitOfWork, selection_id: str) -> Stored:
        """
        The selection of this id, locked until the transaction ends.

        Raises:
            NotFound: there is none.
        """
        return _stored(selection_id, await lock_one(self._selections, selection_id, unit.session))

    async def page(self, after: str, limit: int) -> list[Stored]:
        """Selections by id, from the one after `after`."""
        with outages_named():
            found = self._selections.find({"_id": {"$gt": after}}).sort("_id", ASCENDING).limit(limit)
            return [_stored(one["_id"], one) for one in await found.to_list(None)]

    async def count(self, unit: UnitOfWork) -> int:
        """The number of selections."""
        return await self._selections.count_documents({}, session=unit.session)

    async def of_scheme(self, unit: UnitOfWork, scheme_id: str) -> str | None:
        """The selection from which the awards of a scheme come, if there is one."""
        found = await self._selections.find_one({"terms.scheme_id": scheme_id}, session=unit.session)
        return found["_id"] if found else None

    async def by_scheme(self, scheme_id: str) -> Stored | None:
        """The selection from which the awards of a scheme come, as it is kept."""
        with outages_named():
            found = await self._selections.find_one({"terms.scheme_id": scheme_id})
        return _stored(found["_id"], found) if found else None

    async def put(self, unit: UnitOfWork, selection: Selection, version: int) -> None:
        """Write what an organiser has put."""
        terms = selection.model_dump(exclude={"selection_id"})
        change = {"$set": {"terms": terms, "version": version}}
        await self._selections.update_one(
            {"_id": selection.selection_id}, change, upsert=True, session=unit.session
        )

    async def note(self, unit: UnitOfWork, selection_id: str, **course: Any) -> None:
        """Note how far a selection is: fields of `Course`."""
        await self._selections.update_one({"_id": selection_id}, {"$set": course}, session=unit.session)

    async def nominee(
        self, selection_id: str, participant_id: str, unit: UnitOfWork | None = None
    ) -> Nominee | None:
        """A nominee, if this one is nominated."""
        with outages_named():
            found = await self._nominees.find_one(
                {"_id": f"{selection_id}/{participant_id}"}, session=unit and unit.session
            )
        return msgspec.convert(found, Nominee) if found else None

    async def nominees(self, selection_id: str, unit: UnitOfWork | None = None) -> list[Nominee]:
        """All nominees, by participant."""
        # All ids that begin with "selection/": a zero follows the slash in ASCII.
        ids = {"$gte": f"{selection_id}/", "$lt": f"{selection_id}0"}
        with outages_named():
            found = self._nominees.find({"_id": ids}, session=unit and unit.session).sort("_id", ASCENDING)
            return [msgspec.convert(one, Nominee) for one in await found.to_list(None)]

    async def save_nominee(self, unit: UnitOfWork, nominee: Nominee) -> None:
        """Write a nominee."""
        id_ = f"{nominee.selection_id}/{nominee.participant_id}"
        await self._nominees.replace_one({"_id": id_}, _document(nominee), upsert=True, session=unit.session)

    async def nominations(
        self, selection_id: str, participant_id: str, unit: UnitOfWork | None = None
    ) -> list[Nomination]:
        """The nominations of a nominee, in order; withdrawn ones too, without their words."""
        which = {"selection_id": selection_id, "participant_id": participant_id}
        with outages_named():
            found = await self._nominations.find(which, session=unit and unit.session).to_list(None)
        return sorted(
            (_nomination(one) for one in found), key=lambda one: (one.nominated_at, one.nomination_id)
        )

    async def nominated_by(self, selection_id: str, unit: UnitOfWork) -> set[tuple[str, str]]:
        """Who has nominated whom in a selection: pairs of participants."""
        which = {"selection_id": selection_id}
        fields = {"nominator_id": 1, "participant_id": 1}
        found = await self._nominations.find(which, fields, session=unit.session).to_list(None)
        return {(one["nominator_id"], one["participant_id"]) for one in found if one["nominator_id"]}

    async def save_nomination(self, unit: UnitOfWork, nomination: Nomination) -> None:
        """Write a nomination."""
        document = _document(nomination)
        id_ = document.pop("nomination_id")
        await self._nominations.replace_one({"_id": id_}, document, upsert=True, session=unit.session)

    async def forget(self, participant_ids: Collection[str]) -> None:
        """Delete erased people as nominees, and all words that they wrote or that are about them."""
        these = {"$in": sorted(participant_ids)}
        with outages_named():
            await self._nominations.delete_many({"participant_id": these})
            await self._nominations.delete_many({"nominator_id": these})
            await self._nominees.delete_many({"participant_id": these})

    async def of_nominee(self, participant_id: str) -> list[str]:
        """The selections in which a participant is nominated."""
        with outages_named():
            found = await self._nominees.find({"participant_id": participant_id}).to_list(None)
        return sorted(one["selection_id"] for one in found)


def _stored(selection_id: str, document: Document | None) -> Stored:
    if document is None or "terms" not in document:
        raise selection_unknown(selection_id)
    known = {name: document[name] for name in Course._fields if name in document}
    return Stored(Selection(selection_id=selection_id, **document["terms"]), Course(**known))


def _document(struct: msgspec.Struct) -> Document:
    document: Document = msgspec.to_builtins(struct, builtin_types=(datetime,))
    return document


def _nomination(document: Document) -> Nomination:
    return msgspec.convert(document | {"nomination_id": document["_id"]}, Nomination)

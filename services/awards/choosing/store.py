"""
Candidates and verdicts in MongoDB.

selection_choices  `_id` is the selection's id. `issuing`: its awards are not all issued yet
"""

from datetime import datetime

import msgspec

from services.awards.choosing.rules import Choice
from shared.storage.mongo import ASCENDING, Database, Document, create_missing, outages_named
from shared.storage.unit_of_work import UnitOfWork

ISSUING = "issuing"


class ChoiceStore:
    """
    Choices. Whoever writes one has locked its selection.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._choices = database["selection_choices"]

    async def prepare(self) -> None:
        """Create the collection now: creating one in a transaction causes conflicts."""
        with outages_named():
            await create_missing(self._database, ("selection_choices",))
            await self._choices.create_index(
                [(ISSUING, ASCENDING), ("_id", ASCENDING)],
                name=ISSUING,
                partialFilterExpression={ISSUING: True},
            )

    async def find(self, selection_id: str, unit: UnitOfWork | None = None) -> Choice | None:
        """The candidates of a selection, if they are published."""
        with outages_named():
            found = await self._choices.find_one({"_id": selection_id}, session=unit and unit.session)
        return msgspec.convert(found, Choice) if found else None

    async def save(self, unit: UnitOfWork, choice: Choice) -> None:
        """Write candidates, and the verdict; its awards are to be issued."""
        document = _document(choice) | {ISSUING: choice.verdict is not None}
        await self._choices.replace_one(
            {"_id": choice.selection_id}, document, upsert=True, session=unit.session
        )

    async def to_issue(self, after: str, limit: int) -> list[str]:
        """The selections whose awards are to be issued, after this id."""
        which = {ISSUING: True, "_id": {"$gt": after}}
        with outages_named():
            found = self._choices.find(which, {"_id": 1}).hint(ISSUING).sort("_id", ASCENDING)
            return [one["_id"] for one in await found.limit(limit).to_list(None)]

    async def issued(self, selection_id: str) -> None:
        """Note that all awards of a selection are issued."""
        with outages_named():
            await self._choices.update_one({"_id": selection_id}, {"$set": {ISSUING: False}})

    async def is_issued(self, selection_id: str) -> bool:
        """True if the awards of a decided selection are issued."""
        with outages_named():
            return await self._choices.find_one({"_id": selection_id, ISSUING: False}) is not None


def _document(struct: msgspec.Struct) -> Document:
    document: Document = msgspec.to_builtins(struct, builtin_types=(datetime,))
    return document

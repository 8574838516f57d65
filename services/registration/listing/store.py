"""The list of a session, in MongoDB: a view of the collections `registrations` and `participants`."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import get_args

from services.registration.booking.rules import Registration, Status
from services.registration.listing.rules import Person, Place, Row, Sort, Wanted
from shared.storage.documents import from_document
from shared.storage.mongo import ASCENDING, DESCENDING, Database, Document, outages_named

READ_MAX = 500
# A request reads no more registrations than this, however few of them are wanted.
LOOKED_AT_MAX = 2_000

_PERSON = Person.__struct_fields__


class ListingStore:
    """
    Finds the registrations of a session for organisers.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._registrations = database["registrations"]
        self._participants = database["participants"]

    async def page(
        self, session_id: str, wanted: Wanted, sort: Sort, after: Place | None, limit: int
    ) -> tuple[list[Row], Place | None]:
        """
        The wanted registrations of a session after this place.

        The page has fewer rows than `limit` if `LOOKED_AT_MAX` registrations were read before.

        Returns: the rows, and where the next page begins; None after the last one.
        """
        found: list[Row] = []
        looked_at = 0
        while looked_at < LOOKED_AT_MAX:
            some = await self._read(session_id, wanted, sort, after, READ_MAX)
            for row in some:
                after = row.place
                if row.is_wanted(wanted):
                    found.append(row)
                if len(found) == limit:
                    return found, after
            looked_at += len(some)
            if len(some) < READ_MAX:
                return found, None
        return found, after

    async def all(self, session_id: str, wanted: Wanted, sort: Sort) -> AsyncIterator[list[Row]]:
        """All wanted registrations of a session, `READ_MAX` at most at a time."""
        after: Place | None = None
        while some := await self._read(session_id, wanted, sort, after, READ_MAX):
            after = some[-1].place
            yield [row for row in some if row.is_wanted(wanted)]

    async def with_ticket(self, ticket_hash: str) -> Row | None:
        """The registration that this ticket was given out for."""
        with outages_named():
            document = await self._registrations.find_one({"ticket_hash": ticket_hash})
        rows = await self._with_persons([document] if document else [])
        return rows[0] if rows else None

    async def _read(
        self, session_id: str, wanted: Wanted, sort: Sort, after: Place | None, limit: int
    ) -> list[Row]:
        these: Document = {
            "session_id": session_id,
            # All are named, so that the index gives them in the order of `sequence`.
            "status": wanted.status or {"$in": list(get_args(Status))},
        }
        if wanted.registration_id is not None:
            these["_id"] = wanted.registration_id
        if wanted.participant_id is not None:
            these["participant_id"] = wanted.participant_id
        direction = DESCENDING if sort.startswith("-") else ASCENDING
        beyond = "$lt" if direction == DESCENDING else "$gt"
        order = [("sequence", direction)]
        if sort.endswith("places"):
            order.insert(0, ("places", direction))
        if after is not None:
            places, sequence = after
            later: Document = {"sequence": {beyond: sequence}}
            if sort.endswith("places"):
                later = {"$or": [{"places": {beyond: places}}, {"places": places, **later}]}
            these |= later
        with outages_named():
            found = await self._registrations.find(these).sort(order).limit(limit).to_list(None)
        return await self._with_persons(found)

    async def _with_persons(self, found: Collection[Document]) -> list[Row]:
        ids = [document["participant_id"] for document in found]
        shown = dict.fromkeys((*_PERSON, "erased_at"), 1)
        with outages_named():
            read = self._participants.find({"_id": {"$in": ids}}, shown).batch_size(READ_MAX)
            persons = {document["_id"]: _person(document) for document in await read.to_list(None)}
        return [
            Row(from_document(Registration, one, "registration_id"), persons.get(one["participant_id"]))
            for one in found
        ]


def _person(document: Document) -> Person | None:
    erased_at: datetime | None = document["erased_at"]
    return None if erased_at else Person(**{name: document[name] for name in _PERSON})

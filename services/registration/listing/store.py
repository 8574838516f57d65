"""The list of a session, in MongoDB: a view of the collections `registrations` and `participants`."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import get_args

from services.registration.booking.ids import registration_id
from services.registration.booking.rules import Registration, Status
from services.registration.listing.rules import Person, Place, Row, Sort, Wanted
from shared.storage.documents import from_document
from shared.storage.mongo import ASCENDING, DESCENDING, Database, Document, outages_named

# Of an export: some 5 ms of the event loop at a time.
READ_MAX = 200
LOOKED_AT_MAX = 2_000

_PERSON = Person.__struct_fields__


class ListingStore:
    """
    Finds the registrations of a session for organisers.

    Raises Unavailable while the database is away.

    Args:
        read_max: registrations in memory at a time.
        looked_at_max: registrations that one page may cost, however few of them are wanted.
    """

    def __init__(
        self, database: Database, *, read_max: int = READ_MAX, looked_at_max: int = LOOKED_AT_MAX
    ) -> None:
        self._registrations = database["registrations"]
        self._participants = database["participants"]
        self._read_max = read_max
        self._looked_at_max = looked_at_max

    async def page(
        self, session_id: str, wanted: Wanted, sort: Sort, after: Place | None, limit: int
    ) -> tuple[list[Row], Place | None]:
        """
        The wanted registrations of a session after this place.

        The page has fewer rows than `limit` if `looked_at_max` registrations were read before.

        Returns: the rows, and where the next page begins; None after the last one.
        """
        found: list[Row] = []
        looked_at = 0
        if wanted.names_one and after is not None:
            return [], None
        while looked_at < self._looked_at_max:
            some = await self._read(session_id, wanted, sort, after)
            for row in some:
                if row.is_wanted(wanted):
                    if len(found) == limit:
                        return found, found[-1].place
                    found.append(row)
                after = row.place
            looked_at += len(some)
            if len(some) < self._read_max:
                return found, None
        return found, after

    async def all(self, session_id: str, wanted: Wanted, sort: Sort) -> AsyncIterator[list[Row]]:
        """All wanted registrations of a session, `read_max` at most at a time."""
        after: Place | None = None
        while some := await self._read(session_id, wanted, sort, after):
            after = some[-1].place
            yield [row for row in some if row.is_wanted(wanted)]

    async def with_ticket(self, ticket_hash: str) -> Row | None:
        """The registration that this ticket was given out for."""
        with outages_named():
            document = await self._registrations.find_one({"ticket_hash": ticket_hash})
        rows = await self._with_persons([document] if document else [])
        return rows[0] if rows else None

    async def _read(self, session_id: str, wanted: Wanted, sort: Sort, after: Place | None) -> list[Row]:
        with outages_named():
            if wanted.names_one:
                found = await self._registrations.find(_one(session_id, wanted)).to_list(None)
            else:
                these, order = _some(session_id, wanted.status, sort, after)
                found = await self._registrations.find(these).sort(order).limit(self._read_max).to_list(None)
        return await self._with_persons(found)

    async def _with_persons(self, found: Collection[Document]) -> list[Row]:
        ids = [document["participant_id"] for document in found]
        shown = dict.fromkeys((*_PERSON, "erased_at"), 1)
        with outages_named():
            read = self._participants.find({"_id": {"$in": ids}}, shown).batch_size(self._read_max)
            persons = {document["_id"]: _person(document) for document in await read.to_list(None)}
        return [
            Row(from_document(Registration, one, "registration_id"), persons.get(one["participant_id"]))
            for one in found
        ]


def _one(session_id: str, wanted: Wanted) -> Document:
    """The registration that is wanted by its own id, or by its participant's."""
    ids = {wanted.registration_id} if wanted.registration_id else set()
    if wanted.participant_id:
        ids |= {registration_id(wanted.participant_id, session_id)}
    status = {} if wanted.status is None else {"status": wanted.status}
    # Two different ids find nothing.
    return {"_id": {"$in": [*ids] if len(ids) == 1 else []}, "session_id": session_id, **status}


def _some(
    session_id: str, status: Status | None, sort: Sort, after: Place | None
) -> tuple[Document, list[tuple[str, int]]]:
    """Registrations after this place, in an order that the index has."""
    direction = DESCENDING if sort.startswith("-") else ASCENDING
    beyond = "$lt" if direction == DESCENDING else "$gt"
    # All are named, so that the index gives them in the order of `sequence`.
    these: Document = {"session_id": session_id, "status": status or {"$in": list(get_args(Status))}}
    by_status = sort.endswith("status")
    if after is not None:
        last, sequence = after
        if by_status:
            later = [{"status": {beyond: last}}, {"status": last, "sequence": {beyond: sequence}}]
            these = {"session_id": session_id, "$and": [{"status": these["status"]}, {"$or": later}]}
        else:
            these["sequence"] = {beyond: sequence}
    order = [("status", direction), ("sequence", direction)] if by_status else [("sequence", direction)]
    return these, order


def _person(document: Document) -> Person | None:
    erased_at: datetime | None = document["erased_at"]
    return None if erased_at else Person(**{name: document[name] for name in _PERSON})

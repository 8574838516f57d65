"""
Draws in MongoDB.

draws        One document a draw: what the organiser has put, and how far it is. `turn` counts the steps of
             its life; whoever writes by what was read names it. `work`: the background has to do something.
draw_named   Whom organisers have named for a draw, with the id "draw/entrant".
draw_lists   The lists of entrants in pieces, with the id "list/number". A piece never changes. Kept for ever
             once announced, so that anybody can compute the draw again.
drawings     What was announced and drawn, with the id "draw/number". Kept for ever.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

import msgspec

from services.awards.draws.rules import Draw, Drawing, State
from shared.runtime.errors import Conflict, NotFound, Unavailable
from shared.runtime.versions import Matching, check_version
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError, UpdateOne
from shared.storage.unit_of_work import UnitOfWork

DRAWS_MAX = 500
DRAWINGS_MAX = 20
# Others write the same draw at the same moment so often.
PUTS_MAX = 5
BY_ID = [("_id", ASCENDING)]
WORK = "work"


class Piece(msgspec.Struct, frozen=True):
    """
    A piece of a list of entrants.

    Attributes:
        last: the last id that was looked at, whether it is in the list or not.
        is_last: no piece follows.
    """

    text: str
    entrants: int
    chances: int
    last: str
    is_last: bool
    left_out: dict[str, int]


class Kept(msgspec.Struct, frozen=True):
    """
    A draw as it is kept.

    Attributes:
        version: counts the changes of what was put.
        number: of the drawing that is announced, or of the next one.
        list_id: of the list that is being made or was announced last.
        asked_at: when its list was asked for. Later results do not count.
        failed: the code of what kept the list from being announced.
        work: the background still has to do something.
    """

    draw: Draw
    version: int
    number: int
    state: State
    turn: int
    list_id: str = ""
    asked_at: datetime | None = None
    failed: str | None = None
    work: bool = False


class DrawStore:
    """
    Draws by their ids.

    Attributes:
        database: for the units of work that change draws.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._draws = database["draws"]
        self._named = database["draw_named"]
        self._lists = database["draw_lists"]
        self._drawings = database["drawings"]

    async def prepare(self) -> None:
        """Create the collections and indexes now: creating them in a transaction causes conflicts."""
        with mongo.outages_named():
            await mongo.create_missing(self.database, [self._named.name, self._lists.name])
            # A scheme has one draw: so an award of it says by which draw it was won.
            await self._draws.create_index([("definition.scheme_id", ASCENDING)], unique=True)
            await self._draws.create_index(
                [(WORK, ASCENDING), ("_id", ASCENDING)],
                name=WORK,
                partialFilterExpression={WORK: True},
            )
            await self._drawings.create_index([("moved.entrant_id", ASCENDING)], sparse=True)
            await self._drawings.create_index([("sources.sha256", ASCENDING)])

    async def get(self, draw_id: str, unit: UnitOfWork | None = None) -> Kept:
        """The draw of this id; NotFound if there is none."""
        if (found := await self.find(draw_id, unit)) is None:
            raise NotFound(f"there is no draw {draw_id}", code="draw_unknown")
        return found

    async def find(self, draw_id: str, unit: UnitOfWork | None = None) -> Kept | None:
        """The draw of this id, if there is one."""
        with _outages_named(unit):
            found = await self._draws.find_one({"_id": draw_id}, session=unit and unit.session)
        return _kept(found) if found else None

    async def of_scheme(self, scheme_id: str) -> Kept | None:
        """The draw that gives the awards of a scheme, if there is one."""
        with mongo.outages_named():
            found = await self._draws.find_one({"definition.scheme_id": scheme_id})
        return _kept(found) if found else None

    async def page(self, after: str, limit: int) -> list[Kept]:
        """Draws by id, from the one after `after`."""
        with mongo.outages_named():
            found = self._draws.find({"_id": {"$gt": after}}).sort(BY_ID).limit(limit)
            return [_kept(one) for one in await found.to_list(None)]

    async def put(self, draw: Draw, matches: Matching) -> Kept:
        """
        Store a draft, new or changed. Putting the same again changes nothing.

        Raises:
            Conflict: its list is announced, or being made; its scheme may not be another one any more, or
                belongs to another draw; there are `DRAWS_MAX`.
            Outdated: its version does not match.
        """
        definition = draw.model_dump(mode="python", exclude={"draw_id"})
        for _ in range(PUTS_MAX):
            before = await self.find(draw.draw_id)
            check_version(matches, before.version if before else None, f"draw {draw.draw_id}")
            try:
                if before is None:
                    return await self._add(draw.draw_id, definition)
                if before.draw == draw:
                    return before
                check_draft(before)
                if before.number > 1 and before.draw.scheme_id != draw.scheme_id:
                    raise Conflict(
                        f"draw {draw.draw_id} was announced with scheme {before.draw.scheme_id}, which stays",
                        code="draw_scheme_stays",
                    )
                if await self._put(before, {"definition": definition, "version": before.version + 1}):
                    return await self.get(draw.draw_id)
            except DuplicateKeyError as error:
                if "scheme_id" in str(error.details):
                    raise Conflict(
                        f"scheme {draw.scheme_id} belongs to another draw; put a scheme for this one",
                        code="scheme_of_other_draw",
                    ) from None
        raise Unavailable(f"draw {draw.draw_id} is changed by others all the time; try again")

    async def _add(self, draw_id: str, definition: Document) -> Kept:
        new: Document = {"_id": draw_id, "definition": definition, "version": 1, "number": 1}
        new |= {"state": "draft", "turn": 1}
        with mongo.outages_named():
            if await self._draws.estimated_document_count() >= DRAWS_MAX:
                raise Conflict(f"there are {DRAWS_MAX} draws already", code="too_many_draws")
            await self._draws.insert_one(new)
        return _kept(new)

    async def _put(self, before: Kept, change: Document) -> bool:
        which = {"_id": before.draw.draw_id, "turn": before.turn, "version": before.version}
        with mongo.outages_named():
            return bool((await self._draws.update_one(which, {"$set": change})).matched_count)

    async def step(
        self, before: Kept, *, unit: UnitOfWork | None = None, done: bool = False, **change: Any
    ) -> bool:
        """
        Go one step on in the life of a draw; False if somebody else has been here.

        Args:
            done: the background has nothing more to do.
            change: fields of `Kept`.
        """
        which = {"_id": before.draw.draw_id, "turn": before.turn, "version": before.version}
        update: Document = {"$inc": {"turn": 1}}
        if change:
            update["$set"] = change
        if done:
            update["$unset"] = {WORK: 1}
        with _outages_named(unit):
            stepped = await self._draws.update_one(which, update, session=unit.session if unit else None)
        return bool(stepped.matched_count)

    async def lock(self, before: Kept, unit: UnitOfWork) -> bool:
        """Until the transaction ends nobody takes a step; False if somebody has taken one."""
        which = {"_id": before.draw.draw_id, "turn": before.turn}
        locked = await self._draws.update_one(which, {"$inc": {"locks": 1}}, session=unit.session)
        return bool(locked.matched_count)

    async def pending(self, after: str, limit: int) -> list[str]:
        """The draws that the background has to work on, after this id."""
        these: Document = {WORK: True, "_id": {"$gt": after}}
        with mongo.outages_named():
            found = self._draws.find(these, {"_id": 1}).hint(WORK).sort(BY_ID).limit(limit)
            return [one["_id"] for one in await found.to_list(None)]

    async def name(self, unit: UnitOfWork, draw_id: str, named: Mapping[str, int]) -> None:
        """Name these entrants, with their chances. Who is named already gets these chances."""
        updates = [
            UpdateOne({"_id": f"{draw_id}/{one}"}, {"$set": {"chances": chances}}, upsert=True)
            for one, chances in named.items()
        ]
        await self._named.bulk_write(updates, ordered=False, session=unit.session)

    async def count_named(self, draw_id: str) -> int:
        """How many are named."""
        with mongo.outages_named():
            return int(await self._named.count_documents(_of(draw_id)))

    async def named(self, draw_id: str, after: str, limit: int) -> list[tuple[str, int]]:
        """Who is named, by id, from the one after `after`."""
        with mongo.outages_named():
            found = self._named.find(_of(draw_id, after)).sort(BY_ID).limit(limit)
            return [
                (one["_id"].removeprefix(f"{draw_id}/"), one["chances"]) for one in await found.to_list(None)
            ]

    async def unname(self, unit: UnitOfWork, draw_id: str) -> None:
        """Name nobody any more."""
        await self._named.delete_many(_of(draw_id), session=unit.session)

    async def add_piece(self, list_id: str, number: int, piece: Piece) -> None:
        """Add a piece to a list; the first one of this number stays."""
        document = {"_id": f"{list_id}/{number:06}", **msgspec.structs.asdict(piece)}
        await mongo.insert_new(self._lists, [document])

    async def measured(self, list_id: str) -> list[Piece]:
        """The pieces of a list in order, without their texts."""
        with mongo.outages_named():
            found = self._lists.find(_of(list_id), {"text": 0}).sort(BY_ID)
            return [msgspec.convert({"text": "", **one}, Piece) for one in await found.to_list(None)]

    async def texts(self, list_id: str) -> AsyncIterator[str]:
        """The text of a list, piece by piece."""
        at = ""
        while True:
            with mongo.outages_named():
                found = await self._lists.find_one(_of(list_id, at), {"text": 1}, sort=BY_ID)
            if found is None:
                return
            at = found["_id"].removeprefix(f"{list_id}/")
            yield found["text"]

    async def remove_list(self, list_id: str) -> None:
        """Remove a list that was never announced."""
        with mongo.outages_named():
            await self._lists.delete_many(_of(list_id))

    async def add_drawing(self, unit: UnitOfWork, drawing: Drawing) -> None:
        """Store what was announced."""
        await self._drawings.insert_one(_document(drawing), session=unit.session)

    async def change_drawing(self, unit: UnitOfWork, drawing: Drawing) -> None:
        """Store a drawing in its next version; the one before was read in this transaction."""
        document = _document(drawing)
        await self._drawings.replace_one({"_id": document["_id"]}, document, session=unit.session)

    async def drawing(self, draw_id: str, number: int, unit: UnitOfWork | None = None) -> Drawing | None:
        """One drawing of a draw, if it was announced."""
        with _outages_named(unit):
            found = await self._drawings.find_one(
                {"_id": f"{draw_id}/{number}"}, session=unit and unit.session
            )
        return _drawing(found) if found else None

    async def others(self, draw_id: str, number: int) -> list[Drawing]:
        """The other drawings of a draw, without who was drawn."""
        less = {"drawn": 0, "moved": 0}
        with mongo.outages_named():
            found = await self._drawings.find(_of(draw_id), less).to_list(DRAWINGS_MAX)
        others = [_drawing(one) for one in found if one["number"] != number]
        return sorted(others, key=lambda one: one.number)

    async def committed(self, hashes: Iterable[str]) -> bool:
        """True if a witness of an earlier drawing had one of these digests: its secret may be known."""
        these = list(hashes)
        if not these:
            return False
        with mongo.outages_named():
            found = await self._drawings.find_one({"sources.sha256": {"$in": these}}, {"_id": 1})
        return found is not None

    async def forget(self, entrant_ids: Collection[str]) -> None:
        """Remove what organisers wrote about these people, and whom they have named or excluded."""
        these = sorted(entrant_ids)
        with mongo.outages_named():
            draws = [one["_id"] for one in await self._draws.find({}, {"_id": 1}).to_list(None)]
            for one in these:
                await self._named.delete_many({"_id": {"$in": [f"{draw_id}/{one}" for draw_id in draws]}})
            await self._draws.update_many(
                {"definition.excluded": {"$in": these}}, {"$pull": {"definition.excluded": {"$in": these}}}
            )
            await self._drawings.update_many(
                {"moved.entrant_id": {"$in": these}},
                {"$set": {"moved.$[one].reason": None}},
                array_filters=[{"one.entrant_id": {"$in": these}}],
            )


def check_draft(kept: Kept) -> None:
    """
    Check that the draw may still be changed.

    Raises:
        Conflict: its list is announced, or being made.
    """
    if kept.state != "draft":
        raise Conflict(
            f"the list of draw {kept.draw.draw_id} is fixed; to change anything, hold the draw again",
            code="draw_announced",
        )


def _outages_named(unit: UnitOfWork | None) -> AbstractContextManager[None]:
    """Of a transaction only the whole is named: a conflict of one write lets it run again."""
    return nullcontext() if unit else mongo.outages_named()


def _of(owner: str, after: str = "") -> Document:
    # "0" follows "/" in ASCII, and neither an id nor a list's id contains "/".
    return {"_id": {"$gt": f"{owner}/{after}", "$lt": f"{owner}0"}}


def _kept(document: Document) -> Kept:
    draw = Draw.model_validate({"draw_id": document["_id"], **document["definition"]})
    names = ("version", "number", "state", "turn", "list_id", "asked_at", "failed", WORK)
    return Kept(draw, **{name: document[name] for name in names if name in document})


def _document(drawing: Drawing) -> Document:
    fields: Document = msgspec.to_builtins(drawing, builtin_types=(datetime,))
    return {"_id": f"{drawing.draw_id}/{drawing.number}", **fields}


def _drawing(document: Document) -> Drawing:
    document.pop("_id")
    return msgspec.convert(document, Drawing)

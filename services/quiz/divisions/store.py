"""
Boards of divisions as they are stored. What is made once never changes; a worker makes all boards of a quiz
under a new name, and then the state says that these are the boards of now.

divisions         _id is the quiz: the state (rules.py)
division_boards   _id is "quiz/name/…": `table/KIND` has the boards of a kind without rows, `page/BOARD/N` the
                  rows of a page, `spots/N` where people stand (counting.py)
division_sizes    _id is "quiz/kind": how many people divisions have in all, as organisers have put it
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from services.quiz.divisions.counting import SPOT, Board, Page, Row, hash_of
from services.quiz.divisions.rules import FREEZES_MAX, NEVER_MADE, Freeze, Kind, State
from services.quiz.quizzes.marks import QUIZZES
from shared.runtime.errors import Unavailable
from shared.runtime.ids import random_id
from shared.storage.mongo import Database, Document, ReturnDocument, outages_named
from shared.storage.put_field import put_field
from shared.storage.unit_of_work import UnitOfWork

STATES, BOARDS, SIZES = "divisions", "division_boards", "division_sizes"
# Some MB in one write.
DOCUMENTS_A_WRITE = 100


class Made(NamedTuple):
    """What a worker has made."""

    as_of: datetime
    final: int
    buckets: int
    work_seconds: float
    again_at: datetime


class DivisionStore:
    """Reads and writes boards; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._states = database[STATES]
        self._boards = database[BOARDS]
        self._sizes = database[SIZES]
        self._quizzes = database[QUIZZES]

    async def prepare(self) -> None:
        """All is found by its id."""

    async def states(self) -> dict[str, State]:
        """The states of all quizzes: not more than there are quizzes."""
        with outages_named():
            return {one["_id"]: _state(one) for one in await self._states.find().to_list(None)}

    async def state(self, quiz_id: str) -> State:
        """The state of a quiz."""
        with outages_named():
            found = await self._states.find_one({"_id": quiz_id})
        return _state(found) if found else NEVER_MADE

    async def final_standings(self, quiz_id: str) -> int:
        """Which version the final standings have now; 0: they are not final, or are being changed."""
        fields = {"status": 1, "regrading": 1, "closing_version": 1}
        with outages_named():
            found = await self._quizzes.find_one({"_id": quiz_id}, fields)
        if not found or found["status"] != "closed" or found.get("regrading") is not None:
            return 0
        version: int = found.get("closing_version", 1)
        return version

    async def begin(self, quiz_id: str) -> State:
        """Begin boards under a new name. Whoever makes others at this moment cannot publish them any more."""
        # In one step: two workers must never write under the same name.
        with outages_named():
            found = await self._states.find_one_and_update(
                {"_id": quiz_id},
                {"$set": {"building": random_id()}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return _state(found)

    async def add_pages(self, quiz_id: str, name: str, pages: Collection[Page]) -> None:
        """Keep pages of new boards."""
        await self._insert(
            {
                "_id": _page_id(quiz_id, name, page.number, page.nth),
                "rows": msgspec.msgpack.encode(page.rows),
            }
            for page in pages
        )

    async def add_spots(self, quiz_id: str, name: str, spots: Sequence[bytes]) -> None:
        """Keep where people stand on new boards."""
        await self._insert(
            {"_id": f"{quiz_id}/{name}/spots/{nth}", "spots": some} for nth, some in enumerate(spots)
        )

    async def add_tables(self, quiz_id: str, name: str, tables: Mapping[Kind, list[Board]]) -> None:
        """Keep the new boards of each kind."""
        await self._insert(
            {"_id": f"{quiz_id}/{name}/table/{kind}", "boards": msgspec.msgpack.encode(boards)}
            for kind, boards in tables.items()
        )

    async def publish(self, quiz_id: str, begun: State, made: Made) -> bool:
        """
        Let new boards be those of now.

        Args:
            begun: the state when they were begun. If somebody has frozen or thawed since, or others were
                begun, nothing changes.
        """
        fields: Document = {
            "boards": begun.building,
            "before": begun.boards,
            "replaced_at": made.as_of,
            "answered": begun.asked,
            **made._asdict(),
        }
        which: Document = {"_id": quiz_id, "building": begun.building}
        if made.final:
            fields["frozen"] = []
        else:
            which["freezes"] = begun.freezes or None
        with outages_named():
            updated = await self._states.update_one(which, {"$set": fields, "$inc": {"version": 1}})
        return bool(updated.modified_count)

    async def clear(self, quiz_id: str, replaced: str = "") -> None:
        """
        Delete all boards but those of now and those that are being made.

        Args:
            replaced: those that were replaced last stay too; else they go.
        """
        if not replaced:
            with outages_named():
                await self._states.update_one({"_id": quiz_id}, {"$set": {"before": ""}})
        state = await self.state(quiz_id)
        async for name in self._names(quiz_id):
            if name not in (state.boards, state.building, replaced):
                await self.remove(quiz_id, name)

    async def remove(self, quiz_id: str, name: str) -> None:
        """Delete the boards of this name."""
        with outages_named():
            await self._boards.delete_many(
                {"_id": {"$gte": f"{quiz_id}/{name}/", "$lt": f"{quiz_id}/{name}0"}}
            )

    async def table(self, quiz_id: str, name: str, kind: Kind) -> list[Board]:
        """The boards of a kind."""
        if not name:
            return []
        found = await self._kept(f"{quiz_id}/{name}/table/{kind}")
        return msgspec.msgpack.decode(found["boards"], type=list[Board])

    async def rows(self, quiz_id: str, name: str, number: int, nth: int) -> list[Row]:
        """The rows of a page of a board."""
        found = await self._kept(_page_id(quiz_id, name, number, nth))
        return msgspec.msgpack.decode(found["rows"], type=list[Row])

    async def spots_of(self, quiz_id: str, state: State, participant_id: str) -> list[tuple[int, int]]:
        """The numbers of boards and positions where somebody may stand."""
        if not state.boards:
            return []
        hashed = hash_of(participant_id)
        found = await self._kept(f"{quiz_id}/{state.boards}/spots/{hashed % state.buckets}")
        return [(number, at) for one, number, at in SPOT.iter_unpack(found["spots"]) if one == hashed]

    async def forget(self, quiz_id: str, participant_id: str) -> None:
        """Let boards be made anew without somebody who was erased, if they may contain this one."""
        state = await self.state(quiz_id)
        if await self.spots_of(quiz_id, state, participant_id):
            with outages_named():
                await self._states.update_one({"_id": quiz_id}, {"$inc": {"asked": 1}})

    async def remove_quiz(self, unit: UnitOfWork, quiz_id: str) -> None:
        """Delete what is kept of a quiz that is removed, its sizes too."""
        await self._states.delete_one({"_id": quiz_id}, session=unit.session)
        below = {"_id": {"$gte": f"{quiz_id}/", "$lt": f"{quiz_id}0"}}
        await self._boards.delete_many(below, session=unit.session)
        await self._sizes.delete_many(below, session=unit.session)

    async def freeze(self, quiz_id: str, freeze: Freeze) -> bool:
        """
        Freeze a division, or all of a kind; a repeat changes nothing. False if there are too many freezes.
        """
        this = {"kind": freeze.kind, "name": freeze.name}
        which: Document = {
            "_id": quiz_id,
            "final": {"$in": [None, 0]},
            "frozen": {"$not": {"$elemMatch": this}},
            f"frozen.{FREEZES_MAX - 1}": {"$exists": False},
        }
        change = {"$push": {"frozen": this | {"at": freeze.at}}, "$inc": {"freezes": 1}}
        with outages_named():
            await self._states.update_one(which, change)
        return (await self.state(quiz_id)).frozen_at(freeze.kind, freeze.name) is not None

    async def thaw(self, quiz_id: str, kind: Kind, name: str | None, now: datetime) -> None:
        """Thaw a division, or all of a kind; boards are made anew soon."""
        this: Document = {"kind": kind} | ({} if name is None else {"name": name})
        with outages_named():
            await self._states.update_one(
                {"_id": quiz_id, "frozen": {"$elemMatch": this}},
                {"$pull": {"frozen": this}, "$inc": {"freezes": 1}, "$min": {"again_at": now}},
            )

    async def put_sizes(
        self,
        quiz_id: str,
        kind: Kind,
        sizes: Mapping[str, int],
        check: Callable[[Mapping[str, int]], None],
    ) -> None:
        """
        Put how many people divisions have in all.

        Args:
            check: gets those of before, and raises Outdated if they are not those that were read.
        """

        def check_stored(now: Sequence[tuple[str, int]] | None) -> None:
            check(dict(now or ()))

        # As a list: a name may have any sign, and the key of a document may not.
        put = [[*one] for one in sizes.items()]
        which = {"_id": f"{quiz_id}/{kind}"}
        what = f"the list of sizes of quiz {quiz_id}"
        await put_field(self._sizes, which, "sizes", put, check_stored, what=what, upsert=True)

    async def sizes(self, quiz_id: str, kind: Kind) -> dict[str, int]:
        """How many people divisions have in all, as far as somebody has put it."""
        with outages_named():
            found = await self._sizes.find_one({"_id": f"{quiz_id}/{kind}"})
        return dict(found["sizes"]) if found else {}

    async def _insert(self, documents: Iterable[Document]) -> None:
        some: list[Document] = []
        for one in documents:
            some.append(one)
            if len(some) == DOCUMENTS_A_WRITE:
                await self._write(some)
                some = []
        await self._write(some)

    async def _write(self, some: list[Document]) -> None:
        if some:
            with outages_named():
                await self._boards.insert_many(some, ordered=False)

    async def _kept(self, id_: str) -> Document:
        with outages_named():
            found = await self._boards.find_one({"_id": id_})
        if found is None:
            raise Unavailable("these boards were replaced a while ago: ask again")
        return found

    async def _names(self, quiz_id: str) -> AsyncIterator[str]:
        """The names of all boards of a quiz; from each to the next one in one step."""
        after = f"{quiz_id}/"
        while True:
            with outages_named():
                found = await self._boards.find_one(
                    {"_id": {"$gt": after, "$lt": f"{quiz_id}0"}}, {"_id": 1}, sort=[("_id", 1)]
                )
            if found is None:
                return
            name = found["_id"].split("/")[1]
            yield name
            after = f"{quiz_id}/{name}0"


def _page_id(quiz_id: str, name: str, number: int, nth: int) -> str:
    return f"{quiz_id}/{name}/page/{number}/{nth}"


def _state(document: Document) -> State:
    return msgspec.convert(document, State)

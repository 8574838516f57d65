"""
Flags as they are stored.

flags          _id is computed from what is flagged: a quiz that is examined again has the same flags. `who`
               names people by their pseudonymous ids; nothing else of a person is in it
examinations   _id is the quiz: whether somebody has asked, how far an examination is, what the last one found
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from services.quiz.fair_play.rules import Flag, JudgedFlag, Judgement, Kind, Verdict
from shared.runtime.versions import Matching, always, check_version, version_of
from shared.storage import mongo
from shared.storage.mongo import (
    ASCENDING,
    DESCENDING,
    Database,
    Document,
    UpdateOne,
    outages_named,
)
from shared.storage.put_field import put_field
from shared.storage.unit_of_work import UnitOfWork, save_together

FLAGS, EXAMINATIONS = "flags", "examinations"
OF_TIMES: tuple[Kind, ...] = ("too_fast", "all_right_too_fast")
FlagPlace = tuple[str, float, str]
"""Kind, strength and id of the last flag of a page."""


class Found(msgspec.Struct, frozen=True):
    """
    What an examination looked at.

    Attributes:
        attempts: graded ones, without those of erased people.
        pairs: of sheets of the same paper; near_pairs: of attempts that share an address or a device.
        left_out: flags by kind that were too many to keep.
        not_compared: attempts beyond what one paper may have in memory.
    """

    attempts: int = 0
    pairs: int = 0
    near_pairs: int = 0
    left_out: dict[str, int] = {}
    not_compared: int = 0


class State(NamedTuple):
    """
    The examination of a quiz.

    Attributes:
        due: somebody has asked, and it has not begun.
        percent: how far one under way is; None if there is none.
        made_at: when the last one began.
        final: it was made after the close.
        forgotten: where attempts were started is deleted.
    """

    due: bool = False
    percent: int | None = None
    made_at: datetime | None = None
    final: bool = False
    forgotten: bool = False
    found: Found | None = None


class FlagStore:
    """Reads and writes flags; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._flags = database[FLAGS]
        self._examinations = database[EXAMINATIONS]

    async def prepare(self) -> None:
        """Create the collections and the indexes."""
        with outages_named():
            await mongo.create_missing(self._database, (FLAGS, EXAMINATIONS))
            order = [
                ("quiz_id", ASCENDING),
                ("kind", ASCENDING),
                ("strength", DESCENDING),
                ("_id", ASCENDING),
            ]
            await self._flags.create_index(order)

    async def states(self) -> dict[str, State]:
        """All states, by quiz: not more than there are quizzes."""
        with outages_named():
            found = await self._examinations.find().to_list(None)
        return {one["_id"]: _state(one) for one in found}

    async def state(self, quiz_id: str) -> State:
        """The state of a quiz."""
        with outages_named():
            found = await self._examinations.find_one({"_id": quiz_id})
        return _state(found) if found else State()

    async def ask(self, quiz_id: str) -> None:
        """Let a quiz be examined. If an examination is under way, another one follows."""
        await self._update(quiz_id, {"$set": {"due": True}})

    async def begin(self, quiz_id: str, examination_id: str, now: datetime) -> None:
        """Begin an examination. An earlier one that did not finish counts no more."""
        under_way = {"id": examination_id, "began_at": now, "percent": 0}
        await self._update(quiz_id, {"$set": {"due": False, "under_way": under_way}})

    async def go_on(self, quiz_id: str, examination_id: str, percent: int) -> None:
        """Note how far it is."""
        which = {"_id": quiz_id, "under_way.id": examination_id}
        with outages_named():
            await self._examinations.update_one(which, {"$set": {"under_way.percent": percent}})

    async def forgotten(self, quiz_id: str) -> None:
        """Note that it is deleted where attempts of the quiz were started."""
        await self._update(quiz_id, {"$set": {"forgotten": True}})

    async def _update(self, quiz_id: str, change: Document) -> None:
        with outages_named():
            await self._examinations.update_one({"_id": quiz_id}, change, upsert=True)

    async def finish(
        self,
        quiz_id: str,
        examination_id: str,
        flags: Sequence[Flag],
        found: Found,
        began_at: datetime,
        *,
        final: bool,
    ) -> bool:
        """
        Keep the flags of an examination; False if another one has begun since.

        Flags that it has not found go, unless somebody has judged them, or where attempts were started is
        deleted and they may come from that.
        """
        done = {"made_at": began_at, "final": final, "found": msgspec.to_builtins(found)}

        async def work(unit: UnitOfWork) -> bool:
            updated = await self._examinations.update_one(
                {"_id": quiz_id, "under_way.id": examination_id},
                {"$set": done, "$unset": {"under_way": ""}},
                session=unit.session,
            )
            if not updated.modified_count:
                return False
            changes = [_upsert(flag, began_at) for flag in flags]
            if changes:
                await self._flags.bulk_write(changes, ordered=False, session=unit.session)
            stale: Document = {
                "quiz_id": quiz_id,
                "judgement": None,
                "_id": {"$nin": [flag.flag_id for flag in flags]},
            }
            examined = await self._examinations.find_one({"_id": quiz_id}, session=unit.session)
            if examined and examined.get("forgotten"):
                # What was found by where attempts were started cannot be found again.
                stale["kind"] = {"$in": OF_TIMES}
            await self._flags.delete_many(stale, session=unit.session)
            return True

        return await save_together(self._database, work)

    async def page(
        self, quiz_id: str, kind: Kind | None, verdict: Verdict | None, after: FlagPlace | None, limit: int
    ) -> list[JudgedFlag]:
        """Flags of a quiz: by kind, the strongest first, after this place."""
        which: Document = {"quiz_id": quiz_id}
        if kind:
            which["kind"] = kind
        if verdict:
            which["judgement.verdict"] = {"$in": ["open", None]} if verdict == "open" else verdict
        if after:
            last, strength, id_ = after
            which["$or"] = [
                {"kind": {"$gt": last}},
                {"kind": last, "strength": {"$lt": strength}},
                {"kind": last, "strength": strength, "_id": {"$gt": id_}},
            ]
        order = [("kind", ASCENDING), ("strength", DESCENDING), ("_id", ASCENDING)]
        with outages_named():
            found = await self._flags.find(which).sort(order).limit(limit).to_list(None)
        return [_flag(one) for one in found]

    async def read(self, quiz_id: str, flag_id: str) -> JudgedFlag | None:
        """A flag."""
        with outages_named():
            found = await self._flags.find_one({"_id": flag_id, "quiz_id": quiz_id})
        return _flag(found) if found else None

    async def judge(
        self, quiz_id: str, flag_id: str, judgement: Judgement, matches: Matching = always
    ) -> JudgedFlag | None:
        """
        Keep what an organiser thinks of a flag; returns the flag, or None if there is none.

        Raises:
            Outdated: somebody else has judged it since it was read.
        """
        what = f"the verdict on flag {flag_id}"

        def check(now: Document | None) -> None:
            check_version(matches, version_of(_judgement(now)), what)

        which: Document = {"_id": flag_id, "quiz_id": quiz_id}
        put = msgspec.to_builtins(judgement, builtin_types=(datetime,))
        if not await put_field(self._flags, which, "judgement", put, check, what=what, upsert=False):
            return None
        found = await self.read(quiz_id, flag_id)
        # Somebody else may have judged it since: the answer is about this verdict.
        return found._replace(judgement=judgement) if found else None

    async def open_by_kind(self) -> Mapping[str, int]:
        """How many flags of each kind are open, in all quizzes."""
        which = {"$match": {"judgement.verdict": {"$in": ["open", None]}}}
        counted = {"$group": {"_id": "$kind", "flags": {"$sum": 1}}}
        with outages_named():
            found = await self._flags.aggregate([which, counted]).to_list(None)
        return {one["_id"]: one["flags"] for one in found}

    async def remove_quiz(self, unit: UnitOfWork, quiz_id: str) -> None:
        """Delete what is kept of a quiz that is removed."""
        await self._flags.delete_many({"quiz_id": quiz_id}, session=unit.session)
        await self._examinations.delete_one({"_id": quiz_id}, session=unit.session)

    async def forget(self, quiz_id: str, participant_id: str) -> None:
        """Delete the flags of a participant; from flags about many people, the participant."""
        theirs: Document = {"quiz_id": quiz_id, "who.participant_id": participant_id}
        crowd = {"figures.type": "crowd"}
        with outages_named():
            await self._flags.delete_many(theirs | {"figures.type": {"$ne": "crowd"}})
            await self._flags.update_many(
                theirs | crowd, {"$pull": {"who": {"participant_id": participant_id}}}
            )


def _upsert(flag: Flag, now: datetime) -> UpdateOne:
    document = msgspec.to_builtins(flag, builtin_types=(datetime,))
    id_ = document.pop("flag_id")
    return UpdateOne({"_id": id_}, {"$set": document, "$setOnInsert": {"flagged_at": now}}, upsert=True)


def _judgement(stored: Document | None) -> Judgement | None:
    return msgspec.convert(stored, Judgement) if stored else None


def _flag(document: Document) -> JudgedFlag:
    flag = msgspec.convert(document | {"flag_id": document["_id"]}, Flag)
    return JudgedFlag(flag, document["flagged_at"], _judgement(document.get("judgement")))


def _state(document: Document) -> State:
    under_way, found = document.get("under_way"), document.get("found")
    return State(
        document.get("due", False),
        under_way["percent"] if under_way else None,
        document.get("made_at"),
        document.get("final", False),
        document.get("forgotten", False),
        msgspec.convert(found, Found) if found else None,
    )

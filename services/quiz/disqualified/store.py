"""
Disqualifications as they are stored.

disqualifications   _id is "quiz/participant". `decisions` in order: the last one is the state. `settle_at`:
                    the standing is put anew once more then (disqualifying/settle.py)
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from services.quiz.disqualified.rules import NOBODY, PEOPLE_MAX, Disqualification, LeftOut
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.rules import QuizId
from shared.messaging.group_commit import GroupCommit
from shared.storage import mongo
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    SyncDatabase,
    SyncSession,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

COLLECTION = "disqualifications"
# As for results (attempts/hot.py): concurrent requests share a query.
LOOKS_GROUP_MAX = 500
LOOKS_WAITING_MAX = 12_000
LOOK_SECONDS_MAX = 15.0


def left_out_of(database: SyncDatabase, session: SyncSession, who: Collection[tuple[str, str]]) -> LeftOut:
    """What was decided about these participants of these quizzes, read in a transaction of a grader."""
    if not who:
        return NOBODY
    ids = [id_of(*one) for one in who]
    return _by_person(database[COLLECTION].find({"_id": {"$in": ids}}, session=session))


class DisqualifiedStore:
    """Reads and writes disqualifications; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._states = database[COLLECTION]

    async def prepare(self) -> None:
        """Create the collection now: creating one in a transaction causes conflicts."""
        with outages_named():
            await mongo.create_missing(self._database, (COLLECTION,))
            await self._states.create_index([("settle_at", ASCENDING)], sparse=True)
            await self._states.create_index([("participant_id", ASCENDING)])

    async def states(self, ids: Sequence[str]) -> list[Disqualification | None]:
        """What was decided, for each of these ids ("quiz/participant")."""
        with outages_named():
            found = await self._states.find({"_id": {"$in": list(ids)}}).to_list(None)
        known = {one["_id"]: _state(one) for one in found}
        return [known.get(id_) for id_ in ids]

    async def of_quiz(self, quiz_id: str) -> LeftOut:
        """All that was decided in a quiz: at most `PEOPLE_MAX` people."""
        with outages_named():
            return _by_person(await self._states.find({"_id": _ids_of(quiz_id)}).to_list(PEOPLE_MAX))

    async def page(self, quiz_id: str, after: str | None, limit: int) -> list[Disqualification]:
        """Those of a quiz by participant, after this one."""
        ids = _ids_of(quiz_id) | ({"$gt": id_of(quiz_id, after)} if after else {})
        with outages_named():
            found = await self._states.find({"_id": ids}).sort([("_id", ASCENDING)]).to_list(limit)
        return [_state(one) for one in found]

    async def read(self, unit: UnitOfWork, quiz_id: QuizId, who: ParticipantId) -> Disqualification:
        """The state of a participant, read in the transaction."""
        found = await self._states.find_one({"_id": id_of(quiz_id, who)}, session=unit.session)
        return _state(found) if found else Disqualification(quiz_id, who)

    async def of_people(self, unit: UnitOfWork, quiz_id: str, who: Collection[str]) -> LeftOut:
        """What was decided about these participants, read in the transaction."""
        ids = [id_of(quiz_id, one) for one in who]
        return _by_person(await self._states.find({"_id": {"$in": ids}}, session=unit.session).to_list(None))

    async def is_full(self, unit: UnitOfWork, quiz_id: str) -> bool:
        """True if something was decided about so many people that there is no room for another one."""
        number = await self._states.count_documents(
            {"_id": _ids_of(quiz_id)}, limit=PEOPLE_MAX, session=unit.session
        )
        return bool(number >= PEOPLE_MAX)

    async def in_force(self, unit: UnitOfWork, quiz_id: str, most: int) -> list[Disqualification]:
        """The states of a quiz by which something does not count, at most so many, in the transaction."""
        found = await self._states.find({"_id": _ids_of(quiz_id)}, session=unit.session).to_list(PEOPLE_MAX)
        return [state for state in map(_state, found) if state.whole or state.attempt_ids][:most]

    async def settle_all(self, unit: UnitOfWork, quiz_id: str) -> None:
        """Nothing of this quiz has to be settled any more."""
        these = {"_id": _ids_of(quiz_id), "settle_at": {"$exists": True}}
        await self._states.update_many(these, {"$unset": {"settle_at": ""}}, session=unit.session)

    async def save(self, unit: UnitOfWork, state: Disqualification, settle_at: datetime | None) -> None:
        """Keep a state; None: there is nothing to settle."""
        document = msgspec.to_builtins(state, builtin_types=(datetime,))
        if settle_at:
            document |= {"settle_at": settle_at}
        await self._states.replace_one(
            {"_id": id_of(state.quiz_id, state.participant_id)}, document, upsert=True, session=unit.session
        )

    async def due(self, now: datetime) -> list[str]:
        """Those that have to be settled now, in the order of their ids."""
        with outages_named():
            found = await self._states.find({"settle_at": {"$lte": now}}, {"_id": 1}).to_list(PEOPLE_MAX)
        return sorted(one["_id"] for one in found)

    async def is_any_unsettled(self, quiz_id: str) -> bool:
        """True if a state of a quiz is not settled yet."""
        which = {"_id": _ids_of(quiz_id), "settle_at": {"$exists": True}}
        with outages_named():
            return await self._states.find_one(which, {"_id": 1}) is not None

    async def settled(self, unit: UnitOfWork, state: Disqualification) -> bool:
        """Note that a state is settled; False if it was, or if something else was decided since."""
        updated = await self._states.update_one(
            {
                "_id": id_of(state.quiz_id, state.participant_id),
                "decisions": {"$size": state.version},
                "settle_at": {"$exists": True},
            },
            {"$unset": {"settle_at": ""}},
            session=unit.session,
        )
        return bool(updated.modified_count)

    async def remove(self, participant_id: str) -> None:
        """Delete what was decided about somebody who was erased, also in quizzes that are removed."""
        with outages_named():
            await self._states.delete_many({"participant_id": participant_id})


Looks = GroupCommit[str, Disqualification | None]
"""By the `_id` of a disqualification, what it is."""


def grouped_looks(disqualified: DisqualifiedStore) -> Looks:
    """Concurrent requests share one query."""
    return GroupCommit(
        "disqualified",
        disqualified.states,
        items_max=LOOKS_GROUP_MAX,
        waiting_max=LOOKS_WAITING_MAX,
        seconds_max=LOOK_SECONDS_MAX,
    )


def id_of(quiz_id: str, participant_id: str) -> str:
    """The `_id` of a disqualification."""
    return f"{quiz_id}/{participant_id}"


def _ids_of(quiz_id: str) -> Document:
    # All ids that begin with "quiz/": a zero follows the slash in ASCII.
    return {"$gte": f"{quiz_id}/", "$lt": f"{quiz_id}0"}


def _state(document: Document) -> Disqualification:
    return msgspec.convert(document, Disqualification)


def _by_person(documents: Iterable[Document]) -> LeftOut:
    return {(one["quiz_id"], one["participant_id"]): _state(one) for one in documents}

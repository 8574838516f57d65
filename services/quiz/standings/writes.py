"""
How a transaction writes standings, and the change of the counts that follows.

Each result that is graded may replace a standing (`raise_standings`): by a better one, or by an attempt that
was handed in earlier or later, where the first or the last one counts. If results are graded again, standings
are put anew (`settle`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.rules import QuizId, Ranking
from services.quiz.standings.rules import that_counts
from services.quiz.standings.tally import cell_of, packed
from shared.storage import mongo
from shared.storage.mongo import (
    Collection as StoredCollection,
)
from shared.storage.mongo import (
    Database,
    Document,
    Session,
    SyncCollection,
    SyncDatabase,
    SyncSession,
    UpdateOne,
)

STANDINGS, HELD, CHANGES = "standings", "held", "rank_changes"
BY_DEFAULT = Ranking()


class StandingKey(NamedTuple):
    """A participant's standing in a quiz, or the standing that a freeze of that moment holds back."""

    quiz_id: QuizId
    participant_id: ParticipantId
    frozen_at: datetime | None = None


Orders = Mapping[StandingKey, int]
Rankings = Mapping[str, Ranking]
NO_RANKINGS: Rankings = MappingProxyType({})


def raise_standings(
    database: SyncDatabase,
    session: SyncSession,
    orders: Orders,
    written: Collection[str] = (),
    rankings: Rankings = NO_RANKINGS,
) -> None:
    """
    Put each of these orders where it counts more than the standing, and write how the counts change; in the
    transaction given.

    Repeats and any sequence give the same standings. If another transaction writes one of them at the same
    time, the two conflict and one runs again as a whole.

    Args:
        written: the quizzes whose standings are written also if they stay. While results are graded again, a
            standing may fall. The transaction that lowers it does not see the results of this one, so the
            two must conflict.
        rankings: by quiz; a quiz that is not there ranks by default.
    """
    now = {key: order for key, order in orders.items() if key.frozen_at is None}
    before = _raise(database[STANDINGS], session, now, written, rankings)
    changes: dict[QuizId, Counter[int]] = defaultdict(Counter)
    for key, order in now.items():
        earlier = before.get(key)
        if earlier is None:
            changes[key.quiz_id][cell_of(order)] += 1
        elif (after := _after(earlier, key, order, rankings)) != earlier:
            changes[key.quiz_id][cell_of(after)] += 1
            changes[key.quiz_id][cell_of(earlier)] -= 1
    changed = [{"quiz_id": quiz_id, "cells": packed(cells)} for quiz_id, cells in changes.items()]
    mongo.insert_all(database[CHANGES], [one for one in changed if one["cells"]], session)
    if len(now) < len(orders):
        later = {key: order for key, order in orders.items() if key.frozen_at is not None}
        _raise(database[HELD], session, later, written, rankings)


def _raise(
    collection: SyncCollection,
    session: SyncSession,
    orders: Orders,
    written: Collection[str],
    rankings: Rankings,
) -> dict[StandingKey, int]:
    """Put these orders into documents where they count more; returns the orders that they had before."""
    if not orders:
        return {}
    ids = {id_of(key): key for key in orders}
    found = collection.find({"_id": {"$in": list(ids)}}, {"order": 1}, session=session)
    before = {ids[one["_id"]]: one["order"] for one in found}
    raised = [
        UpdateOne({"_id": id_of(key)}, _written(after))
        for key, order in before.items()
        if (after := _after(order, key, orders[key], rankings)) != order or key.quiz_id in written
    ]
    if raised:
        collection.bulk_write(raised, ordered=False, session=session)
    new = [_document(id_, key, orders[key]) for id_, key in ids.items() if key not in before]
    mongo.insert_all(collection, new, session)
    return before


def _after(before: int, key: StandingKey, order: int, rankings: Rankings) -> int:
    return that_counts(before, order, rankings.get(key.quiz_id, BY_DEFAULT))


def _written(order: int) -> Document:
    # The counter makes it a write also if the order stays: the server skips an update that changes nothing.
    return {"$set": {"order": order}, "$inc": {"writes": 1}}


async def settle(
    database: Database, session: Session, best: Orders, ranking: Ranking = BY_DEFAULT
) -> set[str]:
    """
    Put the standings of people anew whose results were graded again: a standing may fall.

    All documents of these people are written. So a transaction that grades, releases or removes at the same
    moment conflicts with this one. Whoever has no standing gets none: an erasure removed it.

    Args:
        best: of one quiz, the orders of these people's attempts that count.
    Returns: those of them whose result that counts has changed.
    """
    if not best:
        return set()
    quiz_id = next(iter(best)).quiz_id
    people = {key.participant_id for key in best}
    moments = await database[HELD].distinct("frozen_at", {"quiz_id": quiz_id}, session=session)
    shown = await _read(database[STANDINGS], session, [StandingKey(quiz_id, who) for who in people])
    held = await _read(
        database[HELD], session, [StandingKey(quiz_id, who, at) for who in people for at in moments]
    )
    standing = {key.participant_id for key in (*shown, *held)}
    after = {key: order for key, order in best.items() if key.participant_id in standing}
    to_show = {key: order for key, order in after.items() if key.frozen_at is None}
    to_hold = {key: order for key, order in after.items() if key.frozen_at is not None}
    await _replace(database[STANDINGS], session, shown, to_show)
    await _replace(database[HELD], session, held, to_hold)
    await _count(database, session, quiz_id, shown, to_show)
    before, now = _counting({**shown, **held}, ranking), _counting(after, ranking)
    return {who for who in before if before[who] != now.get(who)}


async def place(database: Database, session: Session, who: StandingKey, best: Orders) -> bool:
    """
    Put the standing of one participant anew, also if there was none; True if it has changed.

    The document of the standing is written in any case. So a grader that stores a result of this participant
    at the same moment conflicts with this transaction, and one of the two runs again.

    Args:
        best: the orders of the attempts that count; none: the participant has no standing.
    """
    quiz_id = who.quiz_id
    moments = await database[HELD].distinct("frozen_at", {"quiz_id": quiz_id}, session=session)
    shown = await _read(database[STANDINGS], session, [who])
    held = await _read(database[HELD], session, [who._replace(frozen_at=moment) for moment in moments])
    to_show = {key: order for key, order in best.items() if key.frozen_at is None}
    to_hold = {key: order for key, order in best.items() if key.frozen_at is not None}
    if not shown and not to_show:
        await mongo.insert_unless_taken(database[STANDINGS], [{"_id": id_of(who)}], session)
        await database[STANDINGS].delete_one({"_id": id_of(who)}, session=session)
    await _replace(database[STANDINGS], session, shown, to_show)
    await _replace(database[HELD], session, held, to_hold)
    await _count(database, session, quiz_id, shown, to_show)
    return (shown, held) != (to_show, to_hold)


async def _count(database: Database, session: Session, quiz_id: str, before: Orders, after: Orders) -> None:
    cells = Counter(map(cell_of, after.values()))
    cells.subtract(map(cell_of, before.values()))
    if change := packed(cells):
        await mongo.insert_in(database[CHANGES], [{"quiz_id": quiz_id, "cells": change}], session)


async def _read(
    collection: StoredCollection, session: Session, keys: Iterable[StandingKey]
) -> dict[StandingKey, int]:
    ids = {id_of(key): key for key in keys}
    found = await collection.find({"_id": {"$in": list(ids)}}, {"order": 1}, session=session).to_list(None)
    return {ids[one["_id"]]: one["order"] for one in found}


async def _replace(collection: StoredCollection, session: Session, before: Orders, after: Orders) -> None:
    updates = [UpdateOne({"_id": id_of(key)}, _written(after[key])) for key in before if key in after]
    if updates:
        await collection.bulk_write(updates, ordered=False, session=session)
    if gone := [id_of(key) for key in before if key not in after]:
        await collection.delete_many({"_id": {"$in": gone}}, session=session)
    new = [_document(id_of(key), key, order) for key, order in after.items() if key not in before]
    await mongo.insert_unless_taken(collection, new, session)


def _counting(orders: Orders, ranking: Ranking) -> dict[ParticipantId, int]:
    counting: dict[ParticipantId, int] = {}
    for key, order in orders.items():
        one = counting.get(key.participant_id)
        counting[key.participant_id] = order if one is None else that_counts(one, order, ranking)
    return counting


def id_of(key: StandingKey) -> str:
    """The `_id` of a standing."""
    quiz_id, participant_id, frozen_at = key
    if frozen_at is None:
        return f"{quiz_id}/{participant_id}"
    return f"{quiz_id}/{frozen_at.timestamp():.3f}/{participant_id}"


def _document(id_: str, key: StandingKey, order: int) -> Document:
    document: Document = {"_id": id_, "quiz_id": key.quiz_id, "order": order}
    if key.frozen_at is not None:
        document["frozen_at"] = key.frozen_at
    return document

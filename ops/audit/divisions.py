"""
The audit of divisions: a final board has the people of its division whose results count, in order.

Who is of which division follows from the profiles in the log, and the order from the submissions in the log.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from ops.audit.findings import Check, true_of_all
from ops.audit.known import Known
from ops.audit.log import Log
from ops.audit.rankings import FINISH_BITS, TIME_BITS, UNRANKED_BITS, Graded, ranks_by, that_count
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
Names: TypeAlias = Mapping[str, str | None]
KINDS = {"audience": "audience", "district": "district", "group": "group_id"}
# Boards of fewer people are hidden: docs/decisions/0070-divisions.md
PEOPLE_SHOWN_MIN, BEST_MAX, ROWS_A_PAGE = 5, 100, 500
# A profile may reach quiz so long after its event.
HEARD_MS = 60_000


@dataclass(frozen=True, slots=True)
class _Board:
    """A board as it is stored, with all rows."""

    kind: str
    name: str
    about: Json
    rows: Sequence[tuple[str, int]]


async def board_checks(
    log: Log, database: Database, known: Known, graded: Mapping[str, Graded]
) -> AsyncIterator[Check]:
    """Everybody is on the final board of each own division once, and each board is in order."""
    best, profiles = that_count(log, known, graded), _profiles(log)
    wrong: list[str] = []
    number = 0
    async for state in database["divisions"].find({"final": {"$gt": 0}}):
        quiz_id = state["_id"]
        quiz = known.quizzes.get(quiz_id, {})
        # Standings that have changed since have other boards in a moment.
        if quiz.get("status") != "closed" or state["final"] != quiz.get("closing_version", 1):
            continue
        orders = {who[len(quiz_id) + 1 :]: at for who, at in best.items() if who.startswith(f"{quiz_id}/")}
        tables = {"_id": {"$in": [f"{quiz_id}/{state['boards']}/table/{kind}" for kind in KINDS]}}
        if await database["division_boards"].count_documents(tables) < len(KINDS):
            wrong.append(quiz_id)
        boards = [board async for board in _stored(database, quiz_id, state["boards"])]
        number += len(boards)
        bits = UNRANKED_BITS[ranks_by(quiz_id, known)[0]]
        wrong += [f"{quiz_id}/{one.kind}/{one.name}" for one in boards if not _is_right(one, orders, bits)]
        until_ms = int(state["as_of"].timestamp() * 1_000) - HEARD_MS
        wrong += [f"{quiz_id}/{who}" for who in _misplaced(boards, orders, profiles, until_ms)]
    yield true_of_all("final boards of divisions have their people in order", wrong, number)


def _profiles(log: Log) -> Mapping[str, list[tuple[int, Names | None]]]:
    """By person, when the divisions were said that somebody is of; None: the person was erased."""
    found: dict[str, list[tuple[int, Names | None]]] = defaultdict(list)
    for event in sorted(log.events("participant.joined"), key=lambda one: int(one.body["version"])):
        names = {kind: event.body[field] for kind, field in KINDS.items()}
        found[event.body["participant_id"]].append((event.time_ms, names))
    for event in log.events("participant.erased"):
        found[event.key].append((event.time_ms, None))
    return found


async def _stored(database: Database, quiz_id: str, name: str) -> AsyncIterator[_Board]:
    collection, prefix = database["division_boards"], f"{quiz_id}/{name}"
    for kind in KINDS:
        table = await collection.find_one({"_id": f"{prefix}/table/{kind}"})
        for board in msgspec.msgpack.decode(table["boards"]) if table else ():
            rows: list[tuple[str, int]] = []
            for nth in range(len(board["firsts"])):
                page = await collection.find_one({"_id": f"{prefix}/page/{board['number']}/{nth}"})
                rows += [(who, order) for who, order in msgspec.msgpack.decode(page["rows"])] if page else []
            yield _Board(kind, board["name"], board, rows)


def _is_right(board: _Board, orders: Mapping[str, int], bits: int) -> bool:
    should = sorted(((who, orders.get(who, -1)) for who, _ in board.rows), key=lambda row: (-row[1], row[0]))
    begins = range(0, len(should), ROWS_A_PAGE)
    about = board.about
    return (
        [*board.rows] == should
        and about["people"] == len(should)
        and about["best"] == [order >> TIME_BITS + FINISH_BITS for _, order in should[:BEST_MAX]]
        and about["firsts"] == [should[at][1] for at in begins]
        and about["ranks"] == [_rank(should, at, bits) for at in begins]
        and (about["hidden"] or len(should) >= PEOPLE_SHOWN_MIN)
    )


def _rank(rows: Sequence[tuple[str, int]], at: int, bits: int) -> int:
    return 1 + sum(order >> bits > rows[at][1] >> bits for _, order in rows)


def _misplaced(
    boards: Iterable[_Board],
    orders: Mapping[str, int],
    profiles: Mapping[str, list[tuple[int, Names | None]]],
    until_ms: int,
) -> Iterator[str]:
    """Those who are not on the board of a division of theirs, or on that of another one."""
    stands: dict[tuple[str, str], list[str]] = defaultdict(list)
    for board in boards:
        for who, _ in board.rows:
            stands[board.kind, who].append(board.name)
    for who in {*orders, *(who for _, who in stands)}:
        told = profiles.get(who, [])
        # Quiz may have heard late of those that came last.
        before = [names for at_ms, names in told if at_ms <= until_ms]
        may_be = [*before[-1:], *(names for at_ms, names in told if at_ms > until_ms)]
        if not before:
            may_be.append(None)
        for kind in KINDS:
            names = {one and one[kind] for one in may_be} if who in orders else {None}
            if not any(stands[kind, who] == ([name] if name else []) for name in names):
                yield who
                break

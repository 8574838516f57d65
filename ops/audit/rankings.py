"""The audit of standings: results that count are ranked again, by the rules that their quiz has published."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from struct import iter_unpack
from typing import Any, TypeAlias

from ops.audit.decisions import does_count, last_closings, states_of_now
from ops.audit.findings import Check, compare, true_of_all
from ops.audit.known import Known
from ops.audit.log import Log
from shared.contracts.events import STANDINGS_MAX
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
# A standing is stored as one number: half points, then the time left of the longest time, then the moment
# of finishing; if the finish decides ties, it comes before the time. docs/decisions/0065-ties-and-counts.md
TIME_BITS, FINISH_BITS, TIME_SECONDS_MAX, FINISH_MS_MAX = 17, 35, 2**17 - 1, 2**35 - 1
# The low bits that decide no rank.
UNRANKED_BITS = {"time_used": FINISH_BITS, "earlier_finish": TIME_BITS, "shared": TIME_BITS + FINISH_BITS}
EXACT_SECONDS, WIDE_SECONDS, CELLS_A_SCORE = 4_096, 256, 4_592


@dataclass(frozen=True, slots=True)
class Graded:
    """The expected result."""

    attempt_id: str
    quiz_id: str
    participant_id: str
    points: Fraction
    points_max: Fraction
    passed: bool
    time_used_seconds: int
    automatic: bool
    finish_ms: int


async def ranking_checks(
    log: Log,
    database: Database,
    known: Known,
    graded: Mapping[str, Graded],
    erased: Collection[str],
) -> AsyncIterator[Check]:
    """Standings, their counts and final ranks are those of the results that count."""
    closed = [quiz_id for quiz_id, quiz in known.quizzes.items() if quiz["status"] == "closed"]
    events = last_closings(log)
    rules = {quiz_id: ranks_by(quiz_id, known) for quiz_id in known.quizzes}
    best = that_count(log, known, graded)
    standings = {one["_id"]: one["order"] async for one in database["standings"].find()}
    # Results that a freeze holds back count as if they were in the standings.
    standing = dict(standings)
    async for one in database["held"].find():
        who = f"{one['quiz_id']}/{one['_id'].rpartition('/')[2]}"
        standing[who] = _that_counts(one["order"], standing.get(who, one["order"]), *rules[one["quiz_id"]])
    # The erased are in the standings only if those were final before the erasure.
    best = {
        who: order for who, order in best.items() if who in standing or who.partition("/")[2] not in erased
    }
    yield compare("everyone graded has a standing", best, standing)
    yield true_of_all(
        "standings are the results that count",
        (who for who, order in standing.items() if who in best and order != best[who]),
        len(standing),
    )
    wrong_counts = await _wrongcounts(database, standings)
    yield true_of_all("ranks are counted from the standings", wrong_counts, len(standings))
    wrong = [
        one
        for quiz_id in closed
        if quiz_id in events
        for one in _wrong_ranks(events[quiz_id], best, *rules[quiz_id], opens_at(quiz_id, known))
    ]
    yield true_of_all("final ranks are right", wrong, sum(len(e["standings"]) for e in events.values()))


def that_count(log: Log, known: Known, graded: Mapping[str, Graded]) -> dict[str, int]:
    """By "quiz/participant", the order of the attempt that counts."""
    decided = states_of_now(log)
    counting = [
        one for one in graded.values() if does_count(decided, one.quiz_id, one.participant_id, one.attempt_id)
    ]
    return _that_count(counting, {quiz_id: ranks_by(quiz_id, known) for quiz_id in known.quizzes})


def ranks_by(quiz_id: str, known: Known) -> tuple[str, str]:
    """What decides between equal points in a quiz, and which attempt counts."""
    published = known.published.get((quiz_id, known.quizzes[quiz_id]["version"]), {})
    return published.get("ties", "time_used"), published.get("counts", "best")


def opens_at(quiz_id: str, known: Known) -> datetime:
    """From when the moments of finishing are counted, which are whole milliseconds."""
    published = known.published.get((quiz_id, known.quizzes[quiz_id]["version"]), {})
    opened = datetime.fromisoformat(published.get("opens_at", "2000-01-01T00:00:00+00:00"))
    return opened + timedelta(microseconds=-opened.microsecond % 1_000)


def _that_count(graded: Iterable[Graded], rules: Mapping[str, tuple[str, str]]) -> dict[str, int]:
    """By participant of a quiz, the order of the attempt that counts."""
    counting: dict[str, int] = {}
    for one in graded:
        ties, counts = rules[one.quiz_id]
        who, order = f"{one.quiz_id}/{one.participant_id}", _order(one, ties)
        counting[who] = _that_counts(order, counting.get(who, order), ties, counts)
    return counting


def _that_counts(one: int, other: int, ties: str, counts: str) -> int:
    finishes = [_finish_ms(order, ties) for order in (one, other)]
    if counts == "best" or finishes[0] == finishes[1]:
        return max(one, other)
    return one if (finishes[0] < finishes[1]) == (counts == "first") else other


def _wrong_ranks(
    closing: Json, best: Mapping[str, int], ties: str, counts: str, opened: datetime
) -> Iterator[str]:
    """Listed people whose rank or result is wrong, and the quiz if the whole is."""
    quiz_id, bits = closing["quiz_id"], UNRANKED_BITS[ties]
    orders = [order for who, order in best.items() if who.startswith(f"{quiz_id}/")]
    listed = len({standing["participant_id"] for standing in closing["standings"]})
    said = closing.get("ties", "time_used"), closing.get("counts", "best")
    if said != (ties, counts):
        yield quiz_id
    if (closing["participants"], listed) != (len(orders), min(len(orders), STANDINGS_MAX)):
        yield quiz_id
    better = Counter(order >> bits for order in orders)
    ranks = dict(zip(sorted(better, reverse=True), _running(better), strict=True))
    for standing in closing["standings"]:
        order = best.get(f"{quiz_id}/{standing['participant_id']}")
        if order is None:
            yield f"{quiz_id}/{standing['participant_id']}"
            continue
        time_left = (order if ties == "earlier_finish" else order >> FINISH_BITS) & TIME_SECONDS_MAX
        should = order >> (TIME_BITS + FINISH_BITS), TIME_SECONDS_MAX - time_left, ranks[order >> bits]
        finished = opened + timedelta(milliseconds=_finish_ms(order, ties))
        said_at = datetime.fromisoformat(standing.get("finished_at") or finished.isoformat())
        if should != (2 * standing["points"], standing["time_used_seconds"], standing["rank"]) or (
            said_at != finished
        ):
            yield f"{quiz_id}/{standing['participant_id']}"


def _finish_ms(order: int, ties: str) -> int:
    return FINISH_MS_MAX - ((order >> TIME_BITS if ties == "earlier_finish" else order) & FINISH_MS_MAX)


def _running(people: Mapping[int, int]) -> Iterator[int]:
    """The ranks of all who differ, from the best on."""
    rank = 1
    for key in sorted(people, reverse=True):
        yield rank
        rank += people[key]


async def _wrongcounts(database: Database, standings: Mapping[str, int]) -> list[str]:
    """The cells whose stored count differs from the number of standings in them."""
    counted: Counter[tuple[str, int]] = Counter()
    for name, quiz_field in (("rank_counts", "_id"), ("rank_changes", "quiz_id")):
        async for one in database[name].find():
            for cell, count in iter_unpack("<ii", one["cells"]):
                counted[one[quiz_field], cell] += count
    counted.subtract(Counter((who.partition("/")[0], _cell(order)) for who, order in standings.items()))
    return [f"{quiz_id}/{cell}" for (quiz_id, cell), surplus in counted.items() if surplus]


def _cell(order: int) -> int:
    """The cell that counts a standing, as docs/decisions/0020-points.md numbers them."""
    halves, left = divmod(order >> FINISH_BITS, TIME_SECONDS_MAX + 1)
    seconds = TIME_SECONDS_MAX - left
    wide = EXACT_SECONDS + max(seconds - EXACT_SECONDS, 0) // WIDE_SECONDS
    return halves * CELLS_A_SCORE + min(seconds, wide)


def _order(one: Graded, ties: str) -> int:
    time = TIME_SECONDS_MAX - min(max(one.time_used_seconds, 0), TIME_SECONDS_MAX)
    finish = FINISH_MS_MAX - min(max(one.finish_ms, 0), FINISH_MS_MAX)
    low: int = finish * 2**TIME_BITS + time if ties == "earlier_finish" else time * 2**FINISH_BITS + finish
    return (int(2 * one.points) << TIME_BITS + FINISH_BITS) + low

"""Results, and what the standings must be after them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from services.quiz.attempts.submission import Submission
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.rules import QuizId
from services.quiz.results.rules import AttemptId, Result
from services.quiz.standings.ranks import Ranks
from services.quiz.standings.rules import least_better, order, parts_of
from services.quiz.standings.store import StandingStore
from services.quiz.standings.tally import cell_of
from services.quiz.standings.writes import Orders, StandingKey
from shared.storage.mongo import Database
from tests.quiz.builders import batch
from tests.quiz.parts import Parts, results_in

NEVER_FROZEN: Mapping[str, datetime] = {}
OPENS = datetime(2026, 5, 20, tzinfo=UTC)
QUIZ = QuizId("contest")


def database_of(parts: Parts) -> Database:
    return parts.stores.database


def result(n: int, who: str, half_points: int, seconds: int, finish_ms: int = 0) -> Result:
    """The nth result of a quiz that no catalogue knows."""
    at = OPENS + timedelta(milliseconds=finish_ms)
    ids = AttemptId(f"a{n}"), f"s{n}", QUIZ, 1, ParticipantId(who)
    return Result(*ids, None, None, half_points, 200, half_points >= 120, seconds, at, "")


def orders(results: Iterable[Result], _: Mapping[str, datetime] = NEVER_FROZEN) -> Orders:
    best: dict[StandingKey, int] = {}
    for one in results:
        place = StandingKey(one.quiz_id, one.participant_id)
        this = order(one.half_points, one.time_used_seconds, one.submitted_at, OPENS)
        best[place] = max(this, best.get(place, 0))
    return best


async def stored(database: Database, quiz_id: str) -> dict[ParticipantId, int]:
    """Participants and orders as they stand."""
    found = database["standings"].find({"quiz_id": quiz_id})
    return {ParticipantId(one["_id"].partition("/")[2]): one["order"] async for one in found}


async def assert_counted(database: Database, quiz_id: str) -> None:
    """Every standing is counted, and nothing else."""
    standing = await stored(database, quiz_id)
    tally = await StandingStore(database).tally(quiz_id)
    assert tally.cells() == dict(Counter(map(cell_of, standing.values())))
    assert tally.participants == len(standing)


async def assert_ranks(database: Database, quiz_id: str, best: Mapping[ParticipantId, int]) -> None:
    """Standings are these, and each rank is one more than how many are better."""
    assert await stored(database, quiz_id) == best
    await assert_counted(database, quiz_id)
    ranks = Ranks(StandingStore(database), fresh_seconds=0)
    for own in best.values():
        better = sum(other >= least_better(own) for other in best.values())
        assert await ranks.rank(quiz_id, own) == better + 1
    assert await ranks.participants(quiz_id) == len(best)


async def all_of(awaitables: Iterable[Awaitable[object]]) -> None:
    await asyncio.gather(*awaitables)


def on_time(parts: Parts, who: str, right: int, at: datetime, number: int = 1) -> Submission:
    return parts.submission(who, right=right, submitted_at=at, number=number)


async def graded(parts: Parts, *sent: Submission) -> list[str]:
    return [
        event.participant_id for _, event in results_in(await parts.grading.grade_submissions(batch(*sent)))
    ]


async def standing(parts: Parts) -> Mapping[str, int]:
    """Participants and their points in percent; five questions are on a paper."""
    return {
        who: 20 * parts_of(order, OPENS).half_points // 2
        for who, order in (await stored(database_of(parts), parts.quiz_id)).items()
    }

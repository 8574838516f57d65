"""
A tie after the list is decided by the ranking of the quiz, among the results that count.

Each week is played with awards that follow and with awards that stay, and the audit computes it again.
"""

from datetime import timedelta
from typing import Any

import pytest

from services.awards.schemes.rules import Scheme
from shared.contracts.events import Counts, FinalStanding, QuizCompleted
from shared.messaging.publisher import Record, to_record
from shared.storage.outbox import waiting
from tests.awards.builders import NOW, closed, completed, decided, envelope, following, prizes, standing
from tests.awards.following.test_audit import wrong
from tests.awards.parts import Happened, Parts, new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack


class Played:
    """Plays events into awards, and keeps the log."""

    def __init__(self, at: Parts, *, follows: bool) -> None:
        self.at = at
        self.quiz = new_id("quiz")
        of = prizes(self.quiz, gold=1)
        self.of: Scheme = following(of) if follows else of
        self._records: list[Record] = []

    def result(self, who: str, nth: int, points: float, seconds: int = 60) -> QuizCompleted:
        """The nth attempt of somebody."""
        return completed(
            self.quiz,
            who,
            points,
            time_used_seconds=seconds,
            completed_at=NOW + timedelta(seconds=nth),
        )

    async def happens(self, *events: Happened) -> None:
        self._records += [to_record(envelope(event)) for event in events]
        self._records += await self.at.publish_all(*events)
        await self.at.follow()

    async def holders(self) -> set[str]:
        return {who for who, award in (await self.at.issued(self.of)).items() if award.is_valid}

    async def wrong(self) -> set[str]:
        """What the audit finds."""
        return await wrong(self.at, [*self._records, *await waiting(self.at.database)])


def first_of(quiz: Played, who: str, ties: str) -> FinalStanding:
    at = NOW + timedelta(seconds=1)
    found = standing(1, who)
    # The closing has whole milliseconds.
    whole = at.replace(microsecond=at.microsecond // 1_000 * 1_000)
    return found.model_copy(update={"finished_at": whole}) if ties == "earlier_finish" else found


@pytest.mark.parametrize("follows", [True, False])
async def test_with_shared_ranks_all_of_equal_points_that_count_have_the_prize(
    mongo: str, *, follows: bool
) -> None:
    async with new_parts(mongo) as [at]:
        week = Played(at, follows=follows)
        await at.schemes.put(week.of)
        list_ = [standing(1, "listed")]
        barred, partly = week.result("barred", 1, 90, 50), week.result("partly", 1, 90, 50)
        await week.happens(
            week.result("listed", 1, 90),
            week.result("quick", 1, 90, 40),
            week.result("slow", 2, 90, 300),
            week.result("less", 1, 89.5),
            barred,
            partly,
            week.result("partly", 2, 10),
        )
        await week.happens(
            decided(week.quiz, "barred"),
            decided(week.quiz, "partly", 1, partly.result_id, disqualified=False),
        )
        await week.happens(closed(week.quiz, list_, participants=5, ties="shared"))
        applied = await at.apply(week.of)
        assert (applied.issued, applied.undecided) == (2, False)
        assert await week.holders() == {"listed", "quick", "slow"}
        assert await week.wrong() == set()
        # After the revised standings the tie is decided anew, among those who count now.
        await week.happens(
            decided(week.quiz, "slow"),
            decided(week.quiz, "partly", 2, disqualified=False),
            closed(week.quiz, list_, participants=4, ties="shared", version=2),
        )
        assert (await at.state(week.of)).undecided is not None
        assert not (await at.apply(week.of)).undecided
        assert await week.holders() == {"listed", "quick", "partly"} | (set() if follows else {"slow"})
        assert await week.wrong() == set()
        # The audit notices a prize that is missing.
        await at.database["awards"].delete_one({"recipient_id": "quick"})
        assert "awards are given" in await week.wrong()


# By the attempt that is ranked: who is in the tie while one attempt of each of the four does not count, and
# when all count.
RANKED: list[tuple[Counts, set[str], set[str]]] = [
    (
        "first",
        {"begins-well", "worse-before", "worse-after"},
        {"begins-well", "better-before", "worse-after"},
    ),
    ("last", {"ends-well", "worse-before", "worse-after"}, {"ends-well", "worse-before", "better-after"}),
]


@pytest.mark.parametrize("ties", ["time_used", "earlier_finish", "shared"])
@pytest.mark.parametrize(("counts", "without", "with_all"), RANKED)
async def test_of_those_in_a_tie_the_attempt_that_is_ranked_is_one_that_counts(
    mongo: str, counts: Counts, without: set[str], with_all: set[str], ties: str
) -> None:
    async with new_parts(mongo) as [at]:
        week = Played(at, follows=True)
        await at.schemes.put(week.of)
        # All attempts with 90 points end at the same moment, so they tie in each way.
        out = {
            "worse-before": week.result("worse-before", 0, 50),
            "better-before": week.result("better-before", 1, 90),
            "better-after": week.result("better-after", 1, 90),
            "worse-after": week.result("worse-after", 2, 50),
        }
        await week.happens(
            week.result("listed", 1, 90),
            week.result("begins-well", 1, 90),
            week.result("begins-well", 2, 50),
            week.result("ends-well", 0, 50),
            week.result("ends-well", 1, 90),
            *out.values(),
            week.result("worse-before", 1, 90),
            week.result("better-before", 2, 50),
            week.result("better-after", 0, 50),
            week.result("worse-after", 1, 90),
        )
        await week.happens(
            *[decided(week.quiz, who, 1, one.result_id, disqualified=False) for who, one in out.items()]
        )
        list_ = [first_of(week, "listed", ties)]
        said: dict[str, Any] = {"ties": ties, "counts": counts}
        await week.happens(closed(week.quiz, list_, participants=7, **said))
        assert not (await at.apply(week.of)).undecided
        assert await week.holders() == {"listed", *without}
        assert await week.wrong() == set()
        # All count again: the tie is decided anew.
        await week.happens(
            *[decided(week.quiz, who, 2, disqualified=False) for who in out],
            closed(week.quiz, list_, participants=7, version=2, **said),
        )
        assert not (await at.apply(week.of)).undecided
        assert await week.holders() == {"listed", *with_all}
        assert await week.wrong() == set()

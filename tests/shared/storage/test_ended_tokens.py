"""Ended tokens in memory: learned and forgotten in small steps, however many people there are."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.runtime import clock
from shared.storage.ended_tokens import AT_ONCE, KEPT, EndedTokens
from shared.storage.mongo import Database
from tests.support.kafka import fresh_database
from tests.support.steps import largest_step

pytestmark = pytest.mark.stack

THEN = datetime(2026, 5, 20, 12, tzinfo=UTC)
NUMBER = 100_000


async def have_ended(database: Database, number: int, *, at: datetime) -> None:
    """The tokens of so many participants have ended, one in each millisecond."""
    ended = [
        {"_id": f"p-{one}", "from": THEN, "at": at + timedelta(milliseconds=one)} for one in range(number)
    ]
    await database["ended_tokens"].insert_many(ended, ordered=False)


async def test_a_hundred_thousand_are_learned_in_small_steps(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        await have_ended(database, NUMBER, at=datetime.now(UTC) - timedelta(minutes=2))
        ended = EndedTokens(database)
        assert await largest_step(ended.prepare(), lambda: len(ended._good_from)) <= AT_ONCE
        assert len(ended._good_from) == len(ended._in_order) == NUMBER
        before = int(THEN.timestamp()) - 1
        assert ended.is_ended(f"p-{NUMBER - 1}", before)
        # The news of a minute are read again, and change nothing.
        await ended.refresh()
        assert len(ended._in_order) == NUMBER


async def test_the_oldest_are_forgotten_by_time_and_nothing_else_is_read_again(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        long_ago = clock.now().replace(microsecond=0) - timedelta(days=20)
        await have_ended(database, AT_ONCE + 10, at=long_ago)
        ended = EndedTokens(database)
        await ended.refresh()
        later = THEN + timedelta(days=1)
        await ended.end({"p-3": later})
        await ended.refresh()
        # Who is not among the news is not read again: memory has them already.
        await database["ended_tokens"].delete_many({})
        await ended.turn()
        assert len(ended._good_from) == AT_ONCE + 10

        before = int(THEN.timestamp()) - 1
        ended.forget_before(long_ago + timedelta(milliseconds=5))
        gone = [one for one in range(8) if not ended.is_ended(f"p-{one}", before)]
        assert gone == [0, 1, 2, 4]
        assert ended.is_ended("p-3", int(later.timestamp()) - 1)
        left = len(ended._in_order)
        for _ in range(2):
            ended.forget_before(long_ago + timedelta(days=1))
            assert left - len(ended._in_order) <= AT_ONCE
            left = len(ended._in_order)
        assert list(ended._good_from) == ["p-3"]


async def test_a_turn_forgets_what_no_token_can_be_as_old_as(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        await have_ended(database, 3, at=datetime.now(UTC) - KEPT - timedelta(days=1))
        await EndedTokens(database).end({"p-new": THEN})
        ended = EndedTokens(database)
        await ended.turn()
        assert list(ended._good_from) == ["p-new"]

"""The next in rank moves up when an organiser revokes a prize: on the real database."""

import asyncio

import pytest

from ops.audit.awards import audit_awards
from ops.audit.log import Log
from services.awards.schemes.rules import Scheme
from shared.messaging.publisher import Record, to_record
from shared.storage.outbox import waiting
from tests.awards.builders import (
    closed,
    decided,
    envelope,
    erased,
    following,
    next_in_rank,
    prizes,
    standing,
)
from tests.awards.following.test_crashes import until_done
from tests.awards.parts import Parts, new_parts
from tests.awards.proposals.played import end_and_issue, short, tiers, wait_and_issue
from tests.support.logged import entries
from tests.support.service import new_id

pytestmark = pytest.mark.stack
PLACES = ("first", "second", "third", "fourth", "fifth", "sixth")


async def put_and_close(at: Parts, *schemes: Scheme, quiz: str) -> list[Record]:
    """The quiz is closed with six people at ranks 1 to 6; returns what was published."""
    for of in schemes:
        await at.schemes.put(of)
    event = closed(quiz, [standing(rank, one) for rank, one in enumerate(PLACES, 1)])
    return [to_record(envelope(event)), *await at.publish_all(event)]


async def revoke(at: Parts, of: Scheme, whom: str, *, place_free: bool = False) -> None:
    """An organiser revokes twice, since the first answer was lost; the work is done by two copies at once."""
    id_ = (await at.issued(of))[whom].award_id
    for _ in range(2):
        await at.revoke(id_, "冒名答题", place_free=place_free)
    await asyncio.gather(at.follow(), at.follow())


async def held(at: Parts, of: Scheme) -> dict[str, str | None]:
    """Who holds an award, with its tier."""
    return {one: award.tier for one, award in (await at.issued(of)).items() if award.is_valid}


async def wrong(at: Parts, records: list[Record]) -> set[str]:
    log = Log(entries([*records, *await waiting(at.database)]))
    return {one.name for one in await audit_awards(log, at.database, []) if not one.agrees}


async def test_the_next_in_rank_moves_up_once_and_by_the_policy_of_the_scheme(mongo: str) -> None:
    quiz = new_id("quiz")
    keeps = next_in_rank(prizes(quiz, gold=1, silver=1))
    follows, stays = following(next_in_rank(prizes(quiz, gold=1, silver=1))), prizes(quiz, gold=1, silver=1)
    async with new_parts(mongo) as [at]:
        records = await put_and_close(at, keeps, follows, stays, quiz=quiz)
        for of in (keeps, follows, stays):
            await revoke(at, of, "first")
        assert await held(at, keeps) == {"second": "silver", "third": "silver"}
        assert await held(at, follows) == {"second": "gold", "third": "silver"}
        assert await held(at, stays) == {"second": "silver"}
        assert await wrong(at, records) == set()
        # Whoever has moved up leaves a place too.
        await revoke(at, keeps, "third")
        assert await held(at, keeps) == {"second": "silver", "fourth": "silver"}
        assert await wrong(at, records) == set()


async def test_a_place_may_stay_free(mongo: str) -> None:
    quiz = new_id("quiz")
    of = next_in_rank(prizes(quiz, gold=1))
    async with new_parts(mongo) as [at]:
        records = await put_and_close(at, of, quiz=quiz)
        await revoke(at, of, "first", place_free=True)
        assert await held(at, of) == {}
        assert await wrong(at, records) == set()


async def test_whoever_is_erased_or_disqualified_does_not_move_up_and_the_one_behind_does(mongo: str) -> None:
    quiz = new_id("quiz")
    of = next_in_rank(prizes(quiz, gold=1, silver=1))
    async with new_parts(mongo) as [at]:
        records = await put_and_close(at, of, quiz=quiz)
        gone = erased("third"), decided(quiz, "fourth")
        await at.know(gone[0])
        records += [*map(to_record, map(envelope, gone)), *await at.publish_all(gone[1])]
        await revoke(at, of, "second")
        assert await held(at, of) == {"first": "gold", "fifth": "silver"}
        assert await wrong(at, records) == set()
        # What is held stays, also when the holder is erased.
        event = erased("fifth")
        await at.know(event)
        await revoke(at, of, "first", place_free=True)
        assert await held(at, of) == {"fifth": "silver"}
        assert await wrong(at, [*records, to_record(envelope(event))]) == set()


async def test_a_reinstated_award_takes_back_what_followed_and_notes_what_is_kept(mongo: str) -> None:
    quiz = new_id("quiz")
    keeps, follows = (next_in_rank(prizes(quiz, gold=1)) for _ in range(2))
    follows = following(follows)
    async with new_parts(mongo) as [at]:
        records = await put_and_close(at, keeps, follows, quiz=quiz)
        for of in (keeps, follows):
            await revoke(at, of, "first")
            assert await held(at, of) == {"second": "gold"}
            for _ in range(2):
                await at.reinstate((await at.issued(of))["first"].award_id)
            await asyncio.gather(at.follow(), at.follow())
        assert await held(at, keeps) == {"first": "gold", "second": "gold"}
        assert await held(at, follows) == {"first": "gold"}
        [noted] = await at.awards.unearned(keeps.scheme_id, "", 10)
        assert (noted.award.recipient_id, noted.code) == ("second", "not_earned")
        assert await wrong(at, records) == set()


@pytest.mark.parametrize("which", ["keeps", "follows"])
async def test_after_a_confirmed_notice_the_next_in_rank_is_proposed_in_another_one(
    mongo: str, which: str
) -> None:
    quiz = new_id("quiz")
    of = short(next_in_rank(prizes(quiz, gold=1, silver=1)))
    of = following(of) if which == "follows" else of
    async with new_parts(mongo) as [at]:
        records = await put_and_close(at, of, quiz=quiz)
        await at.advance()
        await at.publish(of)
        await at.advance()
        await wait_and_issue(at, of)
        await revoke(at, of, "first")
        await at.advance()
        assert set(await held(at, of)) == {"second"}
        assert (await tiers(at, of))["third"] == "silver"
        assert await wrong(at, records) == set()
        await at.publish(of)
        await at.advance()
        await end_and_issue(at, of)
        moved = "gold" if which == "follows" else "silver"
        assert await held(at, of) == {"second": moved, "third": "silver"}


async def test_a_worker_that_dies_at_any_step_lets_nobody_wait(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        for dies_at in range(1, 80):
            quiz = new_id("quiz")
            of = next_in_rank(prizes(quiz, gold=1))
            await put_and_close(at, of, quiz=quiz)
            await at.revoke((await at.issued(of))["first"].award_id, "冒名答题")
            died = await until_done(at, lambda worker: worker.follow(), dies_at)
            assert await held(at, of) == {"second": "gold"}, dies_at
            if not died:
                assert dies_at > 10
                return


@pytest.mark.parametrize("whom", ["third", "second"])
async def test_the_audit_notices_who_should_have_moved_up(mongo: str, whom: str) -> None:
    quiz = new_id("quiz")
    of = next_in_rank(prizes(quiz, gold=1, silver=1))
    async with new_parts(mongo) as [at]:
        records = await put_and_close(at, of, quiz=quiz)
        await revoke(at, of, "first")
        this = {"recipient_id": whom, "scheme_id": of.scheme_id}
        await at.database["awards"].update_one(this, {"$set": {"recipient_id": "fifth"}})
        assert "awards are given" in await wrong(at, records)

"""Prizes when a closing lists fewer than took part: who is listed has them, and the others are found."""

import asyncio

import pytest

from services.awards.issuing.decide_ties import TIE_TRIES_MAX
from shared.contracts.events import STANDINGS_MAX, AwardIssued, FinalStanding
from shared.storage.outbox import waiting
from tests.awards.builders import certificate, closed, completed, prizes, standing, standings
from tests.awards.parts import new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack


def tied(first: int, count: int, rank: int = 1) -> tuple[FinalStanding, ...]:
    return tuple(standing(rank, f"p{n}") for n in range(first, first + count))


async def test_1_005_tied_at_rank_1_all_get_the_prize_the_listed_at_once_and_the_others_by_themselves(
    mongo: str,
) -> None:
    quiz = new_id("quiz")
    of, others = prizes(quiz, gold=3), certificate(quiz)
    results = [completed(quiz, f"p{n}", 90, time_used_seconds=60) for n in range(STANDINGS_MAX + 5)]
    closing = closed(quiz, tied(0, STANDINGS_MAX), participants=STANDINGS_MAX + 5)
    async with new_parts(mongo) as [at]:
        for one in (of, others):
            await at.schemes.put(one)
        told, given_up = await at.handle_or_reject(closing)
        assert len(told) == STANDINGS_MAX
        assert given_up == [], "nobody has to do anything"
        state = await at.state(of)
        assert (state.in_use, state.quiz_closed) == (True, True)
        assert state.undecided is not None
        assert "lists 1000 of 1005" in state.undecided
        assert (await at.state(others)).undecided is None

        # Not all results have come yet: the scheme stays undecided, and is looked at again later.
        await at.handle(*results[: STANDINGS_MAX + 2])
        assert await at.decide_ties() == 1
        assert (await at.state(of)).undecided is not None
        assert await at.decider.pending("", 10) == [], "there is a pause"
        # An organiser who does not wait gets what can be found.
        first = await at.apply(of)
        assert (first.issued, first.after, first.undecided) == (2, None, True)

        await at.handle(*results[STANDINGS_MAX + 2 :])
        assert await at.decide_ties() == 2, "it is decided, and is found to be"
        assert (await at.state(of)).undecided is None
        issued = await at.issued(of)
        assert issued.keys() == {result.participant_id for result in results}
        assert {award.tier for award in issued.values()} == {"gold"}
        # The closing again: everything is decided.
        _, given_up = await at.handle_or_reject(closing)
        assert given_up == []
        assert await at.decide_ties() == 0


async def test_whoever_is_worse_than_the_last_listed_gets_nothing_by_the_tie(mongo: str) -> None:
    quiz = new_id("quiz")
    of = prizes(quiz, gold=1, silver=STANDINGS_MAX - 1)
    final = (*tied(0, 1), *tied(1, STANDINGS_MAX - 1, rank=2))
    best = [completed(quiz, one.participant_id, 90, time_used_seconds=60) for one in final]
    behind = [
        completed(quiz, "less", 89.5, time_used_seconds=60),
        completed(quiz, "slower", 90, time_used_seconds=61),
        completed(quiz, "equal", 90, time_used_seconds=60),
        completed(quiz, "equal", 10, time_used_seconds=5),
        # A worse result of somebody who is listed.
        completed(quiz, "p1", 89, time_used_seconds=60),
    ]
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle(*best, *behind)
        await at.handle_or_reject(closed(quiz, final, participants=STANDINGS_MAX + 3))
        assert await at.decide_ties() == 2
        issued = await at.issued(of)
    assert issued["equal"].tier == "silver"
    assert len(issued) == STANDINGS_MAX + 1


async def test_a_scheme_put_after_the_close_is_applied_to_the_tie_too(mongo: str) -> None:
    quiz = new_id("quiz")
    of = prizes(quiz, gold=2)
    async with new_parts(mongo) as [at]:
        await at.handle(*[completed(quiz, f"p{n}", 90, time_used_seconds=60) for n in range(4)])
        assert (await at.handle_or_reject(closed(quiz, standings(1, 1), participants=4))) == ({}, [])
        await at.schemes.put(of)
        assert (await at.state(of)).undecided is not None
        applied = await at.apply(of)
    assert (applied.issued, applied.undecided) == (4, False)


async def test_a_closing_is_decided_for_all_schemes_but_the_one_that_it_is_too_short_for(mongo: str) -> None:
    quiz = new_id("quiz")
    few, many = prizes(quiz, gold=1), prizes(quiz, gold=500)
    async with new_parts(mongo) as [at]:
        for one in (few, many):
            await at.schemes.put(one)
        told, given_up = await at.handle_or_reject(closed(quiz, standings(1, 2, 3), participants=400))
        assert given_up == ["standings_too_short"]
        assert len(told) == 4
        assert (await at.state(few)).undecided is None
        # Nobody can tell from a tie who ranks behind three and is due an award: it stays undecided.
        assert (await at.apply(many)).undecided
        assert (await at.state(many)).undecided is not None


async def test_a_tie_is_decided_once_by_two_workers_and_again_for_a_revised_closing(mongo: str) -> None:
    quiz = new_id("quiz")
    of = prizes(quiz, gold=2)
    async with new_parts(mongo, copies=2) as [at, other]:
        await at.schemes.put(of)
        await at.handle(*[completed(quiz, f"p{n}", 90, time_used_seconds=60) for n in range(1_200)])
        await at.handle_or_reject(closed(quiz, tied(0, STANDINGS_MAX), participants=1_200))
        # Both read the same results at the same moment.
        [due] = await at.decider.pending("", 10)
        await asyncio.gather(at.decider.go_on(due), other.decider.go_on(due))
        assert len(await at.issued(of)) == 1_200
        assert (await at.state(of)).undecided is None
        # Another closing, before anybody has noticed that the tie is decided.
        await at.handle_or_reject(closed(quiz, tied(0, STANDINGS_MAX), participants=1_200, version=2))
        assert (await at.state(of)).undecided is not None
        await at.decide_ties()
        assert (await at.state(of)).undecided is None
        assert await at.decider.pending("", 10) == []
        told = [one for one in await waiting(at.database) if one[0] == AwardIssued.topic]
        assert len(told) == 200, "each who is not listed is told of once"


async def test_a_tie_whose_results_never_come_is_given_up(mongo: str) -> None:
    quiz = new_id("quiz")
    of = prizes(quiz, gold=2)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle_or_reject(closed(quiz, standings(1, 1), participants=4))
        looks = 0
        while await at.decide_ties():
            looks += 1
        assert looks == TIE_TRIES_MAX + 1
        assert (await at.state(of)).undecided is not None
        assert (await at.apply(of)).undecided

"""The issued awards on the real database."""

import asyncio

import pytest

from tests.awards.builders import certificate, closed, completed, prizes, standings
from tests.awards.parts import new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_ones_own_awards_are_found_by_all_schemes_the_latest_first(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    by_mark, by_rank = certificate(quiz), prizes(quiz, gold=2)
    async with new_parts(mongo) as [at]:
        for one in (by_mark, by_rank, certificate(quiz, 100)):
            await at.schemes.put(one)
        await at.handle(completed(quiz, person), completed(quiz, "p1"))
        await asyncio.sleep(0.005)
        ranked = tuple(one.model_copy(update={"participant_id": person}) for one in standings(1))
        await at.handle(closed(quiz, (*ranked, standings(1, 2)[1])))
        own = await at.own(person)
        assert [award.scheme_id for award in own] == [by_rank.scheme_id, by_mark.scheme_id]
        [first] = await at.own(person, limit=1)
        assert first == own[0]
        assert await at.own(person, (first.issued_at, first.award_id), 1) == own[1:]
        assert await at.own(new_id("nobody")) == []

"""What comes between two steps: an event while awards are issued, and one while they are compared."""

from collections.abc import Awaitable, Callable, Collection, Iterable

import pytest

from services.awards.results.rules import Result
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore
from shared.storage.mongo import Database
from tests.awards.builders import (
    certificate,
    closed,
    completed,
    decided,
    following,
    prizes,
    regraded,
    standing,
)
from tests.awards.parts import Parts, new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack

Meanwhile = Callable[[], Awaitable[None]]


class SlowSchemes(SchemeStore):
    """Something else happens once, after the facts are stored and the schemes are read."""

    meanwhile: Meanwhile | None = None

    async def of_quizzes_and_decided(self, quiz_ids: Iterable[str]) -> tuple[list[Scheme], set[str]]:
        found = await super().of_quizzes_and_decided(quiz_ids)
        if (now := self.meanwhile) is not None:
            self.meanwhile = None
            await now()
        return found


class SlowResults(ResultStore):
    """Something else happens once, after the facts for a comparison are read."""

    meanwhile: Meanwhile | None = None

    async def of_participants(self, quiz_id: str, participant_ids: Collection[str]) -> list[Result]:
        found = await super().of_participants(quiz_id, participant_ids)
        if (now := self.meanwhile) is not None:
            self.meanwhile = None
            await now()
        return found


def copy_of(database: Database) -> tuple[Parts, SlowSchemes, SlowResults]:
    schemes, results = SlowSchemes(database), SlowResults(database)
    return Parts(database, schemes=schemes, results=results), schemes, results


@pytest.mark.parametrize("what", ["a correction", "a decision"])
async def test_an_award_issued_by_a_result_that_fell_meanwhile_goes_again(mongo: str, what: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, first = following(certificate(quiz)), completed(quiz, person, 61)
    async with new_parts(mongo) as [other]:
        at, schemes, _ = copy_of(other.database)
        await at.schemes.put(of)

        async def meanwhile() -> None:
            await other.handle(regraded(first, 20) if what == "a correction" else decided(quiz, person))
            await other.follow()
            assert await other.issued(of) == {}

        schemes.meanwhile = meanwhile
        await at.handle(first)
        assert (await at.issued(of))[person].is_valid
        await other.follow()
        assert not (await at.issued(of))[person].is_valid


async def test_a_prize_issued_by_standings_that_were_revised_meanwhile_goes_again(mongo: str) -> None:
    quiz, person, second = new_id("quiz"), new_id("p"), new_id("p")
    of = following(prizes(quiz, gold=1))
    async with new_parts(mongo) as [other]:
        at, schemes, _ = copy_of(other.database)
        await at.schemes.put(of)

        async def meanwhile() -> None:
            await other.handle(closed(quiz, [standing(1, second)], version=2))
            await other.follow()

        schemes.meanwhile = meanwhile
        await at.handle(closed(quiz, [standing(1, person), standing(2, second)]))
        await other.follow()
        held = {one for one, award in (await at.issued(of)).items() if award.is_valid}
        assert held == {second}


async def test_what_a_crash_left_before_the_second_look_is_found_by_the_repeat(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, first = following(certificate(quiz)), completed(quiz, person, 61)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle(first)
        # As if the correction had been handled before the award was stored, and the process had died then.
        await at.handle(regraded(first, 20))
        await at.database["changes"].delete_many({})
        assert (await at.issued(of))[person].is_valid
        await at.handle(first)
        await at.follow()
        assert not (await at.issued(of))[person].is_valid


@pytest.mark.parametrize("compared", [True, False])
async def test_a_change_while_awards_are_compared_is_not_lost(mongo: str, *, compared: bool) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, first = following(certificate(quiz)), completed(quiz, person, 61)
    async with new_parts(mongo) as [other]:
        at, _, results = copy_of(other.database)
        await at.schemes.put(of)
        await at.handle(first)
        await at.handle(regraded(first, 20))
        rise = regraded(first, 80, 20, version=3)

        async def meanwhile() -> None:
            await other.handle(rise)
            if compared:
                await other.follow()

        results.meanwhile = meanwhile
        await at.follower.go_on(quiz)
        await at.follow()
        assert (await at.issued(of))[person].is_valid


async def test_another_result_that_comes_while_awards_are_compared_keeps_the_award(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, first = following(certificate(quiz)), completed(quiz, person, 61)
    async with new_parts(mongo) as [other]:
        at, _, results = copy_of(other.database)
        await at.schemes.put(of)
        await at.handle(first)
        await at.handle(regraded(first, 20))

        async def meanwhile() -> None:
            await other.handle(completed(quiz, person, 80))

        results.meanwhile = meanwhile
        await at.follower.go_on(quiz)
        await at.follow()
        assert (await at.issued(of))[person].is_valid


async def test_a_note_is_not_made_by_facts_from_before_another_result_that_earns_the_award(
    mongo: str,
) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, first = certificate(quiz), completed(quiz, person, 61)
    async with new_parts(mongo) as [other]:
        at, _, results = copy_of(other.database)
        await at.schemes.put(of)
        await at.handle(first)
        await at.handle(regraded(first, 20))

        async def meanwhile() -> None:
            await other.handle(completed(quiz, person, 70))

        results.meanwhile = meanwhile
        for _ in range(2):
            await at.follow()
        assert await at.awards.unearned(of.scheme_id, "", 10) == []

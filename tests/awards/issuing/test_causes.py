"""Which result an award follows from, and what is told of it again; on the real database."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta

import pytest

from services.awards.issued.codes import award_id
from services.awards.results.rules import Result
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore
from shared.contracts.events import AwardIssued, AwardRevoked
from shared.storage.mongo import Database
from shared.storage.outbox import waiting
from tests.awards.builders import NOW, certificate, completed, regraded
from tests.awards.parts import Parts, new_parts
from tests.support.kafka import read_back
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_the_first_cause_of_a_batch_counts_and_it_alone_is_told_again(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, first, better = certificate(quiz), completed(quiz, person, 70), completed(quiz, person, 100)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        [event] = (await at.handle(first, better)).values()
        assert event.cause == first.result_id
        assert await at.handle(better) == {}
        assert list((await at.handle(first)).values()) == [event]


async def test_an_award_is_told_again_also_if_a_correction_lets_another_result_come_first(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, first, second = certificate(quiz), completed(quiz, person, 70), completed(quiz, person, 100)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle(regraded(first, 50))
        told = await at.handle(first, second)
        assert [event.cause for event in told.values()] == [second.result_id]
        # A crash came before this was published. A second correction comes before the repeat.
        assert await at.handle(regraded(first, 70, 50, version=3)) == {}
        assert await at.handle(first, second) == told


async def test_the_first_cause_counts_also_when_a_scheme_is_applied_late(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of = certificate(quiz)
    second = completed(quiz, person, 100, completed_at=NOW + timedelta(seconds=1))
    first = completed(quiz, person, 70)
    async with new_parts(mongo) as [at]:
        await at.handle(second, first)
        await at.schemes.put(of)
        await at.apply(of)
        issued = await at.issued(of)
    assert issued[person].cause == first.result_id


async def test_a_revoked_award_is_not_told_again_by_its_result(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, result = certificate(quiz), completed(quiz, person)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        assert len(await at.handle(result)) == 1
        await at.revoke(award_id(of.scheme_id, person), "成绩复核后撤销")
        assert await at.handle(result) == {}
        assert await at.handle(result, completed(quiz, person, 100)) == {}


async def test_versions_count_an_awards_changes_in_what_is_stored_and_told(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of = certificate(quiz)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        [event] = (await at.handle(completed(quiz, person))).values()
        assert event.version == 1
        id_ = award_id(of.scheme_id, person)
        for _ in range(2):
            assert (await at.revoke(id_, "授予有误")).version == 2
        told = await waiting(at.database)
        stored = await at.database["awards"].find_one({"_id": id_})
    assert [one.event.version for one in read_back(told, AwardIssued)] == [1]
    assert [one.event.version for one in read_back(told, AwardRevoked)] == [2]
    assert stored is not None
    assert stored["version"] == 2


class Interruption:
    """Lets something else happen once, between the first of the two steps of a batch and the second."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def happen(self) -> None:
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            await meanwhile()


class InterruptedSchemes(SchemeStore):
    def __init__(self, database: Database, interruption: Interruption) -> None:
        super().__init__(database)
        self._interruption = interruption

    async def of_quizzes_and_decided(self, quiz_ids: Iterable[str]) -> tuple[list[Scheme], set[str]]:
        found = await super().of_quizzes_and_decided(quiz_ids)
        await self._interruption.happen()
        return found


class InterruptedResults(ResultStore):
    def __init__(self, database: Database, interruption: Interruption) -> None:
        super().__init__(database)
        self._interruption = interruption

    async def remember(self, results: Sequence[Result]) -> list[Result]:
        kept = await super().remember(results)
        await self._interruption.happen()
        return kept


async def test_a_scheme_put_and_applied_in_the_middle_of_a_batch_misses_none_of_it(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, interruption = certificate(quiz), Interruption()
    async with new_parts(mongo) as [organiser]:
        at = Parts(
            organiser.database,
            results=InterruptedResults(organiser.database, interruption),
            schemes=InterruptedSchemes(organiser.database, interruption),
        )

        async def put_and_apply() -> None:
            await organiser.schemes.put(of)
            await organiser.apply(of)

        interruption.meanwhile = put_and_apply
        await at.handle(completed(quiz, person))
        assert interruption.meanwhile is None
        assert (await at.issued(of)).keys() == {person}

"""Who exists and who was erased: nothing is awarded to the erased, and what was awarded keeps no words."""

import asyncio
from collections.abc import Collection

import pytest

from services.awards.issued.codes import award_id
from services.awards.issued.rules import ERASED_REASON
from services.awards.known.store import KnownStore
from shared.runtime.errors import Conflict, NotFound
from shared.storage.outbox import waiting
from shared.storage.unit_of_work import UnitOfWork
from tests.awards.builders import (
    certificate,
    closed,
    completed,
    erased,
    joined,
    prizes,
    published,
    scheme,
    standing,
)
from tests.awards.parts import Parts, new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_nothing_is_awarded_to_the_erased_by_results_ranks_or_apply(mongo: str) -> None:
    quiz, gone, stays = new_id("quiz"), new_id("p"), new_id("p")
    mark, late, ranks = certificate(quiz), certificate(quiz), prizes(quiz, gold=2)
    async with new_parts(mongo) as [at]:
        for one in (mark, ranks):
            await at.schemes.put(one)
        await at.know(joined(gone), joined(stays), erased(gone))
        told = await at.handle(
            completed(quiz, gone),
            completed(quiz, stays),
            closed(quiz, (standing(1, gone), standing(2, stays))),
        )
        assert {event.recipient_id for event in told.values()} == {stays}
        await at.schemes.put(late)
        for one in (late, ranks):
            await at.apply(one)
        for one in (mark, late, ranks):
            assert (await at.issued(one)).keys() == {stays}


async def test_a_revocation_after_an_erasure_keeps_and_tells_no_words_about_the_person(mongo: str) -> None:
    of, gone = scheme(), new_id("p")
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.know(joined(gone))
        award = await at.confer(of, gone)
        await at.know(erased(gone))
        revoked = await at.revoke(award.award_id, "王小明的作弊")
        assert revoked.reason == ERASED_REASON
        told = b"".join(value or b"" for _, _, value, _ in await waiting(at.database))
        assert "王小明" not in told.decode()


async def test_a_revocation_under_way_when_its_recipient_is_erased_keeps_no_words(mongo: str) -> None:
    of, gone = scheme(), new_id("p")
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.know(joined(gone))
        award = await at.confer(of, gone)

        class ErasedMeanwhile(KnownStore):
            async def erased(
                self, participant_ids: Collection[str], unit: UnitOfWork | None = None
            ) -> set[str]:
                found = await super().erased(participant_ids, unit)
                await at.know(erased(gone))
                return found

        other = Parts(at.database, known=ErasedMeanwhile(at.database))
        revoked = await other.revoke(award.award_id, "王小明的作弊")
        assert revoked.reason == ERASED_REASON
        assert (await at.issued(of))[gone].reason == ERASED_REASON
        told = b"".join(value or b"" for _, _, value, _ in await waiting(at.database))
        assert "王小明" not in told.decode()


async def test_nothing_is_conferred_on_the_erased_and_the_refusal_leaves_nothing(mongo: str) -> None:
    of, gone = scheme(), new_id("p")
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.know(joined(gone))
        await at.know(erased(gone))
        with pytest.raises(Conflict) as refused:
            await at.confer(of, gone, "a note")
        assert refused.value.code == "participant_erased"
        assert await at.issued(of) == {}
        assert not (await at.state(of)).in_use
        assert await waiting(at.database) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_the_erased_stay_erased_in_whatever_order_and_however_often_it_is_told(
    mongo: str, order: tuple[int, int]
) -> None:
    gone = new_id("p")
    events = [joined(gone), erased(gone)]
    async with new_parts(mongo) as [at]:
        for place in order:
            await at.know(events[place])
        await at.know(joined(gone, version=3), joined(gone))
        assert await at.known.erased([gone, new_id("p")]) == {gone}


async def test_an_erasure_leaves_the_award_and_its_id_and_takes_what_was_written_in_words(mongo: str) -> None:
    of, gone, stays = scheme(), new_id("p"), new_id("p")
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.know(joined(gone), joined(stays))
        for one in (gone, stays):
            await at.confer(of, one, "张三领取")
            await at.revoke(award_id(of.scheme_id, one), "张三冒领")
        before = await at.issued(of)
        await at.know(erased(gone))
        await at.know(erased(gone))
        after = await at.issued(of)
    assert (after[gone].note, after[gone].reason) == (None, None)
    assert after[gone].award_code == before[gone].award_code
    assert not after[gone].is_valid
    assert after[stays] == before[stays]


async def test_a_note_never_survives_an_erasure_that_comes_while_it_is_conferred(mongo: str) -> None:
    of = scheme()
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        for _ in range(20):
            gone = new_id("p")
            await at.know(joined(gone))
            answers = await asyncio.gather(
                at.confer(of, gone, "张三领取"),
                at.know(erased(gone)),
                return_exceptions=True,
            )
            assert answers[1] is None
            award = (await at.issued(of)).get(gone)
            if award is None:
                assert isinstance(answers[0], Conflict)
            else:
                assert award.note is None


async def test_a_conferral_under_way_when_its_recipient_is_erased_is_refused(mongo: str) -> None:
    of, gone = scheme(), new_id("p")
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.know(joined(gone))

        class ErasedMeanwhile(KnownStore):
            async def erased(
                self, participant_ids: Collection[str], unit: UnitOfWork | None = None
            ) -> set[str]:
                found = await super().erased(participant_ids, unit)
                await at.know(erased(gone))
                return found

        other = Parts(at.database, known=ErasedMeanwhile(at.database))
        with pytest.raises(Conflict) as refused:
            await other.confer(of, gone, "张三领取")
        assert refused.value.code == "participant_erased"
        assert await at.issued(of) == {}


async def test_an_erasure_waits_for_a_conferral_under_way_and_takes_its_note(mongo: str) -> None:
    first, second, gone = scheme(), scheme(), new_id("p")
    async with new_parts(mongo) as [at]:
        for of in (first, second):
            await at.schemes.put(of)
        await at.know(joined(gone))
        await at.confer(first, gone)
        erasures: list[asyncio.Task[None]] = []

        class ErasedMeanwhile(KnownStore):
            async def lock_recipient(self, unit: UnitOfWork, recipient_id: str) -> None:
                await super().lock_recipient(unit, recipient_id)
                erasures.append(asyncio.create_task(at.know(erased(gone))))
                # It may not end before the conferral does.
                done, _ = await asyncio.wait(erasures, timeout=0.3)
                assert not done

        other = Parts(at.database, known=ErasedMeanwhile(at.database))
        await other.confer(second, gone, "张三领取")
        await asyncio.gather(*erasures)
        assert (await at.issued(second))[gone].note is None


async def test_an_award_needs_a_recipient_and_a_scheme_a_quiz_that_exist(mongo: str) -> None:
    flag, quiz = scheme(), new_id("quiz")
    async with new_parts(mongo) as [at]:
        await at.schemes.put(flag)
        with pytest.raises(NotFound) as unknown:
            await at.confer(flag, "service-team-weat")
        assert unknown.value.code == "recipient_unknown"
        assert "try again" in unknown.value.message
        assert not (await at.state(flag)).in_use

        for of in (certificate(quiz), prizes(quiz, gold=1)):
            with pytest.raises(NotFound) as no_quiz:
                await at.put(of)
            assert no_quiz.value.code == "quiz_unknown"
            assert "try again" in no_quiz.value.message
            assert of.scheme_id not in await at.schemes.ids()
        await at.know(published(quiz), published(quiz))
        await at.put(certificate(quiz))


async def test_a_lookup_of_the_erased_reads_an_index_of_nobody_else(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        await at.know(*[joined(new_id("p")) for _ in range(50)])
        people = [one["_id"] async for one in at.database["participants"].find({}, {"_id": 1})]
        explained = await at.database.command(
            "explain",
            {
                "find": "participants",
                "filter": {"erased": True, "_id": {"$in": people}},
                "projection": {"_id": 1},
                "hint": "erased",
            },
            verbosity="executionStats",
        )
    stats = explained["executionStats"]
    assert (stats["totalDocsExamined"], stats["totalKeysExamined"]) == (0, 0)

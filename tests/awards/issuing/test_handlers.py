"""Batches on the real database: repeats in whole and in part, several copies, schemes put meanwhile."""

import asyncio
from datetime import timedelta

import pytest

from services.awards.issued.codes import award_code, award_id
from shared.storage.outbox import waiting
from tests.awards.builders import AWARD_KEY, NOW, certificate, completed
from tests.awards.parts import new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_a_batch_repeated_in_whole_and_in_part_says_the_same_and_adds_nothing(mongo: str) -> None:
    quiz = new_id("quiz")
    of = certificate(quiz)
    results = [completed(quiz, new_id("p")) for _ in range(60)]
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        first = await at.handle(*results)
        assert len(first) == 60
        await asyncio.sleep(0.005)
        assert await at.handle(*results) == first
        part = await at.handle(*results[20:], completed(quiz, newcomer := new_id("p")))
        assert {id_: event for id_, event in part.items() if event.recipient_id != newcomer} == {
            id_: event for id_, event in first.items() if event.cause in {r.result_id for r in results[20:]}
        }
        assert len(await at.issued(of)) == 61


async def test_what_a_crash_left_half_done_is_finished_and_told_by_the_repeat(mongo: str) -> None:
    quiz = new_id("quiz")
    of = certificate(quiz)
    results = [completed(quiz, new_id("p")) for _ in range(30)]
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        told = await at.handle(*results)
        before = await at.issued(of)
        # A bulk write that was cut short has written any part of it.
        lost = [award_id(of.scheme_id, result.participant_id) for result in results[::2]]
        await at.database["awards"].delete_many({"_id": {"$in": lost}})
        repeated = await at.handle(*results)
        after = await at.issued(of)
    assert repeated.keys() == told.keys()
    assert {id_: award.award_code for id_, award in after.items()} == {
        id_: award.award_code for id_, award in before.items()
    }


async def test_a_scheme_applied_late_counts_the_first_result_that_reaches_it_however_often_it_came(
    mongo: str,
) -> None:
    quiz, people = new_id("quiz"), [new_id("p") for _ in range(30)]
    of = certificate(quiz, 80)
    async with new_parts(mongo) as [at]:
        await at.handle(*[completed(quiz, person, 40) for person in people])
        first = [
            completed(quiz, person, 85, completed_at=NOW + timedelta(seconds=1)) for person in people[:20]
        ]
        # Batches of one as well as of many; one of them twice, as after a crash.
        for result in first[:5]:
            await at.handle(result)
        await at.handle(*first[5:])
        await at.handle(*first[5:])
        later = NOW + timedelta(seconds=2)
        await at.handle(*[completed(quiz, person, 95, completed_at=later) for person in people[:20]])
        await at.handle(completed(new_id("other"), people[25], 100))
        await at.schemes.put(of)
        assert (await at.apply(of)).issued == 20
        issued = await at.issued(of)
        told = len(await waiting(at.database))
    assert {award.cause for award in issued.values()} == {result.result_id for result in first}
    assert told == 20


async def test_copies_that_get_the_same_results_at_once_issue_each_award_once(mongo: str) -> None:
    quiz = new_id("quiz")
    of = certificate(quiz)
    results = [completed(quiz, new_id("p")) for _ in range(200)]
    async with new_parts(mongo, copies=4) as copies:
        await copies[0].schemes.put(of)
        told = await asyncio.gather(*[at.handle(*results) for at in copies])
        issued = await copies[0].issued(of)
    assert len(issued) == 200
    codes = {award.award_code for award in issued.values()}
    # Whoever tells of an award tells what is stored.
    assert {event.award_code for events in told for event in events.values()} == codes
    assert len({id_ for events in told for id_ in events}) == 200


async def test_a_scheme_put_and_applied_while_results_come_misses_nobody(mongo: str) -> None:
    quiz, people = new_id("quiz"), list[str]()
    of = certificate(quiz)
    begun, applied = asyncio.Event(), asyncio.Event()
    async with new_parts(mongo) as [at]:

        async def ten_results() -> None:
            ten = [new_id("p") for _ in range(10)]
            people.extend(ten)
            await at.handle(*[completed(quiz, person) for person in ten])

        async def results_come() -> None:
            await ten_results()
            begun.set()
            while not applied.is_set():
                await ten_results()
            await ten_results()

        async def organiser() -> None:
            await begun.wait()
            try:
                await at.schemes.put(of)
                await at.apply(of)
            finally:
                applied.set()

        async with asyncio.timeout(60):
            await asyncio.gather(results_come(), organiser())
        issued = await at.issued(of)
        relayed = sum(award.relayed for award in issued.values())
        outbox = len(await waiting(at.database))
    assert issued.keys() == set(people)
    # The first ten came before the scheme, the last ten after it.
    assert 10 <= relayed <= len(people) - 10
    assert outbox == relayed


async def test_a_rule_changed_between_two_batches_holds_for_the_second(mongo: str) -> None:
    quiz = new_id("quiz")
    of = certificate(quiz, 90)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        assert await at.handle(completed(quiz, "early", 80)) == {}
        await at.schemes.put(certificate(quiz, 70).model_copy(update={"scheme_id": of.scheme_id}))
        assert [event.recipient_id for event in (await at.handle(completed(quiz, "late", 80))).values()] == [
            "late"
        ]


async def test_two_awards_of_one_batch_never_share_a_code(mongo: str) -> None:
    quiz, people = new_id("quiz"), [new_id("p") for _ in range(3)]
    of = certificate(quiz)
    ids, key = [award_id(of.scheme_id, person) for person in people], AWARD_KEY.encode()
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        # The first two codes of one of them stand on other awards.
        await at.database["awards"].insert_many(
            [{"_id": new_id("other"), "award_code": award_code(ids[1], key, number)} for number in (0, 1)]
        )
        told = await at.handle(*[completed(quiz, person) for person in people])
        issued = await at.issued(of)
    assert issued[people[1]].award_code == award_code(ids[1], key, 2)
    assert {event.award_code for event in told.values()} == {award.award_code for award in issued.values()}
    assert len({award.award_code for award in issued.values()}) == 3

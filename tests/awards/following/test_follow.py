"""Awards that follow results and standings, and awards that are kept: on the real database."""

import asyncio
from itertools import permutations

import pytest

from services.awards.issued.rules import Award
from services.awards.schemes.rules import Scheme
from shared.contracts.events import AwardIssued, AwardRevoked
from shared.storage.outbox import waiting
from tests.awards.builders import (
    certificate,
    closed,
    completed,
    decided,
    erased,
    following,
    joined,
    prizes,
    regraded,
    standing,
)
from tests.awards.parts import Happened, Parts, new_parts
from tests.support.kafka import read_back
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def said(at: Parts, award: Award) -> list[tuple[str, int, str | None]]:
    """What the outbox publishes of an award: the event, its version, and its code or its tier before."""
    told = await waiting(at.database)
    issued = [one.event for one in read_back(told, AwardIssued)]
    revoked = [one.event for one in read_back(told, AwardRevoked)]
    found = [("issued", one.version, one.tier_before) for one in issued if one.award_id == award.award_id]
    found += [("revoked", one.version, one.code) for one in revoked if one.award_id == award.award_id]
    return sorted(found, key=lambda one: one[1])


async def the_award(at: Parts, of: Scheme, person: str) -> Award:
    return (await at.issued(of))[person]


async def test_an_award_goes_when_it_is_not_earned_and_comes_back_with_the_same_code(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, result = following(certificate(quiz)), completed(quiz, person, 61)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle(result)
        first = await the_award(at, of, person)
        fall = regraded(result, 59)
        for _ in range(2):
            await at.handle(fall)
            await at.follow()
        gone = await the_award(at, of, person)
        assert (gone.is_valid, gone.code, gone.version) == (False, "not_earned", 2)
        rise = regraded(result, 60, 59, version=3)
        for _ in range(2):
            await at.handle(rise, fall, result)
            await at.follow()
        again = await the_award(at, of, person)
        assert (again.is_valid, again.code, again.reason, again.version) == (True, None, None, 3)
        assert (again.award_id, again.award_code) == (first.award_id, first.award_code)
        # The first one was not published by the outbox before: it is the same event that the consumer has.
        assert await said(at, first) == [
            ("issued", 1, None),
            ("revoked", 2, "not_earned"),
            ("issued", 3, None),
        ]


async def test_another_passing_result_keeps_the_award(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of = following(certificate(quiz))
    # The first one in the order in which results are read falls.
    both = completed(quiz, person, 61), completed(quiz, person, 80)
    first, second = sorted(both, key=lambda result: result.result_id)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle(first, second)
        await at.handle(regraded(first, 40))
        await at.follow()
        assert (await the_award(at, of, person)).version == 1
        await at.handle(decided(quiz, person, 1, second.result_id, disqualified=False))
        await at.follow()
        gone = await the_award(at, of, person)
        assert (gone.is_valid, gone.code) == (False, "disqualified")


async def test_what_an_organiser_revoked_is_never_issued_again(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, result = following(certificate(quiz)), completed(quiz, person, 61)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle(result)
        first = await the_award(at, of, person)
        await at.handle(decided(quiz, person))
        await at.follow()
        assert (await the_award(at, of, person)).code == "disqualified"
        # An organiser makes final what the rule has taken back.
        final = await at.revoke(first.award_id, "冒名答题")
        assert (final.code, final.reason, final.version) == (None, "冒名答题", 3)
        assert await at.revoke(first.award_id, "冒名答题") == final
        await at.handle(decided(quiz, person, 2, disqualified=False), completed(quiz, person, 100))
        await at.follow()
        assert await the_award(at, of, person) == final


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("each_followed", [False, True])
async def test_a_disqualified_participant_has_nothing_in_whatever_order_the_events_come(
    mongo: str, order: tuple[int, ...], *, each_followed: bool
) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    marks, places = following(certificate(quiz)), following(prizes(quiz, gold=1))
    events: list[Happened] = [
        completed(quiz, person, 90),
        closed(quiz, [standing(1, person)]),
        decided(quiz, person),
    ]
    async with new_parts(mongo) as [at]:
        for of in (marks, places):
            await at.schemes.put(of)
        for place in order:
            await at.handle(events[place])
            if each_followed:
                await at.follow()
        await at.follow()
        for of in (marks, places):
            assert not any(award.is_valid for award in (await at.issued(of)).values())
        if order[0] == 2:
            assert await at.issued(marks) == {}, "nothing is issued after the decision"
        await at.handle(decided(quiz, person, 2, disqualified=False))
        await at.follow()
        for of in (marks, places):
            assert (await the_award(at, of, person)).is_valid


async def test_lower_versions_of_decisions_and_closings_change_nothing(mongo: str) -> None:
    quiz, first, second, barred = new_id("quiz"), new_id("p"), new_id("p"), new_id("p")
    places, marks = following(prizes(quiz, gold=1)), following(certificate(quiz))
    async with new_parts(mongo) as [at]:
        for of in (places, marks):
            await at.schemes.put(of)
        await at.handle(closed(quiz, [standing(1, second)], version=2), decided(quiz, barred, 3))
        await at.handle(completed(quiz, barred, 90))
        await at.follow()
        before = await at.issued(places)
        assert before.keys() == {second}
        assert await at.handle(closed(quiz, [standing(1, first), standing(2, second)])) == {}
        await at.handle(decided(quiz, barred, 2, disqualified=False))
        await at.follow()
        assert await at.issued(places) == before
        assert await at.issued(marks) == {}


async def test_revised_standings_move_prizes_up_and_down(mongo: str) -> None:
    quiz = new_id("quiz")
    a, b, c, d = (new_id(name) for name in "abcd")
    follows, keeps = following(prizes(quiz, gold=1, silver=1)), prizes(quiz, gold=1, silver=1)
    async with new_parts(mongo) as [at]:
        for of in (follows, keeps):
            await at.schemes.put(of)
        await at.handle(closed(quiz, [standing(place, one) for place, one in enumerate((a, b, c, d), 1)]))
        await at.handle(
            closed(quiz, [standing(place, one) for place, one in enumerate((b, c, a), 1)], version=2)
        )
        await at.follow()
        moved = await at.issued(follows)
        held = {one: award.tier for one, award in moved.items() if award.is_valid}
        assert held == {b: "gold", c: "silver"}
        assert (moved[a].code, moved[b].tier_before, moved[b].version) == ("not_earned", "silver", 2)
        assert await said(at, moved[b]) == [("issued", 1, None), ("issued", 2, "silver")]
        kept = await at.issued(keeps)
        assert {one: award.tier for one, award in kept.items()} == {a: "gold", b: "silver", c: "silver"}
        assert all(award.is_valid and award.version == 1 for award in kept.values())
        noted = await at.awards.unearned(keeps.scheme_id, "", 10)
        assert {one.award.recipient_id: (one.code, one.tier) for one in noted} == {
            a: ("not_earned", None),
            b: (None, "gold"),
        }
        # Earned again: nothing is left to decide.
        await at.handle(
            closed(quiz, [standing(place, one) for place, one in enumerate((a, b, c), 1)], version=3)
        )
        await at.follow()
        noted = await at.awards.unearned(keeps.scheme_id, "", 10)
        assert [(one.award.recipient_id, one.code) for one in noted] == [(c, "not_earned")]
        assert {one: award.tier for one, award in (await at.issued(follows)).items() if award.is_valid} == {
            a: "gold",
            b: "silver",
        }


async def test_an_award_that_is_kept_is_listed_for_organisers(mongo: str) -> None:
    quiz, person, other = new_id("quiz"), new_id("p"), new_id("p")
    of, result = certificate(quiz), completed(quiz, person, 61)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle(result, completed(quiz, other, 90))
        await at.handle(decided(quiz, other), regraded(result, 59))
        await at.follow()
        held = await at.issued(of)
        assert all(award.is_valid and award.version == 1 for award in held.values())
        noted = {one.award.recipient_id: one.code for one in await at.awards.unearned(of.scheme_id, "", 10)}
        assert noted == {person: "not_earned", other: "disqualified"}
        # Another attempt passes.
        await at.handle(completed(quiz, person, 70))
        await at.follow()
        noted = {one.award.recipient_id: one.code for one in await at.awards.unearned(of.scheme_id, "", 10)}
        assert noted == {other: "disqualified"}
        await at.revoke(held[other].award_id, "成绩取消")
        await at.handle(regraded(result, 60, 59, version=3))
        await at.follow()
        assert await at.awards.unearned(of.scheme_id, "", 10) == []


async def test_the_next_in_rank_gets_the_prize_of_who_was_disqualified_after_the_close(mongo: str) -> None:
    quiz, first, second = new_id("quiz"), new_id("p"), new_id("p")
    of = following(prizes(quiz, gold=1))
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle(closed(quiz, [standing(1, first), standing(2, second)]))
        await at.handle(decided(quiz, first))
        await at.follow()
        assert {one: award.is_valid for one, award in (await at.issued(of)).items()} == {first: False}
        await at.handle(closed(quiz, [standing(1, second)], version=2))
        await at.follow()
        assert {one: award.is_valid for one, award in (await at.issued(of)).items()} == {
            first: False,
            second: True,
        }


async def test_a_tie_after_the_list_is_decided_anew_for_revised_standings(mongo: str) -> None:
    quiz, listed, tied, late = new_id("quiz"), new_id("p"), new_id("p"), new_id("p")
    of = following(prizes(quiz, gold=1))
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        same = {"time_used_seconds": 60}
        await at.handle(*[completed(quiz, one, 90, **same) for one in (listed, tied, late)])
        _, dead = await at.handle_or_reject(closed(quiz, [standing(1, listed)], participants=3))
        assert dead == []
        await at.decide_ties()
        assert (await at.state(of)).undecided is None
        assert {one: award.is_valid for one, award in (await at.issued(of)).items()} == dict.fromkeys(
            (listed, tied, late), True
        )
        # One of the tie is disqualified. The others keep the prize, and the tie is decided again.
        _, dead = await at.handle_or_reject(
            decided(quiz, late), closed(quiz, [standing(1, listed)], participants=2, version=2)
        )
        assert dead == []
        await at.follow()
        assert {one: award.is_valid for one, award in (await at.issued(of)).items()} == {
            listed: True,
            tied: True,
            late: False,
        }
        assert (await at.state(of)).undecided is not None
        await at.decide_ties()
        assert (await at.state(of)).undecided is None


async def test_the_erased_are_left_out(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, result = following(certificate(quiz)), completed(quiz, person, 61)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.know(joined(person))
        await at.handle(result, decided(quiz, person, 1, "other-result", disqualified=False))
        await at.know(erased(person))
        assert await at.database["decisions"].count_documents({}) == 0
        await at.handle(decided(quiz, person, 2), regraded(result, 20))
        await at.follow()
        assert await at.database["decisions"].count_documents({}) == 0
        assert await at.database["changes"].count_documents({}) == 0
        assert (await the_award(at, of, person)).version == 1


async def test_revised_standings_change_nothing_for_the_erased(mongo: str) -> None:
    quiz, gone, unlucky, other = new_id("quiz"), new_id("p"), new_id("p"), new_id("p")
    of = following(prizes(quiz, gold=1, silver=1))
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.know(*[joined(one) for one in (gone, unlucky)])
        await at.handle(closed(quiz, [standing(1, gone), standing(2, other), standing(3, unlucky)]))
        before = await at.issued(of)
        await at.know(erased(gone), erased(unlucky))
        revised = [standing(1, unlucky), standing(2, other), standing(3, gone)]
        await at.handle(closed(quiz, revised, version=2))
        await at.follow()
        assert await at.issued(of) == before


async def test_copies_that_compare_the_same_people_at_once_change_each_award_once(mongo: str) -> None:
    quiz, people = new_id("quiz"), [new_id("p") for _ in range(120)]
    of = following(certificate(quiz))
    async with new_parts(mongo, copies=3) as copies:
        [at, *_] = copies
        await at.schemes.put(of)
        results = [completed(quiz, one, 61) for one in people]
        await at.handle(*results)
        await at.handle(*[regraded(one, 59) for one in results])
        await asyncio.gather(*[one.follower.go_on(quiz) for one in copies])
        await at.follow()
        assert {(award.is_valid, award.version) for award in (await at.issued(of)).values()} == {(False, 2)}
        told = read_back(await waiting(at.database), AwardRevoked)
        assert len(told) == len({one.context.id for one in told}) == len(people)


async def test_results_forgotten_after_half_a_year_take_no_award_away(mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, result = following(certificate(quiz)), completed(quiz, person, 61)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.handle(result)
        await at.database["results"].delete_many({})
        await at.handle(decided(quiz, person, 1, "other-result", disqualified=False))
        await at.follow()
        assert (await the_award(at, of, person)).is_valid

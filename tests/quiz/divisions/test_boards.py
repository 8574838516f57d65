"""Boards are those of the standings: recomputed one by one, with ties, after kills, and never in part."""

import asyncio
from datetime import timedelta

import pytest

from services.quiz.divisions import counting
from services.quiz.divisions.compute import LOOP, Builder
from services.quiz.divisions.rules import Division
from services.quiz.participants.rules import Profile
from shared.storage.lease import Lease
from tests.quiz.divisions.builders import (
    QUIZ,
    Sat,
    builder,
    expected,
    know,
    make,
    names,
    own,
    people_of,
    shown,
    sit,
    some_attempts,
)
from tests.quiz.parts import Parts, new_parts
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def filled(parts: Parts, number: int = 80, seed: int = 1) -> tuple[list[Sat], dict[str, Profile]]:
    people = people_of(number)
    await know(parts, people)
    attempts = some_attempts([*people, "unknown-person"], parts.quiz.opens_at, seed)
    await sit(parts, attempts)
    return attempts, people


@pytest.mark.parametrize(
    ("ties", "counts"), [("time_used", "best"), ("earlier_finish", "first"), ("shared", "last")]
)
async def test_boards_are_those_that_are_counted_one_by_one(
    kafka: str, mongo: str, ties: str, counts: str
) -> None:
    async with new_parts(kafka, mongo, ties=ties, counts=counts, **QUIZ) as parts:
        attempts, people = await filled(parts)
        await make(parts)
        should = expected(attempts, people, ties, counts)
        assert len(should) == 11
        for limit in (1, 7, 100):
            assert await shown(parts, limit) == should
        for who in (*people, "unknown-person"):
            assert await own(parts, who) == {
                division: row for division, rows in should.items() for row in rows if row[1] == who
            }


async def test_boards_of_many_pages(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        attempts, people = await filled(parts)
        # One more than a page, of one moment and of equal points: a tie that goes over pages.
        alike = {f"alike-{n:04}": Profile("alike", None) for n in range(counting.ROWS_A_PAGE + 1)}
        await know(parts, alike)
        at = parts.quiz.opens_at + timedelta(seconds=1_000)
        more = [Sat(who, 1, 3, 50, at) for who in alike]
        await sit(parts, more)
        await make(parts)
        should = expected(attempts + more, people | alike)
        for limit in (99, 100):
            assert await shown(parts, limit) == should
        assert {row[0] for row in should[Division("group", "alike")]} == {1}
        for who in ("alike-0000", f"alike-{counting.ROWS_A_PAGE:04}"):
            assert (await own(parts, who))[Division("group", "alike")] == (1, who, 3.0)


async def test_everybody_is_on_boards_once_whatever_changes_while_they_are_made(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        attempts, people = await filled(parts)
        worker = builder(parts)
        await worker.go_on(parts.quiz_id)
        assert (await parts.stores.divisions.state(parts.quiz_id)).version == 0
        # Those who were read, and some who were not, become first; somebody moves.
        later = parts.quiz.opens_at + timedelta(seconds=2_000)
        known = {(one.who, one.number) for one in attempts}
        more = [Sat(who, 3, 5, 30, later) for who in [*people][10:50] if (who, 3) not in known]
        await know(parts, {"person-001": Profile("group-3", None)}, 2)
        await sit(parts, more)
        await make(parts, worker)
        before = expected(attempts, people)
        # Whoever was read before the change stands as before it, and all others as after it.
        read = [one for one in more if one.who >= "person-030"]
        assert await shown(parts) == expected(attempts + read, people) != before
        await make(parts, worker)
        assert await shown(parts) == expected(
            attempts + more, people | {"person-001": Profile("group-3", None)}
        )


async def test_after_a_death_another_worker_makes_whole_boards(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        attempts, people = await filled(parts)
        quiz_id, divisions, database = parts.quiz_id, parts.stores.divisions, parts.stores.database
        await make(parts)
        later = parts.quiz.opens_at + timedelta(seconds=2_000)
        more = [Sat(f"person-{n:03}", 3, 5, 30, later) for n in range(80)]
        known = {(one.who, one.number) for one in attempts}
        new = [one for one in more if (one.who, one.number) not in known]
        await sit(parts, new)
        leases = [Lease(database, LOOP, owner="tests") for _ in range(2)]
        dies, goes_on = builder(parts, leases[0]), builder(parts, leases[1], people_a_step=7)
        await eventually(lambda: _is_due(dies, quiz_id))
        await dies.go_on(quiz_id)
        # A kill in the middle: pages are stored, and nobody reads them.
        assert await shown(parts) == expected(attempts, people)
        assert await goes_on.pending("", 1) == []
        await leases[0].give_up()
        assert await goes_on.pending("", 1) == [quiz_id]
        await make(parts, goes_on)
        assert await shown(parts) == expected(attempts + new, people)
        state = await divisions.state(quiz_id)
        assert state.version == 2
        assert await names(database, quiz_id) == {state.boards, state.before}


async def _is_due(worker: Builder, quiz_id: str) -> bool:
    return await worker.pending("", 1) == [quiz_id]


async def test_of_two_workers_at_once_one_publishes(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        attempts, people = await filled(parts)
        quiz_id, divisions = parts.quiz_id, parts.stores.divisions
        # Each believes that the lease is its own, and reads everybody in its first step.
        one, other = builder(parts, people_a_step=1_000), builder(parts, people_a_step=1_000)
        await one.go_on(quiz_id)
        await other.go_on(quiz_id)
        # One step for each number of points, 0 to 5, and the last one.
        for _ in range(7):
            await one.go_on(quiz_id)
        state = await divisions.state(quiz_id)
        assert (state.version, state.boards) == (0, ""), "the one that began later has overtaken it"
        for _ in range(7):
            await other.go_on(quiz_id)
        assert (await divisions.state(quiz_id)).version == 1
        assert await shown(parts) == expected(attempts, people)
        # Now both at the same time, again and again.
        for _ in range(30):
            await asyncio.gather(one.go_on(quiz_id), other.go_on(quiz_id))
            assert await shown(parts) == expected(attempts, people)
        await make(parts, one)
        state = await divisions.state(quiz_id)
        assert await names(parts.stores.database, quiz_id) == {state.boards, state.before}

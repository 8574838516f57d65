"""Two organisers, two volunteers, an erasure at the same moment: what comes first is seen by the other."""

import asyncio
from collections import Counter

import pytest

from tests.registration.builders import erase, events, service
from tests.registration.rotas.builders import (
    assign,
    decide,
    ending,
    numbers,
    person,
    put_shift,
    session,
    times,
    volunteer,
)

pytestmark = pytest.mark.stack

PEOPLE = 8


async def test_of_many_acceptances_at_once_as_many_succeed_as_a_shift_takes(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        await session(clients[0])
        await put_shift(clients[0], most=3)
        people = [await person(clients[0], database) for _ in range(PEOPLE)]
        volunteers = [(await volunteer(clients[0], one)).json() for one in people]
        answers = await asyncio.gather(
            *(decide(clients[number % 2], one, "acceptance") for number, one in enumerate(volunteers))
        )
        codes = Counter(answer.json().get("code") for answer in answers)
        assert codes == {None: 3, "shift_full": PEOPLE - 3}
        assert await numbers(clients[0]) == {"guide": (3, PEOPLE - 3, 0)}
        assert len(await events(database, "shift.assigned")) == 3


async def test_of_two_shifts_at_the_same_time_a_person_gets_one_at_two_copies(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        for name in ("one", "two"):
            await session(clients[0], name)
            await put_shift(clients[0], "guide", name, **times())
        for _ in range(3):
            one = await person(clients[0], database)
            answers = await asyncio.gather(
                assign(clients[0], one["participant_id"], "guide", "one"),
                assign(clients[1], one["participant_id"], "guide", "two"),
            )
            assert sorted(answer.status_code for answer in answers) == [201, 409]
            for name in ("one", "two"):
                await put_shift(clients[0], "guide", name, most=9)


async def test_of_a_crowd_of_the_same_person_one_volunteers(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        await session(clients[0])
        await put_shift(clients[0])
        li = await person(clients[0], database)
        answers = await asyncio.gather(*(volunteer(clients[number % 2], li) for number in range(6)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 5}
        assert await numbers(clients[0]) == {"guide": (0, 1, 1)}
        assert len(await events(database, "shift.volunteered")) == 1


async def test_an_erasure_at_the_same_moment_leaves_nobody_on_the_rota(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        await session(clients[0])
        await put_shift(clients[0], most=9)
        for _ in range(4):
            li = await person(clients[0], database)
            answer, _ = await asyncio.gather(assign(clients[0], li["participant_id"]), erase(clients[1], li))
            assert answer.status_code in (201, 404)
            while await ending(database).erase(li["participant_id"], 9):
                pass
        assert await numbers(clients[0]) == {"guide": (0, 0, 1)}
        assigned, ended = [await events(database, f"shift.{word}") for word in ("assigned", "ended")]
        assert [one["assignment_id"] for one in assigned] == [one["assignment_id"] for one in ended]
        assert {one["code"] for one in ended} <= {"participant_erased"}

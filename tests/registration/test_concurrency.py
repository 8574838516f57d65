"""Many at once, on the real database: nothing is oversold, and the order of waiting is one."""

import asyncio
from collections import Counter

import pytest

from tests.registration.builders import activity, ask, bearer, new_id, put, seats, service

pytestmark = pytest.mark.stack


async def test_of_a_hundred_at_once_for_the_last_place_one_is_confirmed_and_the_others_wait_in_order(
    mongo: str,
) -> None:
    street, only = new_id("street"), new_id("session")
    async with service(mongo) as ([client], database):
        await put(client, street, activity(only, capacity=1, waiting_max=99))
        answers = await asyncio.gather(*(ask(client, only) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {201}
        outcomes = [answer.json() for answer in answers]
        assert Counter(outcome["status"] for outcome in outcomes) == {"confirmed": 1, "waitlisted": 99}
        assert sorted(one["position"] for one in outcomes if one["position"]) == list(range(1, 100))
        assert await seats(client, street) == (0, 99)
        # The order told is the order kept.
        kept = await database["registrations"].find().sort("sequence").to_list(None)
        by_position = sorted(outcomes, key=lambda one: one["position"] or 0)
        assert [one["_id"] for one in kept] == [one["registration_id"] for one in by_position]
        assert [one["sequence"] for one in kept] == list(range(1, 101))


async def test_two_copies_of_the_service_never_oversell(mongo: str) -> None:
    street, only = new_id("street"), new_id("session")
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], street, activity(only, capacity=30, waiting_max=40))
        answers = await asyncio.gather(*(ask(clients[n % 2], only, places=1 + n % 3) for n in range(120)))
        outcomes = [answer.json() for answer in answers]
        taken = await database["registrations"].find({"status": "confirmed"}).to_list(None)
        assert sum(one["places"] for one in taken) <= 30
        free, waiting = await seats(clients[0], street)
        assert free == 30 - sum(one["places"] for one in taken)
        counts = Counter(outcome["status"] for outcome in outcomes)
        assert counts["waitlisted"] == waiting == 40
        assert counts["rejected"] == 120 - 40 - len(taken)
        assert sorted(one["position"] for one in outcomes if one["position"]) == list(range(1, 41))
        numbers = await database["registrations"].distinct("sequence")
        assert len(numbers) == len(taken) + 40


async def test_the_same_key_at_two_copies_at_once_makes_one_participant(mongo: str) -> None:
    street, only = new_id("street"), new_id("session")
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], street, activity(only, capacity=50))
        answers = await asyncio.gather(*(ask(clients[n % 2], only, key=f"same-{n // 4}") for n in range(40)))
        assert Counter(answer.status_code for answer in answers) == {201: 10, 200: 30}
        assert await database["participants"].count_documents({}) == 10
        assert await database["registrations"].count_documents({}) == 10
        assert await seats(clients[0], street) == (40, 0)


async def test_cancelling_and_asking_at_once_keeps_the_counts_right(mongo: str) -> None:
    street, only = new_id("street"), new_id("session")
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], street, activity(only, capacity=10, waiting_max=100))
        first = [
            answer.json() for answer in await asyncio.gather(*(ask(clients[0], only) for _ in range(20)))
        ]
        cancelling = (
            clients[n % 2].post(
                f"/registrations/{one['registration_id']}/cancel", headers=bearer(one["token"])
            )
            for n, one in enumerate(first[:10])
        )
        asking = (ask(clients[n % 2], only) for n in range(20))
        answers = await asyncio.gather(*cancelling, *asking)
        assert {answer.status_code for answer in answers} == {200, 201}
        confirmed = await database["registrations"].find({"status": "confirmed"}).to_list(None)
        assert len(confirmed) == 10
        assert await database["registrations"].count_documents({"status": "waitlisted"}) == 20
        assert await seats(clients[0], street) == (0, 20)
        last = max(one["sequence"] for one in confirmed)
        earliest = await database["registrations"].find({"status": "waitlisted"}).sort("sequence").to_list(1)
        assert last < earliest[0]["sequence"]
        assert len({one["ticket_code"] for one in confirmed}) == 10

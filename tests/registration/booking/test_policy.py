"""The policy of a waiting list, on the real database: declared, shown, and kept; overlaps and limits too."""

import asyncio
import random
from typing import Any

import httpx
import pytest

from services.registration.sessions.store import SessionStore
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    erase,
    owed_promotions,
    own,
    put,
    seats,
    service,
)
from tests.registration.holding import events

pytestmark = pytest.mark.stack

Json = dict[str, Any]


async def registered(client: httpx.AsyncClient, *places: int) -> list[Json]:
    return [(await ask(client, "one", places=wanted)).json() for wanted in places]


async def shown(client: httpx.AsyncClient, people: list[Json]) -> str:
    """Of each: + has a place, . waits, - has left."""
    signs = {"confirmed": "+", "waitlisted": ".", "cancelled": "-"}
    return "".join([signs[(await own(client, one))["status"]] for one in people])


def filling(capacity: int, **changes: Any) -> Json:
    return activity("one", capacity, waiting_max=50, waiting_policy="fill", **changes)


async def test_the_policy_is_shown_before_asking_and_to_those_who_wait(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", filling(1, offer_minutes=60, overlap="refuse", places_per_person_max=2))
        await put(client, "fair", activity("two", 1, waiting_max=5))
        [one] = (await client.get("/activities/street")).json()["sessions"]
        [two] = (await client.get("/activities/fair")).json()["sessions"]
        names = ("waiting_policy", "offer_minutes", "overlap", "places_per_person_max", "admits")
        assert [one[name] for name in names] == ["fill", 60, "refuse", 2, "anyone"]
        assert [two[name] for name in names] == ["strict", None, "warn", None, "anyone"]
        _, waits, behind = await registered(client, 1, 1, 1)
        mine = await own(client, behind)
        assert (mine["waiting_policy"], mine["position"]) == ("fill", 2)
        assert [one["waiting_policy"] for one in await events(database, "waitlisted")] == ["fill", "fill"]
        assert (await own(client, waits))["position"] == 1


async def test_places_that_the_head_cannot_use_go_to_the_first_that_fits_up_to_the_bound(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", filling(6))
        people = await registered(client, 2, 2, 2, 5, 4, 2, 2, 1, 1)
        assert await shown(client, people) == "+++......"
        for number, after in ((0, "-++..+..."), (1, "--+..++.."), (2, "---..+++.")):
            await cancel(client, people[number])
            assert await shown(client, people) == after
        # Five places have gone past the head, as many as it wants. One is free, and only the head can get it.
        assert await seats(client, "street") == (1, 3)
        late = (await ask(client, "one")).json()
        assert late["status"] == "waitlisted"
        for number, after in ((5, "---..-++.."), (6, "---+.--+..")):
            await cancel(client, people[number])
            assert await shown(client, [*people, late]) == after


async def test_a_head_that_leaves_makes_room_for_the_next_with_a_bound_of_its_own(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", filling(3))
        people = await registered(client, 1, 1, 1, 2, 3, 1, 1)
        await cancel(client, people[0])
        await cancel(client, people[1])
        assert (await own(client, people[5]))["status"] == "confirmed"
        assert (await own(client, people[6]))["status"] == "confirmed"
        assert (await SessionStore(database).by_id(["one"]))["one"].overtakable == 0
        # The head is erased: it is dropped when its turn would come, and the next one is the head.
        await erase(client, people[3])
        await cancel(client, people[2])
        await cancel(client, people[5])
        stored = (await SessionStore(database).by_id(["one"]))["one"]
        assert (stored.waiting, stored.head, stored.overtakable, stored.free) == (1, 5, 3, 2)
        assert (await ask(client, "one")).json()["status"] == "confirmed"


async def test_two_copies_that_fill_at_once_never_oversell_and_leave_nobody_whose_turn_it_is(
    mongo: str,
) -> None:
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], "street", filling(12))
        chance = random.Random(11)  # noqa: S311 (no secret)
        people: list[Json] = []

        async def come_and_go(client: httpx.AsyncClient) -> None:
            for _ in range(25):
                answer = await ask(client, "one", places=chance.randint(1, 5))
                if answer.status_code == 201:
                    people.append(answer.json())
                if people and chance.random() < 0.6:
                    await cancel(client, people.pop(chance.randrange(len(people))))

        await asyncio.gather(*(come_and_go(client) for client in clients for _ in range(3)))
        while await owed_promotions(database).promote("one"):
            pass
        stored = (await SessionStore(database).by_id(["one"]))["one"]
        found = await database["registrations"].find({"session_id": "one"}).sort("sequence").to_list(None)
        holding = sum(one["places"] for one in found if one["status"] == "confirmed")
        waiting = [one for one in found if one["status"] == "waitlisted"]
        assert holding == stored.taken <= 12
        assert len(waiting) == stored.waiting
        if waiting:
            assert waiting[0]["places"] > stored.free
            assert stored.head == waiting[0]["sequence"]
            assert all(one["places"] > min(stored.free, stored.overtakable) for one in waiting[1:])


async def test_the_policy_stays_while_somebody_waits_by_it(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", filling(1))
        people = await registered(client, 1, 1)
        strict = activity("one", 1, waiting_max=50)
        refused = await put(client, "street", strict)
        assert (refused.status_code, refused.json()["code"]) == (409, "waiting_policy_in_use")
        await cancel(client, people[1])
        assert (await put(client, "street", strict)).status_code == 200


@pytest.mark.parametrize(("overlap", "status"), [("warn", 201), ("refuse", 409), ("allow", 201)])
async def test_who_is_registered_for_the_same_time_is_warned_or_refused(
    mongo: str, overlap: str, status: int
) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", 5))
        await put(client, "fair", activity("two", 5, overlap=overlap))
        person = (await ask(client, "one")).json()
        key = "the-key-of-the-second"
        for code in (status, 200 if status == 201 else 409):
            answer = await ask(client, "two", token=person["token"], key=key)
            assert answer.status_code == code
            if status == 409:
                assert answer.json()["code"] == "overlaps"
                assert person["registration_id"] in answer.json()["detail"]
            else:
                named = {"warn": person["registration_id"], "allow": None}[overlap]
                assert answer.json()["overlaps_with"] == named
        # What was cancelled is in nobody's way.
        await cancel(client, person)
        again = await ask(client, "two", token=person["token"])
        assert (again.json()["status"], again.json()["overlaps_with"]) == ("confirmed", None)


async def test_of_one_persons_requests_at_once_only_one_is_booked_where_overlaps_are_refused(
    mongo: str,
) -> None:
    async with service(mongo, copies=2) as (clients, database):
        for name in ("one", "two", "three"):
            await put(clients[0], f"of-{name}", activity(name, 5, overlap="refuse"))
        far: Json = {"starts_at": "2098-05-20T01:00:00Z", "ends_at": "2098-05-20T02:00:00Z"}
        await put(clients[0], "fair", activity("four", 5, **far))
        token = (await ask(clients[0], "four")).json()["token"]
        answers = await asyncio.gather(
            *(
                ask(client, name, token=token)
                for client, name in zip([*clients, *clients], ("one", "two", "three", "one"), strict=True)
            )
        )
        booked = [one.json()["session_id"] for one in answers if one.status_code in (200, 201)]
        assert len(set(booked)) == 1
        assert await database["registrations"].count_documents({"status": "confirmed"}) == 2


async def test_a_session_may_bound_the_places_of_a_person(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", 50, places_per_person_max=1))
        refused = await ask(client, "one", places=2)
        assert (refused.status_code, refused.json()["code"]) == (403, "places_need_group")
        assert "1 places" in refused.json()["detail"]
        assert (await ask(client, "one")).status_code == 201

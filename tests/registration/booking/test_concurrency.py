"""Many at once, on the real database: nothing is oversold, and the order of waiting is one."""

import asyncio
import json
from collections import Counter

import pytest

from shared.runtime.errors import Overloaded, Unavailable
from shared.web.hot import HotRequest
from tests.registration.builders import activity, ask, newcomer, put, registering, seats, service, taken
from tests.support.service import bearer, in_outbox, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

JOINING = ("participant.joined", "participant.keyed")
OUTCOMES = ("confirmed", "waitlisted", "rejected")


def request(session_id: str) -> HotRequest:
    """A newcomer's."""
    body = {"session_id": session_id, "participant": newcomer()}
    return HotRequest("", b"", new_id("key-of-request").encode(), json.dumps(body).encode())


async def test_of_two_thousand_at_once_as_many_as_there_are_places_are_confirmed_and_the_others_wait_in_order(
    mongo: str,
) -> None:
    street, only = new_id("street"), new_id("session")
    keys = [f"rush-of-people-{number:05d}" for number in range(2_000)]
    async with service(mongo) as ([client], database):
        await put(client, street, activity(only, capacity=100, waiting_max=1_500))
        answers = await asyncio.gather(*(ask(client, only, key=key) for key in keys))
        assert Counter(answer.status_code for answer in answers) == {201: 1_600, 409: 400}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"session_full"}
        booked = [
            (key, answer.json())
            for key, answer in zip(keys, answers, strict=True)
            if answer.status_code == 201
        ]
        outcomes = [outcome for _, outcome in booked]
        assert Counter(outcome["status"] for outcome in outcomes) == {"confirmed": 100, "waitlisted": 1_500}
        assert sorted(one["position"] for one in outcomes if one["position"]) == list(range(1, 1_501))
        assert await seats(client, street) == (0, 1_500)
        # The order told is the order kept.
        kept = await database["registrations"].find().sort("sequence").to_list(None)
        assert [one["sequence"] for one in kept] == list(range(1, 1_601))
        assert [one["status"] for one in kept] == ["confirmed"] * 100 + ["waitlisted"] * 1_500
        positions = {one["registration_id"]: one["position"] for one in outcomes if one["position"]}
        assert [positions[one["_id"]] for one in kept[100:]] == list(range(1, 1_501))
        # Whoever has a place or waits is told once of having joined, and once of the outcome; nobody else is.
        told_ids = Counter[str]()
        for topic in (*JOINING, *(f"registration.{one}" for one in OUTCOMES)):
            told_ids.update(
                f"{topic} {json.loads(value)['participant_id']}" for value in await in_outbox(database, topic)
            )
        assert told_ids == Counter(
            name
            for one in outcomes
            for name in (
                *(f"{topic} {one['participant_id']}" for topic in JOINING),
                f"registration.{one['status']} {one['participant_id']}",
            )
        )
        again = await asyncio.gather(*(ask(client, only, key=key) for key, _ in booked))
        assert {answer.status_code for answer in again} == {200}
        assert [answer.json() | {"token": ""} for answer in again] == [
            one | {"token": ""} for one in outcomes
        ]
        assert await seats(client, street) == (0, 1_500)


async def test_beyond_the_bound_requests_are_refused_and_those_within_it_are_booked(mongo: str) -> None:
    street, only = new_id("street"), new_id("session")
    async with service(mongo) as ([client], database):
        await put(client, street, activity(only, capacity=50))
        small = registering(database, waiting_max=20)
        async with taken(database, only):
            asked = [asyncio.create_task(small.register(request(only))) for _ in range(60)]
            await asyncio.sleep(0)
            await eventually(lambda: sum(one.done() for one in asked) == 40)
            assert await database["registrations"].count_documents({}) == 0
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [one for one in answers if isinstance(one, BaseException)]
        assert {type(one) for one in refused} == {Overloaded}
        assert (len(refused), await seats(client, street)) == (40, (30, 0))
        # As it was before, once the rush is over.
        assert (await small.register(request(only)))[0] == 201


async def test_a_request_that_is_decided_too_late_is_booked_once_when_it_is_sent_again(mongo: str) -> None:
    street, only = new_id("street"), new_id("session")
    async with service(mongo) as ([client], database):
        await put(client, street, activity(only, capacity=50))
        hasty = registering(database, seconds_max=0.3)
        late = [request(only) for _ in range(10)]
        async with taken(database, only):
            for answer in await asyncio.gather(
                *(hasty.register(one) for one in late), return_exceptions=True
            ):
                assert isinstance(answer, Unavailable)
                assert "Idempotency-Key" in answer.message
        patient = registering(database)
        answers = await asyncio.gather(*(patient.register(one) for one in late))
        assert {status for status, _ in answers} <= {200, 201}
        assert await database["registrations"].count_documents({}) == 10
        assert await seats(client, street) == (40, 0)


async def test_a_session_that_another_process_keeps_holds_up_no_other(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("busy", capacity=50))
        for name in ("fair", "lecture"):
            await put(client, name, activity(name, capacity=50))
        ours = registering(database)
        async with taken(database, "busy"):
            kept = [asyncio.create_task(ours.register(request("busy"))) for _ in range(5)]
            for _ in range(5):
                others = (ours.register(request(name)) for name in ("fair", "lecture"))
                kept.append(asyncio.create_task(ours.register(request("busy"))))
                async with asyncio.timeout(5):
                    assert [status for status, _ in await asyncio.gather(*others)] == [201, 201]
            assert not [one for one in kept if one.done()]
        assert [status for status, _ in await asyncio.gather(*kept)] == [201] * 10
        numbers = await database["registrations"].find({"session_id": "busy"}).sort("sequence").to_list(None)
        answers = [json.loads((await one)[1])["registration_id"] for one in kept]
        assert [one["_id"] for one in numbers] == answers
        # As it was before, once nobody keeps it.
        assert (await ours.register(request("busy")))[0] == 201
        assert await seats(client, "street") == (39, 0)


async def test_two_copies_of_the_service_never_oversell(mongo: str) -> None:
    street, only = new_id("street"), new_id("session")
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], street, activity(only, capacity=30, waiting_max=40))
        answers = await asyncio.gather(*(ask(clients[n % 2], only, places=1 + n % 3) for n in range(120)))
        outcomes = [answer.json() for answer in answers if answer.status_code == 201]
        taken = await database["registrations"].find({"status": "confirmed"}).to_list(None)
        assert sum(one["places"] for one in taken) <= 30
        free, waiting = await seats(clients[0], street)
        assert free == 30 - sum(one["places"] for one in taken)
        counts = Counter(outcome["status"] for outcome in outcomes)
        assert counts["waitlisted"] == waiting == 40
        assert Counter(answer.status_code for answer in answers)[409] == 120 - 40 - len(taken)
        assert sorted(one["position"] for one in outcomes if one["position"]) == list(range(1, 41))
        numbers = await database["registrations"].distinct("sequence")
        assert len(numbers) == len(taken) + 40


async def test_the_same_key_at_two_copies_at_once_makes_one_participant(mongo: str) -> None:
    street, only = new_id("street"), new_id("session")
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], street, activity(only, capacity=50))
        answers = await asyncio.gather(
            *(ask(clients[n % 2], only, key=f"the-same-key-of-{n // 4}") for n in range(40))
        )
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
        assert len({one["ticket_hash"] for one in confirmed}) == 10

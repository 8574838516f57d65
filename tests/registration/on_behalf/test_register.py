"""An organiser registers somebody else, by the same rules as everybody."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.registration.builders import (
    activity,
    ask,
    check_in,
    erase_whole,
    newcomer,
    now_on,
    put,
    seats,
    service,
)
from tests.registration.sign_ins.builders import signed_in
from tests.support.service import ORGANISER, as_participant, code_of, in_outbox

pytestmark = pytest.mark.stack

PATH = "/sessions/one/registrations"


async def register(
    client: httpx.AsyncClient, *, key: str = "", places: int = 1, participant_id: str = "", **person: Any
) -> httpx.Response:
    body: dict[str, Any] = {"places": places}
    if participant_id:
        body["participant_id"] = participant_id
    else:
        body["person"] = {"name": "李奶奶"} | person
    headers = ORGANISER | {"Idempotency-Key": key or str(uuid4())}
    return await client.post(PATH, json=body, headers=headers)


async def test_somebody_without_an_address_gets_a_place_and_a_ticket_that_lets_in(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        answer = await register(client, places=3, district="华龙区", audience="elderly")
        assert answer.status_code == 201
        one = answer.json()
        assert (one["status"], one["position"], one["code"]) == ("confirmed", None, None)
        assert "token" not in one
        let_in = (await check_in(client, one["ticket_code"])).json()
        assert (let_in["verdict"], let_in["places"]) == ("ok", 3)
        [joined] = [json.loads(event) for event in await in_outbox(database, "participant.joined")]
        assert joined["participant_id"] == one["participant_id"]
        assert (joined["district"], joined["audience"], joined["kind"]) == ("华龙区", "elderly", "person")
        kept = str(
            [await database[name].find().to_list(None) for name in await database.list_collection_names()]
        )
        assert "李奶奶" not in kept


async def test_somebody_who_is_known_gets_a_place_too_and_has_one_registration(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9))
        await put(client, "hall", activity("two", capacity=9))
        known = (await ask(client, "two")).json()
        first = (await register(client, participant_id=known["participant_id"])).json()
        again = await register(client, participant_id=known["participant_id"], places=2)
        assert (first["participant_id"], first["status"]) == (known["participant_id"], "confirmed")
        assert (again.status_code, again.json()["code"]) == (200, "already_registered")
        assert again.json()["registration_id"] == first["registration_id"]
        assert await seats(client, "street") == (8, 0)
        assert len(await in_outbox(database, "participant.joined")) == 1


async def test_the_same_rules_decide_as_for_everybody(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=2, waiting_max=1))
        assert (await register(client, places=2)).json()["status"] == "confirmed"
        waiting = (await register(client)).json()
        assert (waiting["status"], waiting["position"], waiting["ticket_code"]) == ("waitlisted", 1, None)
        assert code_of(await register(client)) == (409, "session_full")
        assert code_of(await register(client, places=3)) == (409, "places_above_capacity")
        assert code_of(await register(client, group_id="nobodys")) == (422, "group_unknown")


async def test_a_repeat_registers_once_also_at_the_same_moment(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], "street", activity("one", capacity=9))
        key = str(uuid4())
        answers = await asyncio.gather(*[register(clients[number % 2], key=key) for number in range(4)])
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
        assert len({answer.text for answer in answers}) == 1
        assert await seats(clients[0], "street") == (8, 0)
        assert len(await in_outbox(database, "registration.confirmed")) == 1
        other = await register(clients[0], key=key, places=2)
        assert code_of(other) == (409, "idempotency_key_reused")


async def test_nobody_is_registered_who_is_unknown_erased_or_not_named(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9))
        await put(client, "hall", activity("two", capacity=9))
        gone = (await ask(client, "two")).json()
        await erase_whole(client, database, gone)
        for id_ in ("nobody", gone["participant_id"]):
            assert code_of(await register(client, participant_id=id_)) == (404, "person_unknown")
        key = {"Idempotency-Key": str(uuid4())}
        for body in ({}, {"person": {"name": "李"}, "participant_id": "li"}):
            answer = await client.post(PATH, json=body, headers=ORGANISER | key)
            assert code_of(answer) == (422, "person_or_participant")
        unknown = await client.post(
            "/sessions/none/registrations", json={"person": {"name": "李"}}, headers=ORGANISER | key
        )
        assert code_of(unknown) == (404, "session_unknown")
        own = as_participant("li") | key
        refused = await client.post(PATH, json={"person": {"name": "李"}}, headers=own)
        assert code_of(refused) == (401, "organiser_key_missing")
        assert await seats(client, "street") == (9, 0)


async def test_whom_an_organiser_registers_has_the_address_and_may_sign_in_with_it(mongo: str) -> None:
    li = "li@example.org"
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", capacity=9))
        first = await register(client, email=li)
        assert (first.status_code, first.json()["status"]) == (201, "confirmed")
        again = await register(client, email="LI@example.org")
        assert code_of(again) == (409, "person_known")
        # The organiser may register the one who has it.
        assert first.json()["participant_id"] in again.json()["detail"]
        alone = await ask(client, "one", participant=newcomer(email=li))
        assert code_of(alone) == (409, "contact_known")
        assert first.json()["participant_id"] not in alone.text
        assert await database["participants"].count_documents({}) == 1
        mine = (await signed_in(client, database, li)).json()
        assert mine["participant_id"] == first.json()["participant_id"]


async def test_of_two_organisers_who_register_one_address_at_once_one_adds_it(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], "street", activity("one", capacity=9))
        answers = await asyncio.gather(
            *(register(clients[number % 2], email="li@example.org") for number in range(8))
        )
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
        assert await database["participants"].count_documents({}) == 1

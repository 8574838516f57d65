"""
The anonymous attacks in other shapes.

Anybody can be a newcomer any number of times. What must hold all the same: what nobody confirms is freed, and
an honest person gets a place. The crowd of which half ask twice is in tests/registration/crowd.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.registration.booking.store import RegistrationStore
from services.registration.erasure.leave import Leaving
from services.registration.participants.store import ParticipantStore
from shared.storage.mongo import Database
from tests.registration.builders import activity, ask, newcomer, own, put, seats, service
from tests.registration.holding import expiry
from tests.registration.sign_ins.builders import code_for, confirm, signed_in
from tests.support.service import bearer, code_of

pytestmark = pytest.mark.stack

GetsItBack = Callable[[httpx.AsyncClient, Database, str], Awaitable[httpx.Response]]


async def test_an_honest_person_gets_a_place_of_a_session_that_strangers_have_booked_out(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 20))
        answers = [await ask(client, "one", places=2) for _ in range(12)]
        assert {answer.status_code for answer in answers} == {201, 409}
        late = newcomer(email="honest@example.org")
        assert code_of(await ask(client, "one", participant=late)) == (409, "session_full")
        # Their time runs out.
        past = datetime.now(UTC) - timedelta(minutes=1)
        await database["registrations"].update_many({}, {"$set": {"held_until": past}})
        await database["sessions"].update_many({}, {"$set": {"runs_out_at": past}})
        assert not await expiry(database).free("one")
        assert await seats(client, "street") == (20, 0)
        mine = (await ask(client, "one", participant=late)).json()
        code = await code_for(database, "honest@example.org")
        token = (await confirm(client, mine["participant_id"], code)).json()["token"]
        assert (await own(client, mine | {"token": token}))["status"] == "confirmed"
        assert await strangers_left(database) == 1


async def strangers_left(database: Database) -> int:
    """How many participants are left when those who confirmed nothing have gone."""
    leaving = Leaving(database, ParticipantStore(database), RegistrationStore(database), kept=timedelta())
    while pending := await leaving._pending("", 100):
        for hash_ in pending:
            assert await leaving.delete_newcomer(hash_)
    return int(await database["participants"].count_documents({}))


async def test_a_stranger_who_holds_my_contact_and_keeps_asking_does_not_keep_me_out(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 10))
        mine = "me@example.org"
        strange = (await ask(client, "one", participant=newcomer("甲", email="Me+1@example.org"))).json()
        for _ in range(10):
            answer = await client.post("/sign-ins", json={"email": mine})
            for _ in range(6):
                await confirm(client, answer.json()["sign_in_id"], "0000-0000")
        # The mailbox has one code, which is still good.
        me = (await signed_in(client, database, mine)).json()
        assert (me["participant_id"], me["verified"]) == (strange["participant_id"], True)


async def test_mails_are_asked_for_once_a_sign_in_and_only_where_a_contact_is_known(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await client.post("/participants", json=newcomer(email="me@example.org"))
        before = await database["outbox"].count_documents({})
        for number in range(5):
            await client.post("/sign-ins", json={"email": f"unknown-{number}@example.org"})
        assert await database["outbox"].count_documents({}) == before


async def takes_over(client: httpx.AsyncClient, database: Database, _: str) -> httpx.Response:
    return await signed_in(client, database, "owner@example.org")


async def ends_tokens_and_signs_in(
    client: httpx.AsyncClient, database: Database, token: str
) -> httpx.Response:
    assert (await client.delete("/me/tokens", headers=bearer(token))).status_code == 204
    return await signed_in(client, database, "owner@example.org")


@pytest.mark.parametrize("gets_it_back", [takes_over, ends_tokens_and_signs_in])
async def test_what_was_asked_for_by_a_token_ends_with_it(mongo: str, gets_it_back: GetsItBack) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 20))
        first: dict[str, Any] = {
            "key": "a-key-of-the-stranger",
            "participant": newcomer(email="owner@example.org"),
        }
        strange = (await ask(client, "one", **first)).json()
        change = {"email": "thief@example.org"}
        asked = await client.patch("/me", json=change, headers=bearer(strange["token"]))
        code = await code_for(database, "thief@example.org")
        mine = (await gets_it_back(client, database, strange["token"])).json()
        assert mine["participant_id"] == strange["participant_id"]
        # At once: other processes learn of the end only within two seconds.
        old = bearer(strange["token"])
        assert code_of(await client.patch("/me", json={"name": "甲"}, headers=old)) == (401, "token_ended")
        assert code_of(await client.delete("/participants/me", headers=old)) == (401, "token_ended")
        assert code_of(await client.delete("/me/tokens", headers=old)) == (401, "token_ended")
        stolen = await confirm(client, asked.json()["sign_in_id"], code)
        assert code_of(stolen) == (404, "sign_in_unknown")
        assert code_of(await ask(client, "one", **first)) == (409, "contact_known")
        assert (await client.get("/me", headers=bearer(mine["token"]))).json()["email"] == "owner@example.org"
        # The owner may change the contact all the same.
        asked = await client.patch("/me", json={"email": "new@example.org"}, headers=bearer(mine["token"]))
        changed = await confirm(
            client, asked.json()["sign_in_id"], await code_for(database, "new@example.org")
        )
        assert changed.status_code == 200


async def test_a_request_of_a_newcomer_gives_no_token_after_all_were_ended(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", 20))
        first: dict[str, Any] = {
            "key": "a-key-of-a-lost-phone",
            "participant": newcomer(email="owner@example.org"),
        }
        token = (await ask(client, "one", **first)).json()["token"]
        assert (await ask(client, "one", **first)).json()["token"]
        assert (await client.delete("/me/tokens", headers=bearer(token))).status_code == 204
        assert code_of(await ask(client, "one", **first)) == (409, "contact_known")

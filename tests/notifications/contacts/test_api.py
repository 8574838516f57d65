"""Preferences over HTTP."""

import asyncio
from itertools import product

import pytest

from services.notifications.contacts.store import ContactStore
from shared.contracts.events import ParticipantErased
from shared.runtime import clock
from tests.notifications.api import api
from tests.notifications.builders import service
from tests.support.service import as_participant, code_of, new_id

pytestmark = pytest.mark.stack


async def test_a_choice_that_is_misspelt_is_refused_and_what_is_given_can_be_put(
    kafka: str, mongo: str
) -> None:
    person = new_id()
    async with api(kafka, mongo) as (client, _):
        me = as_participant(person)
        answer = await client.put("/preferences", json={"emial": False}, headers=me)
        assert code_of(answer)[0] == 422
        given = (await client.get("/preferences", headers=me)).json()
        assert given == {"email": True, "sms": True, "language": None}
        assert (await client.put("/preferences", json=given, headers=me)).json() == given


@pytest.mark.parametrize("language", ["zh-CN", "en", None])
async def test_every_choice_is_kept(kafka: str, mongo: str, language: str | None) -> None:
    async with api(kafka, mongo) as (client, _):
        me = as_participant(new_id())
        for email, sms in product([False, True], repeat=2):
            chosen = {"email": email, "sms": sms, "language": language}
            assert (await client.put("/preferences", json=chosen, headers=me)).json() == chosen
            assert (await client.get("/preferences", headers=me)).json() == chosen


async def test_of_two_first_choices_at_once_that_know_of_none_one_is_made(mongo: str) -> None:
    async with service(mongo, role="api", copies=2) as (clients, _):
        me = as_participant(new_id())
        none = (await clients[0].get("/preferences", headers=me)).headers["etag"]
        answers = await asyncio.gather(
            *(
                client.put("/preferences", json={"email": email}, headers=me | {"If-Match": none})
                for client, email in zip(clients, (False, False), strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        # Without a condition the last one counts, as ever.
        free = await asyncio.gather(
            *(client.put("/preferences", json={"sms": False}, headers=me) for client in clients * 2)
        )
        assert {answer.status_code for answer in free} == {200}


async def test_whoever_was_erased_is_told_so_whatever_version_is_named(mongo: str) -> None:
    async with service(mongo, role="api") as ([client], database):
        person = new_id()
        gone = ParticipantErased(participant_id=person, version=2, erased_at=clock.now())
        await ContactStore(database).erase([gone], clock.now())
        for condition in ({}, {"If-Match": '"1"'}):
            answer = await client.put("/preferences", json={}, headers=as_participant(person) | condition)
            assert code_of(answer) == (401, "participant_erased")
        assert await database["preferences"].count_documents({}) == 0

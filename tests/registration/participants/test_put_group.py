"""Organisers put groups, on the real database."""

import json

import pytest

from services.registration.participants.keys import KeySealer
from services.registration.participants.rules import Participant, ParticipantId, Profile
from services.registration.participants.store import ParticipantStore
from shared.contracts.sealing import Contact, encrypt_contact, unseal_key
from shared.storage.unit_of_work import UnitOfWork, save_together
from tests.registration.builders import activity, ask, put, service
from tests.support.service import CONTACT_PRIVATE_KEY, CONTACT_PUBLIC_KEY, ORGANISER, in_outbox

pytestmark = pytest.mark.stack


async def test_a_group_is_a_participant_told_of_when_it_changes(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        body = {"name": "濮阳市第一中学", "kind": "school", "district": "华龙区"}
        contact = {"contact": {"name": "王老师", "email": "wang@example.org"}}
        for changed in (body, body, body | contact, body | contact):
            answer = await client.put("/groups/school-1", json=changed, headers=ORGANISER)
            assert answer.status_code == 200, answer.text
        joined = [json.loads(value) for value in await in_outbox(database, "participant.joined")]
        assert [(one["kind"], one["version"]) for one in joined] == [("group", 1), ("group", 2)]
        assert [one["contact_sealed"] is None for one in joined] == [True, False]
        keyed = [json.loads(value) for value in await in_outbox(database, "participant.keyed")]
        assert [one["version"] for one in keyed] == [1, 2]
        assert len({unseal_key(one["key_sealed"], CONTACT_PRIVATE_KEY) for one in keyed}) == 1
        listed = (await client.get("/groups")).json()
        as_read = {"group_id": "school-1", "language": "zh-CN", "remarks": ""} | body
        assert listed == {"groups": [as_read], "after": None}
        assert (await client.get("/groups/none")).json()["code"] == "group_unknown"


async def test_a_group_is_put_as_it_was_read_and_loses_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        body = {"name": "濮阳市第一中学", "kind": "school", "district": "华龙区", "language": "en"}
        contact = {"contact": {"name": "王老师", "email": "wang@example.org"}, "remarks": "示例"}
        await client.put("/groups/school-1", json=body | contact, headers=ORGANISER)
        read = (await client.get("/groups/school-1")).json()
        again = await client.put("/groups/school-1", json=read, headers=ORGANISER)
        assert (again.status_code, again.json()) == (200, read)
        assert len(await in_outbox(database, "participant.joined")) == 1
        renamed = read | {"name": "濮阳一中"}
        without_language = {name: value for name, value in renamed.items() if name != "language"}
        assert (
            await client.put("/groups/school-1", json=without_language, headers=ORGANISER)
        ).json() == renamed
        [first, second] = [json.loads(value) for value in await in_outbox(database, "participant.joined")]
        assert second["contact_sealed"] == first["contact_sealed"]
        assert second["language"] == "en"
        await client.put("/groups/school-1", json=renamed | {"contact": None}, headers=ORGANISER)
        joined = [json.loads(value) for value in await in_outbox(database, "participant.joined")]
        assert joined[2]["contact_sealed"] is None
        other = await client.put("/groups/school-2", json=read, headers=ORGANISER)
        assert (other.status_code, other.json()["code"]) == (422, "id_differs")


async def test_a_persons_id_is_no_groups(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        person = (await ask(client, "one")).json()
        body = {"name": "一中", "kind": "school", "district": "华龙区"}
        answer = await client.put(f"/groups/{person['participant_id']}", json=body, headers=ORGANISER)
        assert (answer.status_code, answer.json()["code"]) == (409, "group_id_taken")
        assert (await ask(client, "one", token=person["token"])).json()["code"] == "already_registered"


@pytest.mark.parametrize("contact", [None, {"name": "办公室", "email": "office@example.org"}])
async def test_an_id_that_another_system_took_for_a_person_is_the_organisers_to_give(
    mongo: str, contact: dict[str, str] | None
) -> None:
    async with service(mongo) as ([client], database):
        key = KeySealer(CONTACT_PUBLIC_KEY).new_key()
        strangers = encrypt_contact(Contact(name="别人", email="stranger@example.org"), key.key)
        profile = Profile("person", None, None, "youth", "en", strangers)
        participants = ParticipantStore(database)

        async def taken(unit: UnitOfWork) -> None:
            await participants.add(unit, [Participant(ParticipantId("school-new"), profile)])
            await participants.add_keys(unit, {"school-new": key.key})

        await save_together(database, taken)
        body: dict[str, object] = {"name": "新学校", "kind": "school", "district": "华龙区"}
        body |= {"contact": contact} if contact else {}
        answer = await client.put("/groups/school-new", json=body, headers=ORGANISER)
        assert answer.status_code == 200
        [said] = [json.loads(value) for value in await in_outbox(database, "participant.joined")]
        assert (said["kind"], said["version"]) == ("group", 2)
        # Mails of the group go to no stranger.
        assert said["contact_sealed"] != strangers
        assert (said["contact_sealed"] is None) == (contact is None)
        assert said["tokens_from"] is not None
        assert (await client.put("/groups/school-new", json=body, headers=ORGANISER)).status_code == 200

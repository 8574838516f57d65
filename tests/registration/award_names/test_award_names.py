"""Names on awards: who chooses what, and what awards hears of it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.registration.award_names.events import NameSealer
from services.registration.award_names.publish import Naming
from services.registration.participants.name_store import NameStore
from shared.contracts.sealing import decrypt_contact, decrypt_words, new_key_pair, unseal_key
from shared.messaging.create_topics import create_missing
from shared.runtime.errors import Rejected
from shared.storage.mongo import Database, connect
from shared.storage.outbox import waiting
from shared.storage.unit_of_work import UnitOfWork
from tests.registration.builders import (
    KEYS,
    activity,
    ask,
    erase,
    events,
    newcomer,
    parts_of,
    put,
    reading,
    service,
)
from tests.registration.crashing import WRITTEN, end_transactions, killed_in_the_middle
from tests.registration.group_bookings.test_group_bookings import members
from tests.registration.rosters.builders import SCHOOL, manager_of
from tests.registration.sign_ins.builders import join, signed_in
from tests.support.killing import say
from tests.support.service import (
    CONTACT_PRIVATE_KEY,
    NAME_PRIVATE_KEY,
    NAME_PUBLIC_KEY,
    ORGANISER,
    bearer,
    code_of,
)

pytestmark = pytest.mark.stack

OWN = "/me/award-name"
NAMED = "participant.named"
AT_HOME = {
    "recipient": "李小明",
    "phone": "138 0013 8000",
    "region": "河南省濮阳市华龙区",
    "street": "建设路1号",
    "postal_code": "457000",
}


def naming(database: Database, public_key: str = NAME_PUBLIC_KEY) -> Naming:
    stores = parts_of(database).stores
    return Naming(
        database, stores.participants, stores.groups, sealer=NameSealer(public_key), keyed_hash=KEYS.hash
    )


async def verified(client: httpx.AsyncClient, database: Database) -> dict[str, Any]:
    """Somebody who has joined and verified the contact: the answers, and the header of the token."""
    body = newcomer()
    joined: dict[str, Any] = (await client.post("/participants", json=body)).json()
    token = (await signed_in(client, database, body["email"])).json()["token"]
    return joined | {"name": body["name"], "token": token, "headers": bearer(token)}


async def registered_for(client: httpx.AsyncClient, name: str) -> str:
    """Somebody whom an organiser registers for the session: the id."""
    headers = ORGANISER | {"Idempotency-Key": str(uuid4())}
    body = {"person": {"name": name}}
    answer = await client.post("/sessions/one/registrations", json=body, headers=headers)
    assert answer.is_success, answer.text
    id_: str = answer.json()["participant_id"]
    return id_


async def name_all(database: Database, public_key: str = NAME_PUBLIC_KEY) -> int:
    """What the loop does after everybody has joined."""
    ids = [one["_id"] async for one in database["participants"].find({}, {"_id": 1})]
    named = await naming(database, public_key).name(ids)
    assert await database["participants"].count_documents({"to_name": True}) == 0
    return named


async def told(database: Database, participant_id: str) -> list[dict[str, Any]]:
    """What awards reads of this participant, in order; opened as awards opens it."""
    found = [one for one in await events(database, NAMED) if one["participant_id"] == participant_id]
    return [opened(one) for one in found]


def opened(event: dict[str, Any]) -> dict[str, Any]:
    if event["key_sealed"] is None:
        return event
    key = unseal_key(event["key_sealed"], NAME_PRIVATE_KEY)
    name, address = (
        event[field] and decrypt_words(event[field], key) for field in ("name_locked", "address_locked")
    )
    return event | {"name": name, "address": address}


async def test_a_name_is_published_once_sealed_for_awards_alone(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        assert await name_all(database) == 1
        assert await name_all(database) == 0
        [event] = [one for one in await events(database, NAMED) if one["key_sealed"]]
        assert opened(event)["name"] == person["name"]
        assert (event["shown"], event["kind"]) == ("masked", "person")
        with pytest.raises(Rejected):
            unseal_key(event["key_sealed"], CONTACT_PRIVATE_KEY)
        joined = (await events(database, "participant.joined"))[-1]
        key = unseal_key(event["key_sealed"], NAME_PRIVATE_KEY)
        with pytest.raises(Rejected):
            decrypt_contact(joined["contact_sealed"], key, NAME_PRIVATE_KEY)
        keyed = (await events(database, "participant.keyed"))[-1]
        own_key = unseal_key(keyed["key_sealed"], CONTACT_PRIVATE_KEY)
        with pytest.raises(Rejected):
            decrypt_words(event["name_locked"], own_key)


async def test_no_topic_has_a_name_or_an_address_in_clear(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        await client.put(OWN, json={"shown": "full", "address": AT_HOME}, headers=person["headers"])
        await name_all(database)
        records = await waiting(database)
        assert NAMED in {topic for topic, _, _, _ in records}
        values = b"".join(value or b"" for _, _, value, _ in records)
        for word in (person["name"], *AT_HOME.values()):
            assert word.encode() not in values
            assert json.dumps(word).encode() not in values
        stored = str([one async for one in database["award_names"].find({})])
        assert "建设路" not in stored


async def test_one_chooses_and_awards_hears_of_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        first = await client.get(OWN, headers=person["headers"])
        assert first.json() == {"shown": "masked", "spelling": None, "address": None}
        wish = {"shown": "full", "spelling": "李晓明", "address": AT_HOME}
        put_ = await client.put(
            OWN, json=wish, headers=person["headers"] | {"if-match": first.headers["etag"]}
        )
        assert put_.json() == wish
        assert (await client.get(OWN, headers=person["headers"])).json() == wish
        again = await client.put(
            OWN, json={}, headers=person["headers"] | {"if-match": first.headers["etag"]}
        )
        assert code_of(again) == (412, "version_differs")
        await name_all(database)
        [event] = await told(database, person["participant_id"])
        assert (event["name"], event["shown"]) == ("李晓明", "full")
        assert "建设路1号" in event["address"]
        # Without the address it is deleted.
        await client.put(OWN, json={"shown": "none"}, headers=person["headers"])
        await name_all(database)
        event = (await told(database, person["participant_id"]))[-1]
        assert (event["name"], event["shown"], event["address"]) == (person["name"], "none", None)


async def test_the_same_choice_again_changes_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        wish = {"shown": "full", "spelling": "李晓明", "address": AT_HOME}
        first = await client.put(OWN, json=wish, headers=person["headers"])
        joined = await events(database, "participant.joined")
        again = await client.put(OWN, json=wish, headers=person["headers"])
        assert again.headers["etag"] == first.headers["etag"]
        assert await events(database, "participant.joined") == joined


async def test_whoever_has_not_verified_the_contact_does_not_choose(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", 5))
        somebody = (await ask(client, "one")).json()
        answer = await client.put(OWN, json={"shown": "full"}, headers=bearer(somebody["token"]))
        assert code_of(answer) == (403, "contact_unverified")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spelling", "李" * 101),
        ("spelling", "see http://spam.example"),
        ("shown", "initials"),
        ("address", AT_HOME | {"street": "x" * 201}),
        ("address", AT_HOME | {"phone": "1" * 41}),
        ("address", {"street": "建设路1号"}),
        ("address", AT_HOME | {"street": "a\nb"}),
    ],
)
async def test_what_is_no_name_and_no_address_is_refused(mongo: str, field: str, value: object) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        answer = await client.put(OWN, json={field: value}, headers=person["headers"])
        assert answer.status_code == 422


async def test_an_erasure_leaves_nothing_and_comes_last(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        await client.put(OWN, json={"address": AT_HOME}, headers=person["headers"])
        await name_all(database)
        assert (await erase(client, person)).is_success
        assert await name_all(database) == 0
        *_, last = await told(database, person["participant_id"])
        assert last["key_sealed"] is None
        assert last.get("name_locked") is None
        assert await database["award_names"].count_documents({}) == 0
        left = await database["participants"].find_one({"_id": person["participant_id"]})
        assert left is not None
        assert "named_fingerprint" not in left


async def test_groups_are_shown_in_full_and_organisers_choose_for_them(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await client.put("/groups/school-1", json=SCHOOL, headers=ORGANISER)
        await name_all(database)
        [event] = await told(database, "school-1")
        assert (event["name"], event["shown"], event["kind"]) == (SCHOOL["name"], "full", "group")
        path = "/participants/school-1/award-name"
        refused = await client.put(path, json={"shown": "masked"}, headers=ORGANISER)
        assert code_of(refused) == (422, "group_not_masked")
        chosen = await client.put(path, json={"spelling": "第一中学"}, headers=ORGANISER)
        assert chosen.json() == {"shown": "full", "has_spelling": True, "has_address": False}
        # What is left out stays.
        chosen = await client.put(path, json={"shown": "none"}, headers=ORGANISER)
        assert chosen.json() == {"shown": "none", "has_spelling": True, "has_address": False}
        await name_all(database)
        event = (await told(database, "school-1"))[-1]
        assert (event["name"], event["shown"]) == ("第一中学", "none")


async def test_organisers_choose_for_whom_they_have_registered_but_not_for_who_signs_in(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", 5))
        id_ = await registered_for(client, "李奶奶")
        answer = await client.put(
            f"/participants/{id_}/award-name", json={"shown": "full", "address": AT_HOME}, headers=ORGANISER
        )
        assert answer.json() == {"shown": "full", "has_spelling": False, "has_address": True}
        signs_in = await verified(client, database)
        for other in (signs_in["participant_id"], (await ask(client, "one")).json()["participant_id"]):
            path = f"/participants/{other}/award-name"
            assert code_of(await client.get(path, headers=ORGANISER)) == (409, "award_name_own")
            refused = await client.put(path, json={"shown": "full"}, headers=ORGANISER)
            assert code_of(refused) == (409, "award_name_own")
        path = "/participants/nobody/award-name"
        assert code_of(await client.get(path, headers=ORGANISER)) == (404, "person_unknown")


async def test_managers_choose_for_members_who_have_not_signed_in(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        [one] = await members(client, manager, 1)
        path = f"/groups/school-1/members/{one}/award-name"
        answer = await client.put(path, json={"shown": "full"}, headers=manager)
        assert answer.json()["shown"] == "full"
        await name_all(database)
        member = await database["members"].find_one({"_id": one})
        assert member is not None
        [event] = await told(database, member["participant_id"])
        assert (event["shown"], event["group_id"]) == ("full", "school-1")
        await database["participants"].update_one(
            {"_id": member["participant_id"]}, {"$set": {"verified_at": datetime.now(UTC)}}
        )
        assert code_of(await client.put(path, json={}, headers=manager)) == (409, "award_name_own")
        unknown = await client.put("/groups/school-1/members/new/award-name", json={}, headers=manager)
        assert code_of(unknown) == (404, "member_unknown")


async def test_with_another_key_of_awards_everybody_is_named_anew(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await verified(client, database)
        assert await name_all(database) == 1
        assert await name_all(database, new_key_pair()[1]) == 1


async def test_who_changes_the_name_or_the_group_is_named_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        await client.put("/groups/school-1", json=SCHOOL, headers=ORGANISER)
        await name_all(database)
        await client.patch("/me", json={"language": "en"}, headers=person["headers"])
        assert await name_all(database) == 0
        await client.patch("/me", json={"name": "李大明", "group_id": "school-1"}, headers=person["headers"])
        assert await name_all(database) == 1
        first, second = await told(database, person["participant_id"])
        assert (second["name"], second["group_id"]) == ("李大明", "school-1")
        assert second["version"] > first["version"]


async def test_who_went_into_another_leaves_no_choice_behind(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", 5))
        goes = await registered_for(client, "李奶奶")
        path = f"/participants/{goes}/award-name"
        await client.put(path, json={"shown": "full", "address": AT_HOME}, headers=ORGANISER)
        await name_all(database)
        stays = await verified(client, database)
        merged = await client.post(
            f"/participants/{goes}/merge",
            json={"into": stays["participant_id"]},
            headers=ORGANISER,
        )
        assert merged.is_success, merged.text
        assert (await told(database, goes))[-1]["key_sealed"] is None
        assert await database["award_names"].count_documents({}) == 0


class _Erasing(NameStore):
    """Somebody is erased between the reading of a name and the end of its transaction, once."""

    def __init__(self, database: Database, erase_now: Callable[[], Awaitable[object]]) -> None:
        super().__init__(database)
        self._erase: Callable[[], Awaitable[object]] | None = erase_now

    async def mark_named(self, unit: UnitOfWork, named: Mapping[str, str]) -> None:
        if self._erase is not None:
            erase_now, self._erase = self._erase, None
            await erase_now()
        await super().mark_named(unit, named)


async def test_a_name_never_follows_the_erasure_of_the_same_moment(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        stores = parts_of(database).stores
        stores.participants.names = _Erasing(database, lambda: erase(client, person))
        slow = Naming(
            database,
            stores.participants,
            stores.groups,
            sealer=NameSealer(NAME_PUBLIC_KEY),
            keyed_hash=KEYS.hash,
        )
        assert await slow.name([person["participant_id"]]) == 0
        [only] = await told(database, person["participant_id"])
        assert only["key_sealed"] is None


class _Waiting(NameStore):
    async def mark_named(self, unit: UnitOfWork, named: Mapping[str, str]) -> None:
        await super().mark_named(unit, named)
        say(WRITTEN)
        await asyncio.Event().wait()


async def name_and_wait(mongo: str, database_name: str, participant_id: str) -> None:
    """What a process does that is killed in the middle."""
    async with connect(mongo, database_name) as database:
        stores = parts_of(database).stores
        stores.participants.names = _Waiting(database)
        await Naming(
            database,
            stores.participants,
            stores.groups,
            sealer=NameSealer(NAME_PUBLIC_KEY),
            keyed_hash=KEYS.hash,
        ).name([participant_id])


async def test_a_kill_in_the_middle_leaves_nobody_without_a_name_and_names_nobody_twice(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        await killed_in_the_middle(name_and_wait, mongo, database.name, person["participant_id"])
        assert await told(database, person["participant_id"]) == []
        await end_transactions(database)
        assert await name_all(database) == 1
        assert len(await told(database, person["participant_id"])) == 1


async def test_a_worker_names_those_who_join_and_those_who_joined_in_a_release_before(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    async with reading(kafka, NAMED) as log:
        async with service(mongo, kafka=kafka, role="all", name_public_key=None) as ([client], database):
            before = (await join(client)).json()["participant_id"]
            # As the release before has stored it.
            await database["participants"].update_one({"_id": before}, {"$unset": {"to_name": ""}})
            async with service(mongo, kafka=kafka, role="all", database=database.name) as ([client], _):
                now = (await join(client)).json()["participant_id"]
                records = await log.of([before, now], 2)
        assert {(record.key or b"").decode() for record in records} == {before, now}
        for record in records:
            assert opened(json.loads(record.value or b""))["name"] == "李小明"


class _Crowd:
    """People who ask for places until somebody has looked so often."""

    def __init__(self, looks: int) -> None:
        self.looks_left = looks

    @property
    def waiting(self) -> int:
        self.looks_left -= 1
        return max(self.looks_left, 0)


async def test_names_wait_while_people_ask_for_places(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        person = await verified(client, database)
        crowd = _Crowd(4)
        stores = parts_of(database).stores
        patient = Naming(
            database,
            stores.participants,
            stores.groups,
            sealer=NameSealer(NAME_PUBLIC_KEY),
            keyed_hash=KEYS.hash,
            people=crowd,
        )
        while not await told(database, person["participant_id"]):
            assert await patient.turn() > 0
        assert crowd.looks_left < 0

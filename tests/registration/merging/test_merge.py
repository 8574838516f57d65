"""Two participants become one: places, waits, members; who may go; repeats; deaths in the middle."""

import pytest

from services.registration.sessions.store import SessionStore
from tests.registration.builders import (
    activity,
    check_in,
    erase_whole,
    events,
    newcomer,
    own,
    put,
    seats,
    service,
    soon,
)
from tests.registration.crashing import Crash, DyingSessions
from tests.registration.merging.builders import (
    all_moved,
    counters_agree,
    merge,
    place,
    theirs,
    unfinished_merges,
)
from tests.registration.rosters.builders import manager_of
from tests.registration.sign_ins.builders import join, me, signed_in
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack


async def test_places_and_waits_go_to_the_one_who_stays_and_nobody_holds_two(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name, capacity in (("both", 3), ("only", 3), ("full", 1), ("wait", 1)):
            await put(client, name, activity(name, capacity, waiting_max=9, **soon()))
        stays = await place(client, "both")
        goes = await place(client, "both")
        moved = await place(client, "only", goes)
        # Of "full" one has the only place, and of "wait" nobody of the two.
        full = await place(client, "full", goes)
        await place(client, "full", stays)
        await place(client, "wait")
        waits = await place(client, "wait", goes)
        behind = await place(client, "wait")
        assert (full["status"], waits["position"]) == ("confirmed", 1)

        answer = await merge(client, goes["participant_id"], stays["participant_id"])
        assert answer.status_code == 200, answer.text
        assert (answer.json()["into"], answer.json()["done"]) == (stays["participant_id"], False)
        assert code_of(await me(client, goes["token"])) == (401, "participant_erased")
        assert (await check_in(client, moved["ticket_code"])).json()["verdict"] != "ok"
        await all_moved(database)

        mine = await theirs(client, stays)
        assert {name: one["status"] for name, one in mine.items()} == {
            "both": "confirmed",
            "only": "confirmed",
            "full": "confirmed",
            "wait": "waitlisted",
        }
        assert (mine["wait"]["position"], (await own(client, behind))["position"]) == (1, 2)
        assert await seats(client, "both") == (2, 0)
        assert await seats(client, "full") == (0, 0)
        await counters_agree(database)
        assert (await check_in(client, mine["only"]["ticket_code"])).json()["verdict"] == "ok"
        again = (await merge(client, goes["participant_id"], stays["participant_id"])).json()
        assert again == answer.json() | {"done": True}
        [erased] = await events(database, "participant.erased")
        assert (erased["participant_id"], erased["merged_into"]) == (
            goes["participant_id"],
            stays["participant_id"],
        )
        codes = [one["code"] for one in await events(database, "registration.cancelled")]
        assert codes == ["participant_merged"] * 4


async def test_whoever_waited_behind_a_double_moves_up(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", 2, waiting_max=9))
        stays, goes = await place(client, "one"), await place(client, "one")
        waits = await place(client, "one")
        await merge(client, goes["participant_id"], stays["participant_id"])
        await all_moved(database)
        assert (await own(client, waits))["status"] == "confirmed"
        await counters_agree(database)


async def test_held_places_are_confirmed_for_somebody_with_a_confirmed_contact(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 2, waiting_max=9))
        await join(client, email="li@example.org")
        stays = (await signed_in(client, database, "li@example.org")).json()
        goes = await place(client, "one")
        assert goes["status"] == "held"
        await merge(client, goes["participant_id"], stays["participant_id"])
        await all_moved(database)
        assert (await theirs(client, stays))["one"]["status"] == "confirmed"
        [confirmed] = await events(database, "registration.confirmed")
        assert confirmed["participant_id"] == stays["participant_id"]
        await counters_agree(database)


async def test_who_has_confirmed_a_contact_does_not_go_and_nor_do_bodies_and_strangers(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 9))
        await join(client, email="li@example.org")
        proved = (await signed_in(client, database, "li@example.org")).json()["participant_id"]
        vouched = await client.post(
            "/sessions/one/registrations",
            json={"person": newcomer(email="wang@example.org")},
            headers=ORGANISER | {"Idempotency-Key": "0123456789abcdef"},
        )
        other = vouched.json()["participant_id"]
        manager = await manager_of(client)
        assert manager
        assert code_of(await merge(client, proved, other)) == (409, "merge_confirmed")
        assert code_of(await merge(client, other, other)) == (422, "merge_itself")
        assert code_of(await merge(client, "nobody", other)) == (404, "person_unknown")
        assert code_of(await merge(client, other, "nobody")) == (404, "person_unknown")
        assert code_of(await merge(client, "school-1", other)) == (409, "merge_group")
        assert code_of(await merge(client, other, "school-1")) == (409, "merge_group")
        path = f"/participants/{other}/merge"
        assert code_of(await client.post(path, json={"into": proved})) == (401, "organiser_key_missing")
        # An organiser has vouched for the other one, and nobody has signed in as that one.
        assert (await merge(client, other, proved)).status_code == 200
        third = (await join(client)).json()["participant_id"]
        assert code_of(await merge(client, other, third)) == (409, "merged_elsewhere")
        assert code_of(await merge(client, third, other)) == (404, "person_unknown")
        # Nobody has proved to control that address: it is free, and leads nobody to the one who stays.
        assert (await join(client, email="wang@example.org")).status_code == 201


async def test_a_chain_of_merges_ends_at_the_last_one_and_an_erased_one_gets_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", 9))
        people = [await place(client, "one")] + [(await join(client)).json() for _ in range(2)]
        first, second, third = (one["participant_id"] for one in people)
        await merge(client, first, second)
        await merge(client, second, third)
        await all_moved(database)
        assert (await theirs(client, people[2]))["one"]["status"] == "confirmed"
        fourth = (await join(client)).json()
        await merge(client, third, fourth["participant_id"])
        await erase_whole(client, database, fourth)
        await all_moved(database)
        assert await seats(client, "street") == (9, 0)
        await counters_agree(database)


async def test_the_one_who_stays_is_the_member_of_a_body_and_its_data_can_be_read(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        form = {"name": "李小明", "is_minor": True}
        member = (await client.post("/groups/school-1/members", json=form, headers=manager)).json()
        path = f"/groups/school-1/members/{member['member_id']}"
        asked = (await client.post(f"{path}/consents", headers=manager)).json()
        text = (await client.post("/consents/view", json={"consent_code": asked["consent_code"]})).json()
        signed = {
            "consent_code": asked["consent_code"],
            "guardian": "李大明",
            "text_version": text["text_version"],
        }
        assert (await client.post("/consents/signature", json=signed)).status_code == 200
        mine = (await join(client)).json()
        assert (await merge(client, member["participant_id"], mine["participant_id"])).status_code == 200
        # Whom a group needs does not go, also without a verified contact.
        unconfirmed = {"participant_id": mine["participant_id"], "unverified_since": {"$exists": True}}
        assert await database["contacts"].count_documents(unconfirmed) == 0
        [found] = (await client.get("/groups/school-1/members", headers=manager)).json()["members"]
        assert (found["name"], found["participant_id"]) == ("李小明", None)
        consent = (await client.get(f"{path}/consent", headers=manager)).json()
        assert consent["guardian"] == "李大明"
        assert (await client.delete(path, headers=manager)).status_code == 204
        assert (await me(client, mine["token"])).status_code == 200


@pytest.mark.parametrize("dies_at", [1, 2, 3])
async def test_a_process_that_dies_in_the_middle_moves_each_once(mongo: str, dies_at: int) -> None:
    async with service(mongo) as ([client], database):
        for name in ("a", "b", "c"):
            await put(client, name, activity(name, 2, waiting_max=9))
        stays = await place(client, "a")
        goes = await place(client, "a")
        for name in ("b", "c"):
            await place(client, name, goes)
        await merge(client, goes["participant_id"], stays["participant_id"])
        dying: SessionStore = DyingSessions(database, dies_at)
        with pytest.raises(Crash):
            await unfinished_merges(database, sessions=dying).go_on(goes["participant_id"])
        await counters_agree(database)
        await all_moved(database)
        assert {one["status"] for one in (await theirs(client, stays)).values()} == {"confirmed"}
        assert sorted(await theirs(client, stays)) == ["a", "b", "c"]
        await counters_agree(database)
        confirmed = await events(database, "registration.confirmed")
        ids = [(one["registration_id"], one["version"]) for one in confirmed]
        assert len(ids) == len(set(ids))
        assert len(await events(database, "registration.cancelled")) == 3

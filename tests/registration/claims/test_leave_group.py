"""A participant leaves a group that has entered them: for good, unless they want to come back."""

import asyncio
from typing import Any

import pytest

from tests.registration.auditing import faults, log_of
from tests.registration.builders import activity, ask, events, put, seats, service, unfinished_erasures
from tests.registration.claims.builders import claim, code_for, member, said_by, shown, somebody
from tests.registration.claims.leaving import all_taken_off, groups_of, leave, take_off
from tests.registration.crashing import end_transactions, killed_in_the_middle
from tests.registration.group_bookings.test_group_bookings import book
from tests.registration.merging.builders import all_moved, merge
from tests.registration.rosters.builders import (
    HEADING,
    confirm,
    csv_of,
    import_all,
    manager_of,
    members_of,
    read_import,
    roster_imports,
    upload,
)
from tests.registration.sign_ins.builders import join, signed_in
from tests.support.service import bearer, code_of

pytestmark = pytest.mark.stack

UNKNOWN = (404, "member_unknown")
LEFT = (409, "member_left")
LI = ["李小明", "1班", "0001", "li@example.org"]
WANG = ["王小红", "1班", "0002", "wang@example.org"]


async def test_whoever_leaves_is_no_member_and_the_manager_sees_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        await put(client, "school", activity("one", capacity=50, admits="roster"))
        who = await somebody(client, database, "li@example.org")
        id_ = await member(client, manager, email="li@example.org")
        assert await groups_of(client, who) == [id_]
        before = await shown(client, manager, id_)
        assert (before["state"], before["left_at"]) == ("member", None)
        for _ in range(2):
            assert (await leave(client, who, id_)).status_code == 204
        assert await groups_of(client, who) == []
        after = await shown(client, manager, id_)
        assert (after["state"], after["name"]) == ("left", before["name"])
        assert after["left_at"] is not None
        assert code_of(await ask(client, "one", token=who["token"])) == (403, "session_for_roster")
        assert code_of(await book(client, manager, [id_])) == UNKNOWN
        # What the person is besides goes on.
        assert (await client.get("/me", headers=bearer(who["token"]))).status_code == 200


async def test_after_the_last_group_tokens_say_roster_no_more_and_all_services_learn_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager, other = await manager_of(client), await manager_of(client, "school-2")
        one = await member(client, manager, email="li@example.org")
        form = {"name": "李小明", "email": "li@example.org"}
        two = (await client.post("/groups/school-2/members", json=form, headers=other)).json()["member_id"]
        who = (await signed_in(client, database, "li@example.org")).json()
        assert said_by(who["token"]).on_roster
        assert said_by(who["token"]).group_id == "school-1"
        await leave(client, who, one)
        joined = (await events(database, "participant.joined"))[-1]
        # Of the group that was left nothing is counted any more; of the other one there is still a roster.
        assert (joined["participant_id"], joined["group_id"], joined["roster_from"]) == (
            who["participant_id"],
            None,
            None,
        )
        await leave(client, who, two)
        joined = (await events(database, "participant.joined"))[-1]
        assert joined["roster_from"] is not None
        again = (await signed_in(client, database, "li@example.org")).json()
        assert not said_by(again["token"]).on_roster


async def test_nobody_leaves_for_somebody_else_or_before_the_contact_is_verified(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        manager = await manager_of(client)
        id_ = await member(client, manager, email="li@example.org")
        other = await somebody(client, database, "other@example.org")
        assert code_of(await leave(client, other, id_)) == UNKNOWN
        assert code_of(await leave(client, other, "nobody")) == UNKNOWN
        stranger = (await join(client, email="known@example.org")).json()
        entered = await member(client, manager, "王小红", email="known@example.org")
        assert code_of(await leave(client, stranger, entered)) == UNKNOWN
        assert {one["state"] for one in await members_of(client, manager)} == {"member"}
        await client.delete("/participants/me", headers=bearer(other["token"]))
        assert code_of(await leave(client, other, id_)) == (401, "participant_erased")


async def test_an_import_and_a_form_do_not_enter_again_who_has_left(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        who = await somebody(client, database, "li@example.org")
        id_ = await member(client, manager, LI[0], department=LI[1], number=LI[2], email=LI[3])
        await leave(client, who, id_)
        other_name = ["李明", "2班", "0009", "li@example.org"]
        for line in (LI, other_name):
            preview = (await upload(client, manager, csv_of([line, WANG], HEADING))).json()
            assert [(one["line"], one["code"]) for one in preview["faults"]] == [(2, "member_left")]
            assert (preview["bad_lines"], preview["added"]) == (1, 1)
            form = dict(zip(("name", "department", "number", "email"), line, strict=True))
            added = await client.post("/groups/school-1/members", json=form, headers=manager)
            assert code_of(added) == LEFT
        await confirm(client, manager, preview, skip_bad_lines=True)
        await import_all(roster_imports(database))
        states = {one["name"]: one["state"] for one in await members_of(client, manager)}
        assert states == {"李小明": "left", "王小红": "member"}
        wang = next(one for one in await members_of(client, manager) if one["name"] == "王小红")
        renamed = dict(zip(("name", "department", "number"), LI[:3], strict=True))
        path = f"/groups/school-1/members/{wang['member_id']}"
        assert code_of(await client.put(path, json=renamed, headers=manager)) == LEFT
        assert await groups_of(client, who) == []


async def test_who_leaves_between_preview_and_import_is_left_out_and_named(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        who = await somebody(client, database, "li@example.org")
        id_ = await member(client, manager, "李小明", email="li@example.org")
        # The file names the address with another number: another line, but the same person.
        await client.delete(f"/groups/school-1/members/{id_}", headers=manager)
        preview = (await upload(client, manager, csv_of([LI, WANG], HEADING))).json()
        assert preview["bad_lines"] == 0
        anew = await member(client, manager, "李小明", email="li@example.org")
        await leave(client, who, anew)
        await confirm(client, manager, preview)
        await import_all(roster_imports(database))
        done = await read_import(client, manager, preview)
        assert (done["status"], done["added"], done["bad_lines"]) == ("imported", 1, 1)
        assert [(one["line"], one["code"]) for one in done["faults"]] == [(2, "member_left")]
        assert await groups_of(client, who) == []


async def test_of_leaving_and_importing_at_once_nobody_is_entered_again(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        manager = await manager_of(clients[0])
        for round_ in range(4):
            address = f"li{round_}@example.org"
            who = await somebody(clients[0], database, address)
            line = [f"李{round_}", "1班", f"{round_:04}", address]
            id_ = await member(clients[0], manager, line[0], email=address)
            preview = (await upload(clients[0], manager, csv_of([[*line[:3], address]], HEADING))).json()
            # As another line the address is another member's: only once this one is gone may it be entered.
            assert [one["code"] for one in preview["faults"]] == ["email_of_another"]
            same = (await upload(clients[0], manager, csv_of([[line[0], "", "", ""]], HEADING))).json()
            assert same["changed"] == 1
            await confirm(clients[0], manager, same)
            left, _ = await asyncio.gather(
                leave(clients[1], who, id_), import_all(roster_imports(database)), return_exceptions=False
            )
            assert left.status_code == 204
            assert await groups_of(clients[0], who) == []
            assert (await shown(clients[0], manager, id_))["state"] == "left"
            assert await database["members"].count_documents({}) == 0


async def test_who_has_left_comes_back_by_a_code_with_the_own_token_only(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        who = await somebody(client, database, "li@example.org")
        other = await somebody(client, database, "other@example.org")
        id_ = await member(client, manager, email="li@example.org")
        assert await code_for(client, manager, id_) is None
        await leave(client, who, id_)
        code = await code_for(client, manager, id_)
        assert code is not None
        for token in (None, other["token"]):
            assert code_of(await claim(client, code, token)) == (403, "claim_code_wrong")
        for _ in range(2):
            back = await claim(client, code, who["token"])
            assert back.status_code == 200, back.text
        assert said_by(back.json()["token"]).on_roster
        assert await groups_of(client, who) == [id_]
        again = await shown(client, manager, id_)
        assert (again["state"], again["claimed"], again["left_at"]) == ("member", True, None)
        await leave(client, who, id_)
        assert code_of(await claim(client, code, who["token"])) == (403, "claim_code_wrong")
        assert await code_for(client, manager, id_) != code


async def test_the_name_comes_off_bookings_and_the_waiting_list_moves_up(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        for name in ("one", "two"):
            await put(client, name, activity(name, capacity=2, waiting_max=9))
        who = await somebody(client, database, "li@example.org")
        mine, other = (
            await member(client, manager, email="li@example.org"),
            await member(client, manager, "乙"),
        )
        both = (await book(client, manager, [mine, other])).json()
        alone = (await book(client, manager, [mine], session_id="two")).json()
        waiting = (await ask(client, "one")).json()
        assert (both["status"], waiting["status"]) == ("confirmed", "waitlisted")
        attendees = f"/groups/school-1/bookings/{both['registration_id']}/attendees"
        read = await client.get(attendees, headers=manager)
        await leave(client, who, mine)
        await killed_in_the_middle(take_off, mongo, database.name, mine)
        await end_transactions(database)
        await all_taken_off(database)
        await all_taken_off(database)
        page = (await client.get("/groups/school-1/bookings", headers=manager)).json()
        booked: dict[str, Any] = {one["registration_id"]: one for one in page["registrations"]}
        after = booked[both["registration_id"]]
        assert (after["places"], after["member_ids"], after["status"]) == (1, [other], "confirmed")
        # Who has read it before does not put the name back.
        under = manager | {"If-Match": read.headers["etag"]}
        late = await client.put(attendees, json=read.json(), headers=under)
        assert code_of(late) == (412, "version_differs")
        assert booked[alone["registration_id"]]["status"] == "cancelled"
        assert await seats(client, "one") == (0, 0)
        assert await seats(client, "two") == (2, 0)
        [gone] = await events(database, "registration.cancelled")
        assert (gone["registration_id"], gone["code"]) == (alone["registration_id"], "member_left")
        promoted = [one for one in await events(database, "registration.confirmed") if one["promoted"]]
        assert [one["registration_id"] for one in promoted] == [waiting["registration_id"]]
        assert await faults(database, await log_of(database)) == {}


async def test_who_came_back_before_the_worker_keeps_the_place(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        await put(client, "one", activity("one", capacity=2))
        who = await somebody(client, database, "li@example.org")
        id_ = await member(client, manager, email="li@example.org")
        await book(client, manager, [id_])
        await leave(client, who, id_)
        await claim(client, await code_for(client, manager, id_), who["token"])
        await all_taken_off(database)
        assert await seats(client, "one") == (1, 0)


async def test_an_erasure_forgets_who_has_left_and_a_merge_takes_it_along(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        erased, stays = [await somebody(client, database, f"{name}@example.org") for name in ("a", "b")]
        one = await member(client, manager, "甲", email="a@example.org")
        two = await member(client, manager, "乙", email="b@example.org")
        for who, id_ in ((erased, one), (stays, two)):
            assert (await leave(client, who, id_)).status_code == 204
        # A double of somebody who has left, entered by the same group without an address.
        double = await member(client, manager, "丙")
        goes = await shown(client, manager, double)
        merged = await merge(client, goes["participant_id"], stays["participant_id"])
        assert merged.status_code == 200, merged.text
        await all_moved(database)
        assert await groups_of(client, stays) == []
        assert {one["name"]: one["state"] for one in await members_of(client, manager)} == {
            "甲": "left",
            "乙": "left",
            "丙": "left",
        }
        await client.delete("/participants/me", headers=bearer(erased["token"]))
        while await unfinished_erasures(database).go_on(erased["participant_id"]):
            pass
        left = {document["_id"] async for document in database["members_left"].find()}
        assert left == {two, double}
        told = {document["participant_id"] async for document in database["members_notified"].find()}
        assert erased["participant_id"] not in told


async def test_of_leaving_and_booking_at_once_no_place_is_left_in_the_name(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        manager = await manager_of(clients[0])
        await put(clients[0], "hall", activity("one", capacity=50))
        who = await somebody(clients[0], database, "li@example.org")
        id_ = await member(clients[0], manager, email="li@example.org")
        other = await member(clients[0], manager, "乙")
        for _ in range(5):
            left, booked = await asyncio.gather(
                leave(clients[1], who, id_), book(clients[0], manager, [id_, other])
            )
            assert (left.status_code, booked.status_code) in {(204, 201), (204, 404)}
            await all_taken_off(database)
            named = [one["member_ids"] async for one in database["attendances"].find({"member_ids": id_})]
            assert named == []
            for one in (await clients[0].get("/groups/school-1/bookings", headers=manager)).json()[
                "registrations"
            ]:
                path = f"/groups/school-1/bookings/{one['registration_id']}/cancel"
                assert (await clients[0].post(path, headers=manager)).status_code == 200
            code = await code_for(clients[0], manager, id_)
            assert (await claim(clients[0], code, who["token"])).status_code == 200

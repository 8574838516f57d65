"""Somebody becomes a member by a code on paper, once; and nobody becomes by it who is somebody already."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.registration.claims import rules
from tests.registration.builders import activity, ask, events, put, service, unfinished_erasures
from tests.registration.claims.builders import claim, code_for, member, said_by, shown, somebody
from tests.registration.consents.test_consents import link, sign
from tests.registration.group_bookings.test_group_bookings import book
from tests.registration.merging.builders import merge
from tests.registration.rosters.builders import manager_of
from tests.registration.sign_ins.builders import code_for as sign_in_code
from tests.registration.sign_ins.builders import confirm, join, me, signed_in
from tests.support.service import bearer, code_of

pytestmark = pytest.mark.stack

WRONG = (403, "claim_code_wrong")


async def test_whoever_has_the_code_is_the_member_and_may_go_where_a_roster_is_needed(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], _):
        manager = await manager_of(client)
        await put(client, "school", activity("one", capacity=50, admits="roster"))
        id_ = await member(client, manager, email="typed-wrongly@example.org")
        code = await code_for(client, manager, id_)
        assert await code_for(client, manager, id_) == code
        assert (await shown(client, manager, id_))["claimed"] is False
        claimed = await claim(client, code)
        assert claimed.status_code == 200, claimed.text
        token = claimed.json()["token"]
        assert (said_by(token).verified, said_by(token).on_roster) == (False, True)
        assert (await shown(client, manager, id_))["claimed"] is True
        [own] = (await client.get("/me/memberships", headers=bearer(token))).json()["memberships"]
        assert own == {"member_id": id_, "group_id": "school-1", "group_name": "一中"}
        place = (await ask(client, "one", token=token)).json()
        assert place["status"] == "confirmed"
        # The group vouches for the person, and not for the address.
        mine = (await me(client, token)).json()
        assert (mine["name"], mine["email"], mine["verified"]) == ("李小明", None, False)
        assert code_of(await claim(client, code)) == WRONG


async def test_the_code_of_a_lost_paper_ends_when_another_one_is_given(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        id_ = await member(client, manager)
        lost = await code_for(client, manager, id_)
        code = await code_for(client, manager, id_, renew=True)
        assert code != lost
        assert await code_for(client, manager, id_) == code
        assert code_of(await claim(client, lost)) == WRONG
        assert (await claim(client, code)).status_code == 200


async def test_who_takes_part_already_becomes_the_member_and_stays_who_they_are(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        id_ = await member(client, manager)
        code, who = await code_for(client, manager, id_), await somebody(client, database, "li@example.org")
        before = await shown(client, manager, id_)
        for _ in range(2):
            claimed = (await claim(client, code, who["token"])).json()
            assert (claimed["participant_id"], claimed["member_id"]) == (who["participant_id"], id_)
        assert said_by(claimed["token"]).on_roster
        after = await shown(client, manager, id_)
        # The group still reads what it has said, and does not learn who it is.
        assert after == before | {"claimed": True, "participant_id": None}
        [gone] = await events(database, "participant.erased")
        assert (gone["participant_id"], gone["merged_into"]) == (
            before["participant_id"],
            who["participant_id"],
        )
        assert code_of(await claim(client, code)) == WRONG


async def test_nobody_learns_from_an_answer_whether_somebody_is_on_a_roster(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        await manager_of(client, "school-2")
        used, ended, removed = [await member(client, manager, name) for name in ("甲", "乙", "丙")]
        codes = [await code_for(client, manager, id_) for id_ in (used, ended, removed)]
        elsewhere = await claim(client, codes[0], group_id="school-2")
        assert (await claim(client, codes[0])).status_code == 200
        past = {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}
        await database["member_claims"].update_one({"_id": ended}, {"$set": past})
        await client.delete(f"/groups/school-1/members/{removed}", headers=manager)
        wrong = [elsewhere, await claim(client, "00000-00000"), await claim(client, "1", group_id="nobody")]
        wrong += [await claim(client, code) for code in codes]
        assert {code_of(answer) for answer in wrong} == {WRONG}
        assert len({answer.text for answer in wrong}) == 1
        # A new code is another one: what is on old paper never becomes good again.
        assert await code_for(client, manager, ended) != codes[1]


async def test_no_code_makes_anybody_a_person_who_is_somebody_already(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        await somebody(client, database, "known@example.org")
        known = await member(client, manager, "甲", email="known@example.org")
        assert await code_for(client, manager, known) is None
        # Who has verified nothing yet was there before the group, too.
        assert (await join(client, email="newcomer@example.org")).status_code == 201
        newcomer = await member(client, manager, "丙", email="newcomer@example.org")
        assert await code_for(client, manager, newcomer) is None
        later = await member(client, manager, "乙", email="later@example.org")
        code = await code_for(client, manager, later)
        signed = (await signed_in(client, database, "later@example.org")).json()
        assert said_by(signed["token"]).on_roster
        assert code_of(await claim(client, code)) == WRONG
        assert await code_for(client, manager, later) is None
        assert [(await shown(client, manager, id_))["claimed"] for id_ in (known, later)] == [True, True]


async def test_a_token_of_somebody_unverified_claims_nothing_and_nobody_is_two_members(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        codes = [await code_for(client, manager, await member(client, manager, name)) for name in "甲乙"]
        newcomer = (await join(client)).json()["token"]
        assert code_of(await claim(client, codes[0], newcomer)) == (403, "claim_needs_contact")
        who = await somebody(client, database, "li@example.org")
        assert (await claim(client, codes[0], who["token"])).status_code == 200
        assert code_of(await claim(client, codes[1], who["token"])) == (409, "member_already")
        assert (await claim(client, codes[1])).status_code == 200


async def test_of_many_who_claim_at_once_one_is_the_member(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, _):
        manager = await manager_of(clients[0])
        code = await code_for(clients[0], manager, await member(clients[0], manager))
        answers = await asyncio.gather(*(claim(clients[one % 2], code) for one in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [403] * 7


async def test_no_second_code_takes_a_member_away_from_whoever_has_claimed(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        id_ = await member(client, manager)
        first = (await claim(client, await code_for(client, manager, id_))).json()
        assert await code_for(client, manager, id_) is None
        # Whoever has lost the token is entered anew, and is another participant.
        await client.delete(f"/groups/school-1/members/{id_}", headers=manager)
        anew = await member(client, manager)
        again = (await claim(client, await code_for(client, manager, anew))).json()
        assert again["participant_id"] != first["participant_id"]
        assert (await me(client, first["token"])).status_code == 200


async def test_a_code_on_paper_is_no_verified_contact_until_an_email_is_added(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        manager = await manager_of(client)
        await put(client, "contest", activity("one", capacity=50, admits="verified"))
        await put(client, "open", activity("two", capacity=50))
        token = (await claim(client, await code_for(client, manager, await member(client, manager)))).json()
        token = token["token"]
        assert code_of(await ask(client, "one", token=token)) == (403, "session_for_confirmed")
        # The group vouches for the person: nothing is only held.
        assert (await ask(client, "two", token=token)).json()["status"] == "confirmed"
        address = {"email": "own@example.org"}
        changed = await client.patch("/me", json=address, headers=bearer(token))
        assert changed.status_code == 200, changed.text
        assert not said_by(changed.json()["token"]).verified
        code = await sign_in_code(database, "own@example.org")
        proved = (await confirm(client, changed.json()["sign_in_id"], code)).json()["token"]
        assert (said_by(proved).verified, said_by(proved).on_roster) == (True, True)
        assert (await me(client, proved)).json()["verified"] is True
        assert (await ask(client, "one", token=proved)).json()["status"] == "confirmed"


async def test_an_address_that_has_left_gives_a_claimed_member_no_second_attempt_that_day(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        who = await somebody(client, database, "own@example.org")
        await client.delete("/participants/me", headers=bearer(who["token"]))
        token = (await claim(client, await code_for(client, manager, await member(client, manager)))).json()
        address = {"email": "own@example.org"}
        changed = await client.patch("/me", json=address, headers=bearer(token["token"]))
        code = await sign_in_code(database, "own@example.org")
        proved = await confirm(client, changed.json()["sign_in_id"], code)
        assert proved.status_code == 200, proved.text
        assert not said_by(proved.json()["token"]).verified


async def test_a_right_code_is_taken_after_any_number_of_wrong_ones_of_a_classmate(
    mongo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "GROUP_AND_NETWORK_MAX", 2)
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        codes = [await code_for(client, manager, await member(client, manager, name)) for name in "甲乙"]
        wrong = [code_of(await claim(client, f"00000-{number}")) for number in range(3)]
        assert wrong == [WRONG, WRONG, (429, "claims_too_many")]
        for code in codes:
            assert (await claim(client, code)).status_code == 200
        assert code_of(await claim(client, codes[0])) == (429, "claims_too_many")


async def test_a_member_sees_the_registrations_of_the_group_and_no_ticket(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        for session_id in ("one", "two"):
            await put(client, session_id, activity(session_id, capacity=9))
        mine, other = await member(client, manager, "甲"), await member(client, manager, "乙")
        for session_id, members in (("one", [mine, other]), ("two", [other])):
            await book(client, manager, members, session_id=session_id)
        token = (await claim(client, await code_for(client, manager, mine))).json()["token"]
        seen = await client.get("/me/attendances", headers=bearer(token))
        [one] = seen.json()["attendances"]
        assert (one["session_id"], one["member_id"], one["status"]) == ("one", mine, "confirmed")
        assert "ticket" not in seen.text
        assert other not in seen.text
        # Who only gives the address of a member, and verifies nothing, sees nothing.
        stranger = (await join(client, email="c@example.org")).json()["token"]
        await member(client, manager, "丙", email="c@example.org")
        for path in ("/me/attendances", "/me/memberships"):
            seen = (await client.get(path, headers=bearer(stranger))).json()
            assert [] in seen.values()
        await client.delete(f"/groups/school-1/members/{mine}", headers=manager)
        assert (await client.get("/me/attendances", headers=bearer(token))).json()["attendances"] == []
        assert (await me(client, token)).status_code == 200


async def test_a_minor_who_has_claimed_needs_the_consent_that_the_session_asks_for(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        for session_id, admits in (("one", "roster"), ("two", "anyone")):
            await put(client, session_id, activity(session_id, 9, admits=admits, minors_need_consent=True))
        id_ = await member(client, manager, is_minor=True)
        token = (await claim(client, await code_for(client, manager, id_))).json()["token"]
        for session_id in ("one", "two"):
            assert code_of(await ask(client, session_id, token=token)) == (409, "consent_needed")
        assert (await sign(client, await link(client, manager, id_))).status_code == 200
        for session_id in ("one", "two"):
            assert (await ask(client, session_id, token=token)).status_code == 201


async def test_an_erasure_ends_a_membership_and_a_merge_takes_it_along(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        gone, double = await member(client, manager, "甲"), await member(client, manager, "乙")
        codes = [await code_for(client, manager, id_) for id_ in (gone, double)]
        erased, merged = [(await claim(client, code)).json() for code in codes]
        await client.delete("/participants/me", headers=bearer(erased["token"]))
        assert (await shown(client, manager, gone))["name"] is None
        assert await code_for(client, manager, gone) is None
        while await unfinished_erasures(database).go_on(erased["participant_id"]):
            pass
        for collection in ("members", "member_claims"):
            assert [one["_id"] async for one in database[collection].find()] == [double]
        who = await somebody(client, database, "li@example.org")
        assert (await merge(client, merged["participant_id"], who["participant_id"])).status_code == 200
        [own] = (await client.get("/me/memberships", headers=bearer(who["token"]))).json()["memberships"]
        assert own["member_id"] == double
        assert (await shown(client, manager, double))["claimed"] is True


async def test_codes_are_for_managers_and_nothing_stored_shows_one(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager, other = await manager_of(client), await manager_of(client, "school-2")
        id_ = await member(client, manager)
        code = await code_for(client, manager, id_)
        form = {"member_ids": [id_]}
        asked = await client.post("/groups/school-1/claim-codes", json=form, headers=other)
        assert code_of(asked) == (403, "not_manager")
        asked = await client.post("/groups/school-2/claim-codes", json=form, headers=other)
        assert code_of(asked) == (404, "member_unknown")
        stored = str(await database["member_claims"].find_one({}))
        assert code is not None
        assert code not in stored
        assert code.replace("-", "") not in stored
        await client.delete(f"/groups/school-1/members/{id_}", headers=manager)
        assert await database["member_claims"].count_documents({}) == 0

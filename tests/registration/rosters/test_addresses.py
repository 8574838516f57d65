"""One address is one participant, also in rosters: by file, by form, at the same moment, and after it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.registration.booking.store import RegistrationStore
from services.registration.erasure.leave import Leaving
from services.registration.participants.store import ParticipantStore
from shared.storage.mongo import Database
from shared.web.tokens import TokenVerifier
from tests.registration.builders import events, newcomer, service
from tests.registration.rosters.builders import (
    confirm,
    csv_of,
    import_all,
    manager_of,
    members_of,
    pupils,
    read_import,
    roster_imports,
    upload,
)
from tests.registration.sign_ins.builders import join, me, signed_in
from tests.support.service import TOKEN_PUBLIC_KEY, bearer, code_of

pytestmark = pytest.mark.stack
ADDRESS = "s0@example.org"
PUPIL = {"name": "学生0", "department": "1班", "number": "0000", "email": ADDRESS}


async def bring(
    client: httpx.AsyncClient,
    database: Database,
    manager: dict[str, str],
    lines: list[list[str]],
    group_id: str = "school-1",
) -> dict[str, Any]:
    """A file from its upload to its import."""
    preview = (await upload(client, manager, csv_of(lines), group_id)).json()
    answer = await confirm(client, manager, preview)
    assert answer.status_code == 202, answer.text
    await import_all(roster_imports(database), group_id)
    return await read_import(client, manager, preview)


async def add(
    client: httpx.AsyncClient, manager: dict[str, str], group_id: str = "school-1", **changes: Any
) -> httpx.Response:
    return await client.post(f"/groups/{group_id}/members", json=PUPIL | changes, headers=manager)


async def remove(client: httpx.AsyncClient, manager: dict[str, str], member: dict[str, Any]) -> None:
    path = f"/groups/school-1/members/{member['member_id']}"
    assert (await client.delete(path, headers=manager)).status_code == 204


async def people(database: Database) -> int:
    """How many participants there are who are no group, and who are not erased."""
    return int(await database["participants"].count_documents({"kind": "person"}))


async def test_whom_a_roster_names_cannot_join_again_and_signs_in_as_the_member(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        manager = await manager_of(client)
        await bring(client, database, manager, pupils(2))
        before = await people(database)
        assert code_of(await join(client, email="S0+school@example.org")) == (409, "contact_known")
        signed = (await signed_in(client, database, ADDRESS)).json()
        member = next(one for one in await members_of(client, manager) if one["email"] == ADDRESS)
        assert (signed["participant_id"], signed["verified"]) == (member["participant_id"], True)
        assert await people(database) == before
        # From now on the member speaks for themselves: the group changes only what it says.
        name = {"name": "学生零", "department": "1班", "number": "0000", "email": "other@example.org"}
        path = f"/groups/school-1/members/{member['member_id']}"
        assert (await client.put(path, json=name, headers=manager)).json()["name"] == "学生零"
        joined = await events(database, "participant.joined")
        assert [one["version"] for one in joined if one["participant_id"] == member["participant_id"]] == [
            1,
            2,
        ]
        await remove(client, manager, member)
        assert (await me(client, signed["token"])).status_code == 200
        assert await events(database, "participant.erased") == []


async def test_who_takes_part_already_is_the_member_and_nobody_learns_who_it_is(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        manager = await manager_of(client)
        await join(client, email=ADDRESS)
        mine = (await signed_in(client, database, ADDRESS)).json()
        before = await people(database)
        assert (await bring(client, database, manager, pupils(2)))["added"] == 2
        assert await people(database) == before + 1
        [member] = [one for one in await members_of(client, manager) if one["email"] == ADDRESS]
        assert (member["name"], member["participant_id"]) == ("学生0", None)
        # The profile is theirs, and stays when the group has done with them.
        assert (await me(client, mine["token"])).json()["group_id"] is None
        await remove(client, manager, member)
        assert (await me(client, mine["token"])).status_code == 200
        # After their own erasure the address is free, and the member is a new participant.
        await client.delete("/participants/me", headers=bearer(mine["token"]))
        assert (await add(client, manager)).json()["participant_id"] is not None


async def test_an_unconfirmed_newcomer_whom_a_roster_names_stays_and_goes_with_the_member(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        manager = await manager_of(client)
        await join(client, email=ADDRESS)
        await bring(client, database, manager, pupils(1))
        leaving = Leaving(database, ParticipantStore(database), RegistrationStore(database), kept=timedelta())
        assert await leaving._pending("", 9) == []
        [member] = await members_of(client, manager)
        assert member["name"] == "学生0"
        await remove(client, manager, member)
        assert len(await leaving._pending("", 9)) == 1


async def test_lines_with_one_address_are_bad_and_so_is_the_address_of_another_member(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        twice = [*pupils(3), ["王芳", "2班", "9", "S1+home@example.org"]]
        preview = (await upload(client, manager, csv_of(twice))).json()
        assert [(one["line"], one["column"], one["code"]) for one in preview["faults"]] == [
            (3, "邮箱", "email_doubled"),
            (5, "邮箱", "email_doubled"),
        ]
        assert "5" in preview["faults"][0]["message"]
        await bring(client, database, manager, pupils(3))
        # A new line with the address of a member, and a member with the address of another one.
        other = [["王芳", "2班", "9", ADDRESS], [*pupils(2)[1][:3], "s2@example.org"]]
        preview = (await upload(client, manager, csv_of(other))).json()
        assert [(one["line"], one["code"]) for one in preview["faults"]] == [
            (2, "email_of_another"),
            (3, "email_of_another"),
        ]
        assert (preview["lines"], preview["bad_lines"], preview["added"], preview["changed"]) == (2, 2, 0, 0)
        assert code_of(await add(client, manager, name="王芳")) == (409, "member_email_known")
        [member] = [one for one in await members_of(client, manager) if one["email"] == ADDRESS]
        path = f"/groups/school-1/members/{member['member_id']}"
        moved = PUPIL | {"name": "学生", "email": "s2@example.org"}
        wrong = await client.put(path, json=moved, headers=manager)
        assert code_of(wrong) == (409, "member_email_known")


async def test_a_corrected_address_is_free_and_the_new_one_is_taken(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        await bring(client, database, manager, pupils(2))
        corrected = [[*pupils(1)[0][:3], "new@example.org"]]
        assert (await bring(client, database, manager, corrected))["changed"] == 1
        assert code_of(await join(client, email="new@example.org")) == (409, "contact_known")
        assert (await join(client, email=ADDRESS)).status_code == 201
        [member] = [one for one in await members_of(client, manager) if one["email"] == "new@example.org"]
        await remove(client, manager, member)
        assert (await join(client, email="new@example.org")).status_code == 201


async def test_of_two_bodies_with_one_member_neither_erases_the_others(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        first, second = await manager_of(client), await manager_of(client, "school-2")
        before = await people(database)
        mine = (await add(client, first)).json()
        assert (await add(client, second, "school-2", name="小学生")).status_code == 201
        assert await people(database) == before + 1
        await remove(client, first, mine)
        [left] = await members_of(client, second, "school-2")
        assert left["name"] == "小学生"
        assert await events(database, "participant.erased") == []


async def test_an_address_that_is_taken_between_preview_and_import_imports_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        preview = (await upload(client, manager, csv_of(pupils(3)))).json()
        await confirm(client, manager, preview)
        assert (await add(client, manager, name="王芳")).status_code == 201
        await import_all(roster_imports(database))
        ended = await read_import(client, manager, preview)
        assert (ended["status"], ended["code"]) == ("failed", "member_email_known")
        assert len(await members_of(client, manager)) == 1


async def test_of_an_import_and_newcomers_at_once_each_address_is_one_participant(mongo: str) -> None:
    async with service(mongo, copies=2, hold_minutes=30) as (clients, database):
        manager = await manager_of(clients[0])
        before = await people(database)
        preview = (await upload(clients[0], manager, csv_of(pupils(60)))).json()
        await confirm(clients[0], manager, preview)

        async def join_all() -> set[int]:
            answers = [
                clients[place % 2].post("/participants", json=newcomer(email=f"s{place}@example.org"))
                for place in range(60)
            ]
            return {one.status_code for one in await asyncio.gather(*answers)}

        statuses, _ = await asyncio.gather(join_all(), import_all(roster_imports(database)))
        assert statuses <= {201, 409}
        assert await people(database) == before + 60
        assert len(await members_of(clients[0], manager)) == 60


async def test_the_token_of_a_sign_in_says_whether_its_owner_is_a_member(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        manager = await manager_of(client)
        await bring(client, database, manager, pupils(1))
        now = datetime.now(UTC)
        verifier = TokenVerifier(TOKEN_PUBLIC_KEY)
        await join(client, email="alone@example.org")
        for address, on_roster in ((ADDRESS, True), ("alone@example.org", False)):
            token = (await signed_in(client, database, address)).json()["token"]
            assert verifier.verify(token, now).on_roster is on_roster
            changed = await client.patch("/me", json={"language": "en"}, headers=bearer(token))
            assert verifier.verify(changed.json()["token"], now).on_roster is on_roster


async def test_whoever_only_gives_the_address_of_a_member_is_no_member(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        manager = await manager_of(client)
        strange = (await join(client, email=ADDRESS)).json()["token"]
        await bring(client, database, manager, pupils(1))
        changed = await client.patch("/me", json={"language": "en"}, headers=bearer(strange))
        token = changed.json()["token"]
        assert not TokenVerifier(TOKEN_PUBLIC_KEY).verify(token, datetime.now(UTC)).on_roster

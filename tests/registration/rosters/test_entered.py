"""Whoever takes part already and is entered by a group is told: once, and only in the own inbox."""

import asyncio

import pytest

from tests.registration.builders import events, service
from tests.registration.claims.builders import claim, code_for, member, shown, somebody
from tests.registration.crashing import killed_in_the_middle
from tests.registration.merging.builders import merge
from tests.registration.rosters import import_process
from tests.registration.rosters.builders import (
    SCHOOL,
    confirm,
    csv_of,
    import_all,
    manager_of,
    members_of,
    pupils,
    roster_imports,
    upload,
)
from tests.registration.sign_ins.builders import join, signed_in
from tests.support.service import ORGANISER

pytestmark = pytest.mark.stack


async def test_who_takes_part_is_told_once_however_often_the_group_enters_them(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager, other = await manager_of(client), await manager_of(client, "school-2")
        who = await somebody(client, database, "s0@example.org")
        for _ in range(2):
            preview = (await upload(client, manager, csv_of(pupils(2)))).json()
            await confirm(client, manager, preview)
            await import_all(roster_imports(database))
        # Removed, and entered again, by a group with another name.
        [told] = await events(database, "participant.entered")
        assert told == {
            "participant_id": who["participant_id"],
            "group_id": "school-1",
            "group_name": SCHOOL["name"],
        }
        first = next(one for one in await members_of(client, manager) if one["name"] == "学生0")
        await client.delete(f"/groups/school-1/members/{first['member_id']}", headers=manager)
        renamed = SCHOOL | {"name": "第一中学"}
        await client.put("/groups/school-1", json=renamed, headers=ORGANISER)
        await member(client, manager, "学生0", email="s0@example.org")
        assert len(await events(database, "participant.entered")) == 1
        # Another group is another message.
        form = {"name": "学生0", "email": "s0@example.org"}
        assert (await client.post("/groups/school-2/members", json=form, headers=other)).status_code == 201
        groups = [one["group_id"] for one in await events(database, "participant.entered")]
        assert groups == ["school-1", "school-2"]


async def test_two_workers_and_a_killed_one_tell_once(mongo: str) -> None:
    lines = pupils(300)
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        known = [await somebody(client, database, f"s{one}@example.org") for one in (0, 1, 270)]
        preview = (await upload(client, manager, csv_of(lines))).json()
        await confirm(client, manager, preview)
        await killed_in_the_middle(import_process.import_lines, mongo, database.name, "school-1")
        await asyncio.gather(*(import_all(roster_imports(database)) for _ in range(2)))
        told = [one["participant_id"] for one in await events(database, "participant.entered")]
        assert sorted(told) == sorted(one["participant_id"] for one in known)


async def test_who_has_verified_nothing_is_told_after_the_verification_only(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        manager = await manager_of(client)
        # Perhaps a stranger, who has typed somebody else's address.
        assert (await join(client, email="li@example.org")).status_code == 201
        await member(client, manager, email="li@example.org")
        assert await events(database, "participant.entered") == []
        for _ in range(2):
            who = (await signed_in(client, database, "li@example.org")).json()
        [told] = await events(database, "participant.entered")
        assert told["participant_id"] == who["participant_id"]


async def test_a_merge_tells_who_stays_and_a_claim_tells_nobody(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        one, two = [await member(client, manager, name) for name in "甲乙"]
        claims, stays = [await somebody(client, database, f"{name}@example.org") for name in "ab"]
        await claim(client, await code_for(client, manager, one), claims["token"])
        assert await events(database, "participant.entered") == []
        goes = (await shown(client, manager, two))["participant_id"]
        assert (await merge(client, goes, stays["participant_id"])).status_code == 200
        [told] = await events(database, "participant.entered")
        assert told["participant_id"] == stays["participant_id"]

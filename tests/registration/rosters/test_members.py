"""One member at a time: entered, corrected, removed."""

from typing import Any

import httpx
import pytest

from tests.registration.builders import service
from tests.registration.rosters.builders import manager_of, members_of
from tests.support.service import code_of, in_outbox

pytestmark = pytest.mark.stack

PUPIL = {
    "name": "李明",
    "department": "1班",
    "email": "li@example.org",
    "audience": "youth",
    "is_minor": True,
}


async def add(client: httpx.AsyncClient, manager: dict[str, str], **changes: Any) -> httpx.Response:
    return await client.post("/groups/school-1/members", json=PUPIL | changes, headers=manager)


async def test_the_same_member_again_changes_nothing_and_with_other_details_is_refused(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        first = (await add(client, manager)).json()
        assert first.items() >= PUPIL.items()
        assert (await add(client, manager)).json() == first
        assert code_of(await add(client, manager, email=None)) == (409, "member_known")
        assert (await add(client, manager, number="2", email=None)).json()["member_id"] != first["member_id"]
        assert len(await members_of(client, manager)) == 2


async def test_a_member_is_corrected_but_not_into_another_one(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        first, second = (
            (await add(client, manager)).json(),
            (await add(client, manager, name="王芳", email=None)).json(),
        )
        path = f"/groups/school-1/members/{first['member_id']}"
        corrected = await client.put(path, json=PUPIL | {"name": "李鸣"}, headers=manager)
        assert (corrected.json()["member_id"], corrected.json()["name"]) == (first["member_id"], "李鸣")
        assert code_of(await client.put(path, json=PUPIL | {"name": "王芳"}, headers=manager)) == (
            409,
            "member_known",
        )
        nobody = await client.put("/groups/school-1/members/nobody", json=PUPIL, headers=manager)
        assert code_of(nobody) == (404, "member_unknown")
        names = {one["member_id"]: one["name"] for one in await members_of(client, manager)}
        assert names == {first["member_id"]: "李鸣", second["member_id"]: "王芳"}


async def test_a_removed_member_is_erased_everywhere(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        member = (await add(client, manager)).json()
        path = f"/groups/school-1/members/{member['member_id']}"
        for _ in range(2):
            assert (await client.delete(path, headers=manager)).status_code == 204
        assert await members_of(client, manager) == []
        assert await database["contact_keys"].find_one({"_id": member["participant_id"]}) is None
        stored = await database["participants"].find_one({"_id": member["participant_id"]})
        assert stored is not None
        assert stored["contact_locked"] is None
        [erased] = await in_outbox(database, "participant.erased")
        assert member["participant_id"] in erased

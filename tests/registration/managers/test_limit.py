"""How much the managers of a group change in an hour and in a day."""

import httpx
import pytest

from services.registration.managers.limit import GroupLimit
from services.registration.managers.rules import APPLICATIONS_HOUR_MAX, GROUP_CHANGES_MAX, IMPORTED_LINES_MAX
from services.registration.sign_ins.store import SignInStore
from shared.web.problems import NotHttp
from tests.registration.builders import KEYS, service
from tests.registration.rosters.builders import (
    SCHOOL,
    confirm,
    csv_of,
    manager_of,
    newcomer_with_token,
    pupils,
    upload,
)
from tests.support.kafka import fresh_database
from tests.support.service import code_of

pytestmark = pytest.mark.stack


async def test_a_group_has_so_many_changes_by_form_in_an_hour_and_others_have_theirs(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager, other = await manager_of(client), await manager_of(client, "school-2")
        limit = GroupLimit(SignInStore(database).count, KEYS.hash)
        for _ in range(GROUP_CHANGES_MAX - 1):
            await limit.check_change("school-1")
        members, form = "/groups/school-1/members", {"name": "李明"}
        added = await client.post(members, json=form, headers=manager)
        assert added.status_code == 201
        member = f"{members}/{added.json()['member_id']}"
        details = {"name": SCHOOL["name"], "district": SCHOOL["district"]}
        refused = [
            await client.post(members, json={"name": "王芳"}, headers=manager),
            await client.put(member, json=form, headers=manager),
            await client.delete(member, headers=manager),
            await client.put("/groups/school-1/details", json=details, headers=manager),
        ]
        assert {code_of(one) for one in refused} == {(429, "group_changes_too_many")}
        assert 0 < int(refused[0].headers["retry-after"]) <= 3_600
        theirs = await client.post("/groups/school-2/members", json=form, headers=other)
        assert theirs.status_code == 201


async def test_a_file_is_not_confirmed_that_has_too_many_lines_for_the_day(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        limit = GroupLimit(SignInStore(database).count, KEYS.hash)
        await limit.check_lines("school-1", IMPORTED_LINES_MAX - 3)
        large = (await upload(client, manager, csv_of(pupils(4)))).json()
        for _ in range(2):
            assert code_of(await confirm(client, manager, large)) == (429, "lines_too_many")
        fits = (await upload(client, manager, csv_of(pupils(3)))).json()
        # The second confirmation changes nothing, so it counts nothing.
        for _ in range(2):
            assert (await confirm(client, manager, fits)).status_code == 202


async def test_lines_that_were_refused_do_not_count(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = GroupLimit(SignInStore(database).count, KEYS.hash)
        await limit.check_lines("school-1", IMPORTED_LINES_MAX - 1)
        with pytest.raises(NotHttp):
            await limit.check_lines("school-1", 2)
        await limit.check_lines("school-1", 1)


async def test_an_open_application_changes_so_often_in_an_hour_and_others_may_apply(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        applicant, other = await newcomer_with_token(client), await newcomer_with_token(client)

        async def apply(who: dict[str, str], district: str) -> httpx.Response:
            form = {"name": "濮阳市第一中学", "kind": "school", "district": district}
            return await client.post("/groups", json=form, headers=who)

        for _ in range(APPLICATIONS_HOUR_MAX):
            changed = await apply(applicant, "华龙区")
            assert changed.status_code == 201
        refused = await apply(applicant, "濮阳县")
        assert code_of(refused) == (429, "application_changes_too_many")
        assert 0 < int(refused.headers["retry-after"]) <= 3_600
        read = f"/group-applications/{changed.json()['application_id']}"
        assert (await client.get(read, headers=applicant)).json() == changed.json()
        assert (await apply(other, "华龙区")).status_code == 201

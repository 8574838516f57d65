"""From a file to the roster: previewed, confirmed, imported once, whole, also when a worker is killed."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from services.registration.participants.store import ParticipantStore
from services.registration.rosters.rules import FAULTS_KEPT, PREVIEWS_MAX, TO_BE_IMPORTED, Member
from services.registration.rosters.store import RosterStore
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork
from tests.registration.builders import service
from tests.registration.crashing import Crash
from tests.registration.rosters.builders import (
    HEADING,
    confirm,
    csv_of,
    import_all,
    manager_of,
    members_of,
    pupils,
    read_import,
    roster_imports,
    upload,
    with_bad_lines,
    xlsx_of,
)
from tests.support.service import code_of, in_outbox

pytestmark = pytest.mark.stack

PUPILS = 1_200
BAD = 17


class DyingRoster(RosterStore):
    """The process dies where the members have been written and the transaction is not finished."""

    async def add(self, unit: UnitOfWork, members: Sequence[Member]) -> None:
        await super().add(unit, members)
        raise Crash


async def test_a_roster_with_bad_lines_names_them_and_its_correction_imports_the_rest_once(
    mongo: str,
) -> None:
    lines = pupils(PUPILS)
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        preview = (await upload(client, manager, csv_of(with_bad_lines(lines, BAD)))).json()
        assert (preview["lines"], preview["bad_lines"], preview["added"]) == (PUPILS, BAD, PUPILS - BAD)
        assert [fault["line"] for fault in preview["faults"]] == [4 + 70 * place for place in range(BAD)]
        assert {fault["column"] for fault in preview["faults"]} == {"邮箱"}
        # Nothing is imported while lines are bad, and nothing by a worker that looks for work.
        assert code_of(await confirm(client, manager, preview)) == (409, "import_has_bad_lines")
        assert await import_all(roster_imports(database)) == 0
        assert await members_of(client, manager) == []

        confirmed = await confirm(client, manager, preview, skip_bad_lines=True)
        assert (confirmed.status_code, confirmed.json()["status"]) == (202, "confirmed")
        with pytest.raises(Crash):
            await roster_imports(database, DyingRoster(database)).go_on("school-1")
        assert await members_of(client, manager) == []
        assert await database["participants"].count_documents({"group_id": "school-1"}) == 0
        await imported(database)
        assert (await read_import(client, manager, preview))["status"] == "imported"
        assert len(await members_of(client, manager)) == PUPILS - BAD

        corrected = (await upload(client, manager, xlsx_of(list(lines)))).json()
        assert (corrected["added"], corrected["changed"], corrected["unchanged"]) == (BAD, 0, PUPILS - BAD)
        await confirm(client, manager, corrected)
        await imported(database)
        await imported(database)
        members = await members_of(client, manager)
        assert sorted(member["number"] for member in members) == [line[2] for line in lines]
        joined = await in_outbox(database, "participant.joined")
        of_members = {member["participant_id"] for member in members}
        assert sum(json.loads(one)["participant_id"] in of_members for one in joined) == PUPILS


async def imported(database: Database) -> None:
    """A worker does what is confirmed."""
    imports = roster_imports(database)
    while await database["roster_imports"].find_one({"status": {"$in": TO_BE_IMPORTED}}):
        await imports.loop._turn()


async def test_a_second_confirmation_and_two_workers_import_once(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        preview = (await upload(client, manager, csv_of(pupils(3)))).json()
        await confirm(client, manager, preview)
        assert (await confirm(client, manager, preview)).json()["status"] == "confirmed"
        await asyncio.gather(*[import_all(roster_imports(database)) for _ in range(2)])
        assert (await confirm(client, manager, preview)).json()["status"] == "imported"
        assert len(await members_of(client, manager)) == 3
        assert await database["roster_import_lines"].count_documents({}) == 0


async def test_changed_details_change_the_member_and_its_profile(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        for lines in (pupils(2), [[*pupils(1)[0][:3], "new@example.org"], pupils(2)[1]]):
            preview = (await upload(client, manager, csv_of(lines))).json()
            await confirm(client, manager, preview)
            await imported(database)
        assert (preview["added"], preview["changed"], preview["unchanged"]) == (0, 1, 1)
        first, second = sorted(await members_of(client, manager), key=lambda member: str(member["number"]))
        assert (first["email"], second["email"]) == ("new@example.org", "s1@example.org")
        joined = [json.loads(one) for one in await in_outbox(database, "participant.joined")]
        versions = [one["version"] for one in joined if one["participant_id"] == first["participant_id"]]
        assert versions == [1, 2]


async def test_nothing_in_the_database_shows_a_name(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        preview = (await upload(client, manager, csv_of(pupils(2)))).json()
        await confirm(client, manager, preview)
        await nothing_readable(database)
        await imported(database)
        await nothing_readable(database)


async def nothing_readable(database: Database) -> None:
    for collection in await database.list_collection_names():
        async for document in database[collection].find({}):
            assert "学生" not in str(document)
            assert "s0@example.org" not in str(document)


async def test_only_so_many_previews_wait(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        for _ in range(PREVIEWS_MAX):
            assert (await upload(client, manager, csv_of(pupils(1)))).status_code == 201
        assert code_of(await upload(client, manager, csv_of(pupils(1)))) == (409, "previews_too_many")
        # Nobody reads a file that cannot be kept.
        assert code_of(await upload(client, manager, b"PK\x03\x04")) == (409, "previews_too_many")


async def test_an_answer_names_no_more_bad_cells_than_a_page_has(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        heading = ["姓名", "班级", "编号", "邮箱", "人群", "未成年"]
        bad = [["x" * 101, "y" * 70, "z" * 40, "nobody", "qq", "qq"] for _ in range(400)]
        answer = await upload(client, manager, csv_of([*bad, ["王芳"]], heading))
        preview = answer.json()
        assert (preview["bad_lines"], preview["faults_count"]) == (400, 2_400)
        assert [one["line"] for one in preview["faults"]] == sorted([*range(2, 18)] * 6 + [18] * 4)
        assert len(answer.content) < 65_536
        [stored] = await database["roster_imports"].find({}).to_list(None)
        assert len(stored["faults"]) == FAULTS_KEPT


async def test_messages_are_in_the_language_of_the_reader(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        preview = (await upload(client, manager, csv_of([["", "", "", ""], ["", "1班", "", ""]]))).json()
        [fault] = preview["faults"]
        assert (fault["line"], fault["column"], fault["message"]) == (3, "姓名", "is required")
        chinese = await read_import(client, manager | {"Accept-Language": "zh-CN"}, preview)
        assert chinese["faults"][0]["message"] == "必须填写"
        assert code_of(await confirm(client, manager, preview, skip_bad_lines=True)) == (409, "import_empty")


async def test_a_file_that_cannot_be_read_or_is_too_large_is_refused(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        assert code_of(await upload(client, manager, b"PK\x03\x04")) == (422, "roster_unreadable")
        assert code_of(await upload(client, manager, b"n" * 2_097_153)) == (413, "too_large")


async def test_a_body_that_is_gone_fails_its_import_and_stops_nobody(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        preview = (await upload(client, manager, csv_of(pupils(1)))).json()
        await confirm(client, manager, preview)
        # Backups have no keys: this is a database that was restored.
        await database["contact_keys"].delete_one({"_id": "school-1"})
        await imported(database)
        found = await read_import(client, manager, preview)
        assert (found["status"], found["code"]) == ("failed", "group_unknown")


async def test_one_bodys_manager_sees_nothing_of_another_body(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager, other = await manager_of(client), await manager_of(client, "school-2")
        preview = (await upload(client, manager, csv_of(pupils(1), HEADING))).json()
        for path in ("members", f"roster-imports/{preview['import_id']}"):
            answer = await client.get(f"/groups/school-1/{path}", headers=other)
            assert code_of(answer) == (403, "not_manager")
        assert code_of(await upload(client, other, csv_of(pupils(1)))) == (403, "not_manager")
        assert code_of(await confirm(client, other, preview)) == (403, "not_manager")
        elsewhere = preview | {"group_id": "school-2"}
        assert code_of(await confirm(client, other, elsewhere)) == (404, "import_unknown")
        assert await ParticipantStore(database).read_key("school-1") is not None

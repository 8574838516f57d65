"""A file is imported in slices: groups take turns, a kill repeats nothing, a slice is few statements."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandListener

from services.registration.rosters.preview import PIECE_LINES
from services.registration.rosters.rules import MEMBERS_MAX
from services.registration.rosters.store import RosterStore
from shared.storage.mongo import Database, Document
from shared.storage.unit_of_work import UnitOfWork
from tests.registration.builders import events, service
from tests.registration.crashing import end_transactions, killed_in_the_middle
from tests.registration.rosters import import_process
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
from tests.support.slowness import slowness

pytestmark = pytest.mark.stack

ALL = ("added", "changed", "unchanged", "bad_lines")


async def confirmed(
    client: httpx.AsyncClient, manager: dict[str, str], lines: list[list[str]], group_id: str = "school-1"
) -> dict[str, Any]:
    """A file that waits for a worker."""
    preview: dict[str, Any] = (await upload(client, manager, csv_of(lines), group_id)).json()
    assert (await confirm(client, manager, preview)).status_code == 202
    return preview


async def test_a_worker_killed_between_slices_leaves_whole_slices_and_the_next_one_goes_on(
    mongo: str,
) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        lines = pupils(2 * PIECE_LINES + 7)
        preview = await confirmed(client, manager, lines)
        assert await roster_imports(database).go_on("school-1")
        await killed_in_the_middle(import_process.import_lines, mongo, database.name, "school-1")
        await end_transactions(database)
        seen = await read_import(client, manager, preview)
        assert (seen["status"], seen["added"], seen["expires_at"]) == ("importing", PIECE_LINES, None)
        assert len(await members_of(client, manager)) == PIECE_LINES
        assert await import_all(roster_imports(database)) == 2
        ended = await read_import(client, manager, preview)
        assert (ended["status"], sum(ended[name] for name in ALL)) == ("imported", len(lines))
        members = await members_of(client, manager)
        assert sorted(member["number"] for member in members) == [line[2] for line in lines]
        joined = [one["participant_id"] for one in await events(database, "participant.joined")]
        of_members = {member["participant_id"] for member in members}
        assert sorted(one for one in joined if one in of_members) == sorted(of_members)


async def test_groups_take_turns_and_one_that_is_held_keeps_no_other_waiting(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        first, second = await manager_of(client), await manager_of(client, "school-2")
        of_first = [await confirmed(client, first, pupils(PIECE_LINES + 1)) for _ in range(2)]
        other = await confirmed(client, second, [["王芳", "2班", "9", ""]], "school-2")
        worker = roster_imports(database).loop
        assert await worker._turn() == 0
        assert (await read_import(client, second, other))["status"] == "imported"
        assert {(await read_import(client, first, one))["status"] for one in of_first} == {
            "importing",
            "confirmed",
        }
        # Somebody holds the first group, as a killed worker does until the server ends its transaction.
        other = await confirmed(client, second, [["王芳", "2班", "8", ""]], "school-2")
        async with await database.client.start_session() as session, session.start_transaction():
            these: Document = {"_id": "school-1"}
            await database["participants"].update_one(these, {"$inc": {"locks": 1}}, session=session)
            began = time.monotonic()
            await worker._turn()
            assert (await read_import(client, second, other))["status"] == "imported"
            assert time.monotonic() - began < 2 * slowness()
            assert await worker.check() is None
        await import_all(roster_imports(database))
        assert [(await read_import(client, first, one))["status"] for one in of_first] == ["imported"] * 2


async def test_what_becomes_wrong_in_the_middle_is_left_out_and_named(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        lines = pupils(PIECE_LINES + 3)
        preview = await confirmed(client, manager, lines)
        assert await roster_imports(database).go_on("school-1")
        member = {"name": "王芳", "email": lines[-1][3]}
        added = await client.post("/groups/school-1/members", json=member, headers=manager)
        assert added.status_code == 201
        await import_all(roster_imports(database))
        ended = await read_import(client, manager, preview)
        assert (ended["status"], ended["added"], ended["bad_lines"]) == ("imported", PIECE_LINES + 2, 1)
        assert [(one["line"], one["column"], one["code"]) for one in ended["faults"]] == [
            (len(lines) + 1, "邮箱", "email_of_another")
        ]


class FillingRoster(RosterStore):
    """Has room when an import begins, and soon only for two more members."""

    counted = 0

    async def count(self, group_id: str, unit: UnitOfWork | None = None) -> int:
        self.counted += 1
        return 0 if self.counted == 1 else MEMBERS_MAX - 2


async def test_for_whom_a_roster_has_no_room_any_more_is_named(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        preview = await confirmed(client, manager, pupils(5))
        await import_all(roster_imports(database, FillingRoster(database)))
        ended = await read_import(client, manager, preview)
        assert (ended["status"], ended["added"], ended["bad_lines"]) == ("imported", 2, 3)
        assert [(one["line"], one["code"]) for one in ended["faults"]] == [
            (line, "no_room") for line in (4, 5, 6)
        ]
        assert str(MEMBERS_MAX) in ended["faults"][0]["message"]


class Counting(CommandListener):
    """Counts the requests that the driver sends."""

    sent = 0

    def started(self, event: Any) -> None:
        self.sent += 1

    def succeeded(self, event: Any) -> None:
        pass

    def failed(self, event: Any) -> None:
        pass


async def test_a_slice_is_as_many_statements_whatever_its_lines_are(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        # The driver reads more than 101 documents in two requests.
        few, many = 120, PIECE_LINES
        await confirmed(client, manager, pupils(many))
        await import_all(roster_imports(database))
        sent: list[int] = []
        for number in (few, many):
            counting = Counting()
            watched: Database = AsyncIOMotorClient(mongo, event_listeners=[counting], tz_aware=True)[
                database.name
            ]
            # Everybody gets another address, so the old ones are freed.
            lines = [[*line[:3], f"new{number}-{line[3]}"] for line in pupils(number)]
            preview = await confirmed(client, manager, lines)
            assert preview["changed"] == number
            await roster_imports(watched).go_on("school-1")
            watched.client.close()
            assert (await read_import(client, manager, preview))["status"] == "imported"
            sent.append(counting.sent)
        assert sent[0] == sent[1] < 50
        assert await database["contacts"].count_documents({}) == many + 1


async def test_of_one_group_one_file_is_read_at_a_time_and_others_have_their_turn(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        first, second = await manager_of(client), await manager_of(client, "school-2")
        files = [asyncio.create_task(upload(client, first, csv_of(pupils(3_000)))) for _ in range(8)]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        assert (await upload(client, second, csv_of(pupils(1)), "school-2")).status_code == 201
        assert time.monotonic() - began < 5
        answers = [(await one) for one in files]
        assert sum(one.status_code == 201 for one in answers) < 3
        assert {one.json()["code"] for one in answers if one.status_code != 201} == {"roster_busy"}

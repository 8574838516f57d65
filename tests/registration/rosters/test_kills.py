"""A worker is killed in the middle of an import: nothing is half there, and another one does it."""

from typing import Any

import pytest

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
    with_bad_lines,
)

pytestmark = pytest.mark.stack

PUPILS = 1_200
BAD = 17


async def test_a_worker_killed_in_an_import_leaves_nothing_and_the_next_one_imports_once(mongo: str) -> None:
    lines = pupils(PUPILS)
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        others = await database["participants"].count_documents({})
        preview = (await upload(client, manager, csv_of(with_bad_lines(lines, BAD)))).json()
        assert (preview["bad_lines"], len(preview["faults"])) == (BAD, BAD)
        await confirm(client, manager, preview, skip_bad_lines=True)
        for _ in range(2):
            await killed_in_the_middle(import_process.import_lines, mongo, database.name, "school-1")
            assert await members_of(client, manager) == []
            assert await database["participants"].count_documents({}) == others
            assert (await read_import(client, manager, preview))["status"] == "confirmed"
            await end_transactions(database)
        await import_all(roster_imports(database))
        assert (await read_import(client, manager, preview))["status"] == "imported"
        corrected: dict[str, Any] = (await upload(client, manager, csv_of(lines))).json()
        assert (corrected["added"], corrected["unchanged"]) == (BAD, PUPILS - BAD)
        await confirm(client, manager, corrected)
        await killed_in_the_middle(import_process.import_lines, mongo, database.name, "school-1")
        # The killed worker's transaction is still open. The next worker waits until the server ends it.
        await import_all(roster_imports(database))
        members = await members_of(client, manager)
        assert sorted(member["number"] for member in members) == [line[2] for line in lines]
        of_members = {member["participant_id"] for member in members}
        joined = [one["participant_id"] for one in await events(database, "participant.joined")]
        assert sorted(one for one in joined if one in of_members) == sorted(of_members)
        # Each member has one address, and each address one participant.
        assert await database["contacts"].count_documents({}) == PUPILS + 1

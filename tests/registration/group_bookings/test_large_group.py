"""A whole school comes: as many attendees as a registration may have, and everything downstream of it."""

import json
from typing import Any

import httpx
import pytest

from ops.door.verifier import keys_of, read_list, read_ticket
from shared.contracts.events import (
    GROUP_PLACES_MAX,
    PLACES_MAX,
    RegistrationCheckedIn,
    RegistrationConfirmed,
)
from shared.storage.mongo import Database
from tests.registration.builders import activity, check_in, events, put, seats, service, soon
from tests.registration.group_bookings.test_group_bookings import Headers, attend, book
from tests.registration.rosters.builders import (
    confirm,
    csv_of,
    import_all,
    manager_of,
    members_of,
    pupils,
    roster_imports,
    upload,
)
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack


async def school(client: httpx.AsyncClient, database: Database, number: int) -> tuple[Headers, list[str]]:
    """A manager, and the ids of so many minors, whose guardians have agreed."""
    manager = await manager_of(client)
    lines = [[*line[:3], "是"] for line in pupils(number)]
    preview = (await upload(client, manager, csv_of(lines, ["姓名", "班级", "学号", "未成年"]))).json()
    await confirm(client, manager, preview)
    await import_all(roster_imports(database))
    ids = [one["member_id"] for one in await members_of(client, manager)]
    given = [{"_id": id_, "group_id": "school-1", "link_hash": id_, "status": "given"} for id_ in ids]
    await database["consents"].insert_many(given)
    return manager, ids


async def test_a_group_of_500_is_booked_changed_scanned_and_exported(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager, all_ = await school(client, database, GROUP_PLACES_MAX + 1)
        hall = activity("one", capacity=GROUP_PLACES_MAX + 20, minors_need_consent=True, **soon())
        await put(client, "hall", hall)
        assert code_of(await book(client, manager, all_)) == (422, "invalid")
        booked = (await book(client, manager, all_[:-1])).json()
        assert booked["status"] == "confirmed"
        [event] = await events_of(database, "registration.confirmed", "school-1")
        read = RegistrationConfirmed.model_validate_json(json.dumps(event))
        assert (read.places, read.all_places, read.places_in_all) == (PLACES_MAX, 500, GROUP_PLACES_MAX)
        [shown] = (await client.get("/groups/school-1/bookings", headers=manager)).json()["registrations"]
        assert (shown["places"], shown["member_ids"]) == (GROUP_PLACES_MAX, all_[:-1])
        # One leaves the school, and another one comes instead.
        await client.delete(f"/groups/school-1/members/{all_[0]}", headers=manager)
        assert code_of(await attend(client, manager, booked, all_[:-1])) == (404, "member_unknown")
        assert (await attend(client, manager, booked, all_[1:-1])).json()["places"] == GROUP_PLACES_MAX - 1
        assert (await attend(client, manager, booked, all_[1:])).json()["places"] == GROUP_PLACES_MAX
        assert await seats(client, "hall") == (20, 0)
        await at_the_door(client, database, manager, booked)


async def events_of(database: Database, topic: str, participant_id: str) -> list[dict[str, Any]]:
    return [one for one in await events(database, topic) if one["participant_id"] == participant_id]


async def at_the_door(
    client: httpx.AsyncClient, database: Database, manager: Headers, booked: dict[str, Any]
) -> None:
    path = f"/groups/school-1/bookings/{booked['registration_id']}/ticket"
    ticket = (await client.get(path, headers=manager)).json()
    keys = keys_of((await client.get("/tickets/keys")).json())
    said = read_ticket(ticket["ticket"], keys)
    assert said is not None
    assert said.places == GROUP_PLACES_MAX
    assert (await client.get(f"{path}.pdf", headers=manager)).content.startswith(b"%PDF")
    for people, inside in ((70, 70), (GROUP_PLACES_MAX - 71, GROUP_PLACES_MAX - 1)):
        verdict = (await check_in(client, ticket["ticket"], people=people)).json()
        assert (verdict["verdict"], verdict["people_in"]) == ("ok", inside)
    assert (await check_in(client, ticket["ticket"], people=2)).json()["verdict"] == "too_many"
    [event] = await events_of(database, "registration.checked_in", "school-1")
    came = RegistrationCheckedIn.model_validate_json(json.dumps(event))
    assert (came.people, came.all_people) == (PLACES_MAX, 70)
    page = (await client.get("/sessions/one/door-list", headers=ORGANISER)).json()
    entry = read_list([page], keys).entries[booked["registration_id"]]
    assert (entry.places, entry.people_in) == (GROUP_PLACES_MAX, GROUP_PLACES_MAX - 1)
    export = await client.get("/sessions/one/registrations/export", headers=ORGANISER)
    assert f",{GROUP_PLACES_MAX}," in export.text

"""No request scans a collection or sorts in memory, by the server's own account of what it did."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.registration.announcing.store import AnnouncementStore
from services.registration.merging.store import MergeStore
from services.registration.reminders.store import ReminderStore
from services.registration.rosters.store import ImportStore
from services.registration.rotas.store import RotaStore
from services.registration.sessions.store import SessionStore
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.registration.builders import (
    activity,
    announcements,
    ask,
    cancel,
    check_in,
    erase_whole,
    newcomer,
    notices,
    own,
    put,
    reminding,
    service,
    soon,
)
from tests.registration.claims import builders as claims
from tests.registration.claims.leaving import all_taken_off, leave
from tests.registration.consents.test_consents import link
from tests.registration.group_bookings.test_group_bookings import book
from tests.registration.merging.builders import all_moved, merge
from tests.registration.rosters.builders import (
    confirm,
    csv_of,
    import_all,
    manager_of,
    pupils,
    roster_imports,
    upload,
)
from tests.registration.rotas import builders as rotas
from tests.support.service import ORGANISER, bearer, in_outbox

pytestmark = pytest.mark.stack

SCHOOL = {"name": "一中", "kind": "school", "district": "华龙区"}


async def _at_the_door(client: httpx.AsyncClient, ticket: str) -> None:
    sent_at = datetime.now(UTC).isoformat()
    queued = {"scan_id": "second", "ticket": ticket, "scanned_at": sent_at, "let_in": True}
    doors = {"device": "door-2", "sent_at": sent_at, "scans": [queued]}
    assert (await client.post("/sessions/one/scans", json=doors, headers=ORGANISER)).is_success
    for conflict in ("false", "true"):
        of = {"limit": "1", "conflict": conflict}
        scans = (await client.get("/sessions/one/scans", params=of, headers=ORGANISER)).json()
        await client.get("/sessions/one/scans", params=of | {"after": scans["after"]}, headers=ORGANISER)
    await client.get("/sessions/one/door-list", headers=ORGANISER)


async def _read_as_an_organiser(client: httpx.AsyncClient, registered: dict[str, Any]) -> None:
    path = "/sessions/one/registrations"
    for sort in ("asked", "-asked", "status", "-status"):
        for status in ({}, {"status": "confirmed"}):
            page: dict[str, Any] = {"limit": 1, "sort": sort, **status}
            page["after"] = (await client.get(path, params=page, headers=ORGANISER)).json()["after"]
            await client.get(path, params=page, headers=ORGANISER)
    for name in ("registration_id", "participant_id"):
        await client.get(path, params={name: registered[name]}, headers=ORGANISER)
    message = {"subject": "…", "body": "…", "to": "all"}
    for number in range(2):
        key = {"Idempotency-Key": f"0123456789abcdef{number}"}
        await client.post("/sessions/one/messages", json=message, headers=ORGANISER | key)
    page = {"limit": 1}
    listed = (await client.get("/sessions/one/messages", params=page, headers=ORGANISER)).json()
    await client.get("/sessions/one/messages", params=page | {"after": listed["after"]}, headers=ORGANISER)
    search = {"ticket_code": "7K3QX-M0R9T"}
    await client.post("/registrations/search", json=search, headers=ORGANISER)
    for query in ("", "?who=owner", "?since=2026-01-01T00:00:00Z"):
        acts = (await client.get(f"/acts{query}", params={"limit": 1}, headers=ORGANISER)).json()
        await client.get("/acts", params={"after": acts["after"]}, headers=ORGANISER)


async def _bodies(client: httpx.AsyncClient, database: Database) -> None:
    """What managers and their organisers ask for."""
    manager = await manager_of(client)
    preview = (await upload(client, manager, csv_of(pupils(3)))).json()
    await confirm(client, manager, preview)
    assert await ImportStore(database).groups("", 9) == ["school-1"]
    assert await import_all(roster_imports(database)) == 1
    await upload(client, manager, csv_of(pupils(4)))
    page = (await client.get("/groups/school-1/members", params={"limit": 1}, headers=manager)).json()
    await client.get("/groups/school-1/members", params={"after": page["after"]}, headers=manager)
    path = f"/groups/school-1/members/{page['members'][0]['member_id']}"
    await client.put(path, json={"name": "李"}, headers=manager)
    await client.delete(path, headers=manager)
    await client.get("/me/groups", headers=manager)
    form = {"name": "二中", "kind": "school", "district": "华龙区"}
    await client.post("/groups", json=form, headers=manager)
    for path in ("/group-applications", "/groups/school-1/managers"):
        await client.get(path, headers=ORGANISER)


async def _who_leaves(client: httpx.AsyncClient, database: Database, manager: dict[str, str]) -> None:
    id_ = await claims.member(client, manager, "张三")
    who = (await claims.claim(client, await claims.code_for(client, manager, id_))).json()
    await put(client, "field", activity("field", capacity=9))
    assert (await book(client, manager, [id_], session_id="field")).status_code == 201
    for _ in range(2):
        assert (await leave(client, who, id_)).status_code == 204
    await all_taken_off(database)
    form = {"name": "张三"}
    assert (await client.post("/groups/school-1/members", json=form, headers=manager)).status_code == 409
    await client.get("/groups/school-1/members", params={"limit": 1}, headers=manager)
    code = await claims.code_for(client, manager, id_)
    assert (await claims.claim(client, code, who["token"])).status_code == 200
    assert (await leave(client, who, id_)).status_code == 204
    await erase_whole(client, database, who)


async def _members(client: httpx.AsyncClient, database: Database) -> None:
    """What guardians ask for, and members who claim."""
    manager = await manager_of(client)
    await put(client, "hall", activity("hall", capacity=9, admits="roster", minors_need_consent=True))
    minor = await claims.member(client, manager, "李小明", is_minor=True)
    await client.get(f"/consents/{(await link(client, manager, minor))['consent_code']}")
    adult = await claims.member(client, manager, "王老师")
    for _ in range(2):
        code = await claims.code_for(client, manager, adult)
    token = (await claims.claim(client, code)).json()["token"]
    assert (await ask(client, "hall", token=token)).status_code == 201
    assert (await book(client, manager, [adult], session_id="hall")).status_code == 201
    for path in ("/me/memberships", "/me/attendances", "/me/attendances?limit=1"):
        assert (await client.get(path, headers=bearer(token))).is_success
    await _who_leaves(client, database, manager)


async def _on_rotas(client: httpx.AsyncClient, database: Database) -> None:
    """What volunteers and organisers of rotas ask for, and what a worker does."""
    await rotas.session(client, "shifts-day", **rotas.times(100))
    for shift_id in ("guide", "door"):
        assert (await rotas.put_shift(client, shift_id, "shifts-day", **rotas.times(100))).is_success
    people = [await rotas.person(client, database) for _ in range(3)]
    for one in people:
        await rotas.volunteer(client, one, "guide", "shifts-day")
    await rotas.assign(client, people[0]["participant_id"], "guide", "shifts-day")
    await rotas.volunteer(client, people[1], "door", "shifts-day")
    for path, key in (
        ("/sessions/shifts-day/rota", ORGANISER),
        ("/sessions/shifts-day/rota?shift_id=guide", ORGANISER),
        ("/sessions/shifts-day/rota?status=assigned", ORGANISER),
        ("/shifts/lacking", ORGANISER),
        ("/me/shifts", bearer(people[1]["token"])),
    ):
        page = (await client.get(path, params={"limit": 1}, headers=key)).json()
        if page["after"]:
            await client.get(path, params={"after": page["after"]}, headers=key)
    await rotas.session(client, "shifts-day", venue="馆", **rotas.times(100))
    assert await RotaStore(database).untold("", 9) == ["shifts-day"]
    await rotas.all_told(rotas.rota_notices(database), "shifts-day")
    begins = {"told_starts_at": datetime.now(UTC)}
    await database["assignments"].update_many({"session_id": "shifts-day"}, {"$set": begins})
    [due] = await rotas.due(database)
    await rotas.rota_reminding(database).remind(due)
    await client.delete("/sessions/shifts-day/shifts/door", headers=ORGANISER)
    assert await rotas.ending(database).erase(people[2]["participant_id"], 9)


async def _doubles(client: httpx.AsyncClient, database: Database, goes: str, stays: str) -> None:
    """What an organiser asks for, and what a worker does."""
    assert (await merge(client, goes, stays)).status_code == 200
    assert await MergeStore(database).unfinished("", 9) == [goes]
    await all_moved(database)


async def test_no_request_scans_or_sorts(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await database.command({"profile": 2})
        await client.put("/groups/school-1", json=SCHOOL, headers=ORGANISER)
        await put(client, "street", activity("one", capacity=2, waiting_max=9, **soon()))
        first = (await ask(client, "one", participant=newcomer(group_id="school-1"))).json()
        people = [(await ask(client, "one")).json() for _ in range(4)]
        await ask(client, "one", token=first["token"])
        await put(client, "street", activity("one", capacity=4, waiting_max=9, **soon()))
        cut = await put(client, "street", activity("one", capacity=3, waiting_max=9, **soon()))
        assert cut.json()["code"] == "capacity_below_taken"
        for path in ("/activities", "/groups", "/activities/street", "/groups/school-1"):
            page = {"limit": 1} if path.count("/") == 1 else {}
            answer = (await client.get(path, params=page)).json()
            if answer.get("after"):
                await client.get(path, params=page | {"after": answer["after"]})
        own_page = await client.get("/registrations", params={"limit": 1}, headers=bearer(first["token"]))
        after = own_page.json()["after"]
        await client.get("/registrations", params={"after": after}, headers=bearer(first["token"]))
        await own(client, people[3])
        await _read_as_an_organiser(client, people[3])
        await check_in(client, first["ticket_code"], device="door-1", scan_id="first")
        await _at_the_door(client, first["ticket_code"])
        path = f"/registrations/{first['registration_id']}/ticket"
        await client.get(path, headers=bearer(first["token"]))
        await cancel(client, people[0])
        await erase_whole(client, database, people[1])
        await put(client, "street", activity("one", capacity=4, waiting_max=9, venue="馆", **soon()))
        assert await SessionStore(database).untold("", 9) == ["one"]
        assert await SessionStore(database).owing("", 9) == []
        await notices(database).notify("one")
        for id_ in await AnnouncementStore(database).unfinished("", 9):
            await announcements(database).tell(id_, limit=1)
        await _bodies(client, database)
        await _members(client, database)
        await _on_rotas(client, database)
        await _doubles(client, database, people[2]["participant_id"], people[3]["participant_id"])
        past = {"due_at": datetime.now(UTC) - timedelta(minutes=1)}
        await database["reminders"].update_one({"_id": "one"}, {"$set": past})
        assert await ReminderStore(database).due(clock.now(), "", 9) == ["one"]
        assert await reminding(database).remind("one") == 1
        await database.command({"profile": 0})
        assert await in_outbox(database, "registration.moved")
        done = await database["system.profile"].find({"ns": {"$ne": f"{database.name}.outbox"}}).to_list(None)
        assert len(done) > 50
        bad: list[dict[str, Any]] = [
            one["command"]
            for one in done
            if one.get("planSummary", "").startswith("COLLSCAN") or one.get("hasSortStage")
        ]
        assert not bad, json.dumps(bad, default=str)
        counted = [one for one in done if one["command"].get("aggregate") == "registrations"]
        assert all(one["docsExamined"] == 0 for one in counted)

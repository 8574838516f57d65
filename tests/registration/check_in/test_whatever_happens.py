"""Whatever happens at doors, in any order: registrations, scans and events agree."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.storage.mongo import Database
from tests.registration.builders import activity, ask, cancel, check_in, now_on, own, put, service
from tests.support.service import ORGANISER, in_outbox

pytestmark = pytest.mark.stack

STEPS = 40


class Doors:
    """Two tickets, some doors and a person who changes their mind."""

    def __init__(self, client: httpx.AsyncClient, holders: list[dict[str, Any]], seed: int) -> None:
        self._client = client
        self._holders = holders
        self._codes = [holder["ticket_code"] for holder in holders]
        self._chance = random.Random(seed)  # noqa: S311 (no secret)
        self._scans: list[tuple[str, str]] = []

    async def step(self, number: int) -> None:
        which = self._chance.randrange(len(self._holders))
        device, people = f"door-{self._chance.randrange(3)}", self._chance.choice([None, 1, 2, 3])
        match self._chance.choice(["show", "show", "send", "send", "undo", "leave"]):
            case "show":
                await check_in(
                    self._client, self._codes[which], people=people, device=device, scan_id=f"s-{number}"
                )
                self._scans.append((device, f"s-{number}"))
            case "send":
                now = datetime.now(UTC)
                at = now - timedelta(minutes=self._chance.randrange(30))
                scan = {
                    "scan_id": f"s-{number}",
                    "ticket": self._codes[which],
                    "people": people,
                    "scanned_at": at.isoformat(),
                    "let_in": self._chance.random() < 0.7,
                }
                body = {"device": device, "sent_at": now.isoformat(), "scans": [scan]}
                answer = await self._client.post("/sessions/one/scans", json=body, headers=ORGANISER)
                assert answer.is_success
                self._scans.append((device, f"s-{number}"))
            case "undo" if self._scans:
                device, scan_id = self._chance.choice(self._scans)
                body = {"device": device, "scan_id": scan_id}
                await self._client.post("/check-ins/undo", json=body, headers=ORGANISER)
            case "leave":
                holder = self._holders[which]
                if (await cancel(self._client, holder)).is_success:
                    await ask(self._client, "one", token=holder["token"], places=self._chance.randint(1, 4))
                    self._codes[which] = (await own(self._client, holder))["ticket_code"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_registrations_scans_and_events_agree_whatever_happens(mongo: str, seed: int) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=60, **now_on()))
        holders = [(await ask(client, "one", places=3)).json() for _ in range(2)]
        doors = Doors(client, holders, seed)
        for number in range(STEPS):
            await doors.step(number)
            await assert_agreed(database)


async def assert_agreed(database: Database) -> None:
    stored = await database["registrations"].find({}).to_list(None)
    scans = await database["scans"].find({}).to_list(None)
    events: dict[str, list[tuple[int, str]]] = {}
    for topic in ("confirmed", "cancelled", "checked_in", "check_in_undone"):
        for event in map(json.loads, await in_outbox(database, f"registration.{topic}")):
            events.setdefault(event["registration_id"], []).append((event["version"], topic))
    for one in stored:
        mine = [scan for scan in scans if scan["registration_id"] == one["_id"]]
        people = sum(scan["people"] for scan in mine if scan["round"] == one["round"])
        assert sum(scan["people"] for scan in mine) == people == one["people_in"] <= one["places"]
        assert (people > 0) == (one["status"] == "checked_in")
        told_of = sorted(events[one["_id"]])
        assert [version for version, _ in told_of] == list(range(1, one["version"] + 1))
        last = told_of[-1][1]
        assert one["status"] == ("confirmed" if last == "check_in_undone" else last)
    for scan in scans:
        assert not (scan["people"] and (scan["undone_at"] or not scan["let_in"] or scan["verdict"] != "ok"))

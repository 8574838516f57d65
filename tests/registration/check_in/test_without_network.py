"""Doors without a network: what they send later gets the verdicts that it would have got at once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.registration.builders import activity, ask, check_in, now_on, own, put, service
from tests.registration.check_in.three_doors import plan_of, with_network, without_network
from tests.support.service import ORGANISER, code_of, in_outbox

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("seed", [1, 2])
async def test_three_doors_without_a_network_end_with_the_verdicts_of_one_with_it(
    mongo: str, tmp_path: Path, seed: int
) -> None:
    plan = plan_of(scans=300, doubles=20, revoked=10, seed=seed)
    offline, online = await asyncio.gather(
        without_network(mongo, plan, tmp_path, seed), with_network(mongo, plan)
    )
    assert offline.verdicts == online.verdicts
    assert Counter(offline.verdicts.values()) == {"ok": 270, "already_checked_in": 20, "cancelled": 10}
    assert offline.people_in == online.people_in
    # Every other double was at another door; and the list did not know of every other cancellation.
    assert len(offline.conflicts) == 10 + 5


def queued(scan_id: str, ticket: str, at: datetime, **fields: Any) -> dict[str, Any]:
    return {"scan_id": scan_id, "ticket": ticket, "scanned_at": at.isoformat(), "let_in": True} | fields


async def send(
    client: httpx.AsyncClient, device: str, *scans: dict[str, Any], ahead: timedelta = timedelta(0)
) -> httpx.Response:
    body = {"device": device, "sent_at": (datetime.now(UTC) + ahead).isoformat(), "scans": scans}
    return await client.post("/sessions/one/scans", json=body, headers=ORGANISER)


async def test_a_double_entry_of_two_doors_is_found_and_the_earlier_one_counts(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        code = (await ask(client, "one")).json()["ticket_code"]
        now = datetime.now(UTC)
        late = await send(client, "door-1", queued("a", code, now - timedelta(minutes=5)))
        assert late.json()["verdicts"][0]["verdict"] == "ok"
        early = await send(client, "door-2", queued("b", code, now - timedelta(minutes=9)))
        assert early.json()["verdicts"][0]["verdict"] == "ok"
        page = {"conflict": "true"}
        found = (await client.get("/sessions/one/scans", params=page, headers=ORGANISER)).json()["scans"]
        assert [(one["device"], one["verdict"]) for one in found] == [("door-1", "already_checked_in")]
        # What door 1 sends again has the verdict that it has now.
        again = (await send(client, "door-1", queued("a", code, now))).json()["verdicts"][0]
        assert (again["verdict"], again["repeated"], again["conflict"]) == ("already_checked_in", True, True)
        assert len(await in_outbox(database, "registration.checked_in")) == 1


async def test_a_scan_at_once_meets_those_that_were_sent_later(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        holder = (await ask(client, "one", places=2)).json()
        code = holder["ticket_code"]
        assert (await check_in(client, code, people=2)).json()["verdict"] == "ok"
        before = datetime.now(UTC) - timedelta(minutes=20)
        await send(client, "door-2", queued("b", code, before, people=1))
        found = (await client.get("/sessions/one/scans", headers=ORGANISER)).json()["scans"]
        assert [(one["verdict"], one["conflict"]) for one in found] == [("ok", False), ("too_many", True)]
        assert (await own(client, holder))["status"] == "checked_in"


async def test_the_time_of_a_scan_decides_and_not_the_time_of_sending(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        codes = [(await ask(client, "one")).json()["ticket_code"] for _ in range(2)]
        now = datetime.now(UTC)
        # The session began an hour ago; so the door opened four hours ago.
        times = (now - timedelta(hours=5), now - timedelta(hours=3))
        scans = [queued(f"s-{n}", code, at) for n, (code, at) in enumerate(zip(codes, times, strict=True))]
        first, second = (await send(client, "door-1", *scans)).json()["verdicts"]
        # Near midnight five hours ago was yesterday.
        assert first["verdict"] in ("too_early", "wrong_day")
        assert second["verdict"] == "ok"


async def test_a_wrong_clock_is_told_and_corrected(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        code = (await ask(client, "one")).json()["ticket_code"]
        ahead = timedelta(days=300)
        at = datetime.now(UTC) - timedelta(minutes=5) + ahead
        answer = (await send(client, "door-1", queued("a", code, at), ahead=ahead)).json()
        assert abs(answer["clock_off_seconds"] - ahead.total_seconds()) < 30
        assert answer["verdicts"][0]["verdict"] == "ok"
        [scan] = (await client.get("/sessions/one/scans", headers=ORGANISER)).json()["scans"]
        off = datetime.fromisoformat(scan["scanned_at"]) - (at - ahead)
        assert abs(off) < timedelta(seconds=30)
        assert scan["clock_off_seconds"] == answer["clock_off_seconds"]


async def test_queued_scans_have_bounds_and_a_session(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        now = datetime.now(UTC)
        scan = queued("a", "00000-00000", now)
        assert code_of(await send(client, "door-1", scan)) == (404, "session_unknown")
        too_many = [scan | {"scan_id": f"s-{number}"} for number in range(501)]
        assert code_of(await send(client, "door-1", *too_many)) == (422, "invalid")
        for path in ("/sessions/one/scans", "/sessions/one/door-list"):
            assert (await client.get(path)).status_code == 401


async def test_two_doors_that_send_at_the_same_time_do_not_miss_each_other(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, _):
        await put(clients[0], "street", activity("one", capacity=60, **now_on()))
        codes = [(await ask(clients[0], "one", places=3)).json()["ticket_code"] for _ in range(8)]
        now = datetime.now(UTC)
        minutes = timedelta(minutes=1)
        third = [queued(f"a-{n}", code, now - 3 * minutes, people=3) for n, code in enumerate(codes)]
        await send(clients[0], "door-1", *third)
        # Alone, the later scan would come too late. After the earlier one, the three had no right to come in
        # together, and two places are left.
        at_once = []
        for n, code in enumerate(codes):
            late = queued(f"b-{n}", code, now - minutes, people=2)
            early = queued(f"c-{n}", code, now - 5 * minutes, people=1)
            at_once += [send(clients[0], "door-2", late), send(clients[1], "door-3", early)]
        await asyncio.gather(*at_once)
        found = (await clients[0].get("/sessions/one/scans", headers=ORGANISER)).json()["scans"]
        verdicts = {(one["scan_id"][0], one["verdict"], one["people"]) for one in found}
        assert verdicts == {("c", "ok", 1), ("a", "too_many", 0), ("b", "ok", 2)}

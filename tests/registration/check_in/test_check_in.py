"""Tickets are shown at the door, on the real database."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import get_args

import httpx
import pytest

from services.registration.check_in.rules import Verdict
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    check_in,
    erase_whole,
    now_on,
    own,
    pick,
    put,
    service,
)
from tests.support.service import ORGANISER, code_of, in_outbox

pytestmark = pytest.mark.stack


async def verdict(client: httpx.AsyncClient, ticket: str, **fields: object) -> str:
    answer = await check_in(client, ticket, **fields)
    assert answer.status_code == 200
    return str(answer.json()["verdict"])


async def test_a_ticket_lets_its_holder_in_once_and_is_recognised_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        holder = (await ask(client, "one")).json()
        code = holder["ticket_code"]
        assert (await client.post("/check-ins", json={"ticket": code})).status_code == 401
        full_width = "".join(chr(ord(c) + 0xFEE0) for c in code.replace("-", ""))
        typed = (
            code.lower().replace("-", " "),
            full_width,
            code.replace("-", " \u2014 "),
            code.replace("-", "\u3000\uff0d\u3000"),
            f" {code} ",
        )
        arrivals = [(await check_in(client, one)).json() for one in typed]
        assert [one["verdict"] for one in arrivals] == ["ok", *["already_checked_in"] * 4]
        assert {one["since"] for one in arrivals} == {arrivals[0]["since"]}
        assert {(one["people_in"], one["places"]) for one in arrivals} == {(1, 1)}
        assert arrivals[4]["session"]["session_id"] == "one"
        assert (await own(client, holder))["status"] == "checked_in"
        assert len(await in_outbox(database, "registration.checked_in")) == 1
        assert await verdict(client, "00000-00000") == "unknown"
        assert code_of(await cancel(client, holder)) == (409, "already_checked_in")


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        (timedelta(hours=3, minutes=1), timedelta(hours=5), {"too_early", "wrong_day"}),
        (timedelta(hours=2, minutes=59), timedelta(hours=5), {"ok"}),
        (timedelta(hours=-5), timedelta(hours=-1, minutes=-59), {"ok"}),
        (timedelta(hours=-5), timedelta(hours=-2, minutes=-1), {"too_late", "wrong_day"}),
        (timedelta(hours=48), timedelta(hours=50), {"wrong_day"}),
    ],
)
async def test_the_door_is_open_from_three_hours_before_the_session_until_two_after_it(
    mongo: str, begins: timedelta, ends: timedelta, expected: set[str]
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        holder = (await ask(client, "one")).json()
        now = datetime.now(UTC)
        times = {"starts_at": now + begins, "ends_at": now + ends}
        await database["sessions"].update_one({"_id": "one"}, {"$set": times})
        # Near midnight the other side of the window is another day.
        assert await verdict(client, holder["ticket_code"]) in expected
        assert len(await in_outbox(database, "registration.checked_in")) == (1 if expected == {"ok"} else 0)


async def test_who_waits_or_has_cancelled_or_comes_to_another_door_is_told_so(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        # The door is open, and nobody waits any more once the session has begun.
        begins = datetime.now(UTC) + timedelta(hours=1)
        soon = {"starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=2)).isoformat()}
        await put(client, "street", activity("one", 1, 5, **soon))
        await put(client, "fair", activity("two", 5, 0, **soon))
        holder = (await ask(client, "one")).json()
        waits = (await ask(client, "one")).json()
        assert (await pick(client, waits)).json()["verdict"] == "waiting"
        assert await verdict(client, holder["ticket_code"], session_id="two") == "wrong_session"
        unknown = await check_in(client, holder["ticket_code"], session_id="none")
        assert code_of(unknown) == (404, "session_unknown")
        await cancel(client, holder)
        assert await verdict(client, holder["ticket_code"]) == "cancelled"
        other = (await ask(client, "two")).json()
        await client.post("/sessions/two/cancel", json={"reason": "weather"}, headers=ORGANISER)
        assert await verdict(client, other["ticket_code"]) == "session_cancelled"
        assert await in_outbox(database, "registration.checked_in") == []


async def test_a_ticket_for_several_lets_them_in_by_and_by(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        holder = (await ask(client, "one", places=5)).json()
        code = holder["ticket_code"]
        first = (await check_in(client, code, people=3)).json()
        assert (first["verdict"], first["people"], first["people_in"], first["places"]) == ("ok", 3, 3, 5)
        assert await verdict(client, code, people=3) == "too_many"
        rest = (await check_in(client, code)).json()
        assert (rest["verdict"], rest["people"], rest["people_in"]) == ("ok", 2, 5)
        assert await verdict(client, code, people=1) == "already_checked_in"
        [event] = [json.loads(body) for body in await in_outbox(database, "registration.checked_in")]
        assert (event["people"], event["places"], event["version"]) == (3, 5, 2)


async def test_a_scan_that_is_sent_again_is_one_scan(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        code = (await ask(client, "one", places=2)).json()["ticket_code"]
        scan = {"people": 1, "device": "door-1", "scan_id": "scan-1"}
        answers = await asyncio.gather(*(check_in(client, code, **scan) for _ in range(5)))
        assert {(one.json()["verdict"], one.json()["people_in"]) for one in answers} == {("ok", 1)}
        assert sorted(one.json()["repeated"] for one in answers) == [False, *[True] * 4]
        assert await database["scans"].count_documents({}) == 1
        # Another device may use the same id for a scan of its own.
        assert (await check_in(client, code, **scan | {"device": "door-2"})).json()["people_in"] == 2


async def test_no_scan_gets_the_verdict_of_another_ticket(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        first, second = [(await ask(client, "one")).json()["ticket_code"] for _ in range(2)]
        assert await verdict(client, first, scan_id="1") == "ok"
        # The device has begun to count again.
        for shown in (second, "00000-00000"):
            assert await verdict(client, shown, scan_id="1") == "scan_id_reused"
        scans = [{"scan_id": "2", "ticket": ticket} for ticket in (second, first)]
        answer = await client.post("/check-ins/batch", json={"scans": scans}, headers=ORGANISER)
        assert [one["verdict"] for one in answer.json()["verdicts"]] == ["ok", "scan_id_reused"]
        assert await database["scans"].count_documents({}) == 2


async def test_of_many_scans_at_once_as_many_let_in_as_there_are_places(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], "street", activity("one", capacity=9, **now_on()))
        code = (await ask(clients[0], "one", places=3)).json()["ticket_code"]
        answers = await asyncio.gather(*(check_in(clients[n % 2], code, people=1) for n in range(8)))
        verdicts = sorted(one.json()["verdict"] for one in answers)
        assert verdicts == ["already_checked_in"] * 5 + ["ok"] * 3
        assert (await database["registrations"].find_one({}))["people_in"] == 3  # type: ignore[index]
        assert len(await in_outbox(database, "registration.checked_in")) == 1


async def test_a_batch_gets_a_verdict_for_each_scan(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        codes = [(await ask(client, "one")).json()["ticket_code"] for _ in range(3)]
        shown = [codes[0], "00000-00000", codes[1], codes[0], codes[2]]
        scans = [{"scan_id": f"s-{number}", "ticket": ticket} for number, ticket in enumerate(shown)]
        body = {"session_id": "one", "device": "door-1", "scans": scans}
        answer = (await client.post("/check-ins/batch", json=body, headers=ORGANISER)).json()["verdicts"]
        assert [one["verdict"] for one in answer] == ["ok", "unknown", "ok", "already_checked_in", "ok"]
        assert [one["scan_id"] for one in answer] == [scan["scan_id"] for scan in scans]
        again = (await client.post("/check-ins/batch", json=body, headers=ORGANISER)).json()["verdicts"]
        assert [one | {"repeated": False} for one in again] == answer
        too_many = body | {"scans": [scans[0] | {"scan_id": f"t-{n}"} for n in range(101)]}
        refused = await client.post("/check-ins/batch", json=too_many, headers=ORGANISER)
        assert code_of(refused) == (422, "invalid")


async def test_a_check_in_by_mistake_is_undone(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        holder = (await ask(client, "one", places=2)).json()
        code = holder["ticket_code"]
        for name in ("first", "second"):
            assert await verdict(client, code, people=1, scan_id=name) == "ok"

        async def undo(name: str) -> httpx.Response:
            return await client.post("/check-ins/undo", json={"scan_id": name}, headers=ORGANISER)

        assert (await undo("second")).json()["undone_at"]
        assert (await own(client, holder))["status"] == "checked_in"
        assert (await undo("first")).json()["people"] == 0
        assert (await undo("first")).status_code == 200
        assert (await own(client, holder))["status"] == "confirmed"
        assert code_of(await undo("none")) == (404, "scan_unknown")
        await verdict(client, "00000-00000", scan_id="junk")
        assert code_of(await undo("junk")) == (409, "scan_let_nobody_in")
        [event] = [json.loads(body) for body in await in_outbox(database, "registration.check_in_undone")]
        assert event["version"] == 3
        # As if nothing had happened: it can be cancelled, or let in again.
        assert await verdict(client, code, scan_id="third") == "ok"
        long_ago = datetime.now(UTC) - timedelta(minutes=31)
        await database["scans"].update_one({"_id": "door/third"}, {"$set": {"received_at": long_ago}})
        assert code_of(await undo("third")) == (409, "undo_too_late")


async def test_what_was_undone_brings_no_place_back(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        holder = (await ask(client, "one", places=2)).json()
        code = holder["ticket_code"]
        assert await verdict(client, code, scan_id="first") == "ok"
        await client.post("/check-ins/undo", json={"scan_id": "first"}, headers=ORGANISER)
        # A door without a network has let more in than there were places.
        now = datetime.now(UTC).isoformat()
        queued = {"scan_id": "second", "ticket": code, "people": 4, "scanned_at": now, "let_in": True}
        body = {"device": "door-2", "sent_at": now, "scans": [queued]}
        answer = await client.post("/sessions/one/scans", json=body, headers=ORGANISER)
        assert answer.json()["verdicts"][0]["verdict"] == "too_many"
        assert (await cancel(client, holder)).status_code == 200
        assert await verdict(client, code) == "cancelled"
        assert (await own(client, holder))["status"] == "cancelled"
        # The next round begins with nobody.
        await ask(client, "one", token=holder["token"], places=4)
        again = await own(client, holder)
        assert (await check_in(client, again["ticket_code"], people=1)).json()["people_in"] == 1
        assert (await own(client, holder))["status"] == "checked_in"
        topics = ("checked_in", "check_in_undone", "cancelled")
        assert [len(await in_outbox(database, f"registration.{topic}")) for topic in topics] == [
            2,
            1,
            1,
        ]


async def test_who_is_in_stays_in_if_the_places_are_fewer_now(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        code = (await ask(client, "one", places=5)).json()["ticket_code"]
        assert await verdict(client, code, people=4) == "ok"
        await database["registrations"].update_one({}, {"$set": {"places": 3}})
        late = (await check_in(client, code)).json()
        assert (late["verdict"], late["people_in"]) == ("already_checked_in", 4)
        assert await in_outbox(database, "registration.check_in_undone") == []


async def test_the_check_in_of_an_erased_participant_is_not_undone(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        holder = (await ask(client, "one")).json()
        assert await verdict(client, holder["ticket_code"], scan_id="first") == "ok"
        await erase_whole(client, database, holder)
        undone = await client.post("/check-ins/undo", json={"scan_id": "first"}, headers=ORGANISER)
        assert code_of(undone) == (409, "participant_erased")
        assert await in_outbox(database, "registration.check_in_undone") == []


async def test_every_verdict_is_counted_from_nothing_on(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        code = (await ask(client, "one")).json()["ticket_code"]

        # All in one answer: after each the service rests a moment before it makes the next.
        async def counted() -> dict[str, float]:
            found: dict[str, float] = {}
            for line in (await client.get("/metrics")).text.splitlines():
                if line.startswith("kepu_scans_total{"):
                    name, number = line.removeprefix('kepu_scans_total{verdict="').split('"} ')
                    found[name] = float(number)
            return found

        before = await counted()
        assert before.keys() == set(get_args(Verdict))
        for _ in range(2):
            await check_in(client, code, scan_id="1")
        await check_in(client, code)
        after = await counted()
        changed = {name: after[name] - number for name, number in before.items() if after[name] != number}
        # What is sent again is one scan.
        assert changed == {"ok": 1, "already_checked_in": 1}


async def test_no_scan_keeps_what_was_scanned(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        holder = (await ask(client, "one")).json()
        for shown in (holder["ticket_code"], "13912345678 李小明"):
            await check_in(client, shown)
        stored = json.dumps(await database["scans"].find({}).to_list(None), default=str)
        assert holder["ticket_code"] not in stored
        assert "13912345678" not in stored
        assert holder["participant_id"] not in stored

"""Calendar files over HTTP: always as things are now, and one's own for oneself only."""

from typing import Any

import httpx
import icalendar
import pytest

from tests.registration.builders import activity, ask, cancel, put, service
from tests.support.service import ORGANISER, bearer, code_of

pytestmark = pytest.mark.stack


async def entry(client: httpx.AsyncClient, path: str, **headers: str) -> Any:
    answer = await client.get(f"{path}/calendar.ics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="one.ics"'
    [event] = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    return event


async def test_the_file_changes_with_the_session(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        first = await entry(client, "/sessions/one")
        await put(client, "street", activity("one", capacity=5, venue="体育馆"))
        moved = await entry(client, "/sessions/one")
        assert str(moved["LOCATION"]) == "体育馆 (华龙区)"
        await client.post("/sessions/one/cancel", json={"reason": "rain"}, headers=ORGANISER)
        gone = await entry(client, "/sessions/one")
        assert gone["STATUS"] == "CANCELLED"
        assert len({str(one["UID"]) for one in (first, moved, gone)}) == 1
        sequences = [one["SEQUENCE"] for one in (first, moved, gone)]
        assert sequences == sorted(set(sequences))
        assert code_of(await client.get("/sessions/none/calendar.ics")) == (404, "session_unknown")


async def test_a_holder_reads_their_own_and_nobody_elses(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=1, waiting_max=3))
        holder, waiter = [(await ask(client, "one")).json() for _ in range(2)]
        own = f"/registrations/{holder['registration_id']}"
        waits = f"/registrations/{waiter['registration_id']}"
        held = await entry(client, own, **bearer(holder["token"]))
        assert held["STATUS"] == "CONFIRMED"
        before = await entry(client, waits, **bearer(waiter["token"]))
        assert before["STATUS"] == "TENTATIVE"
        await cancel(client, holder)
        gone = await entry(client, own, **bearer(holder["token"]))
        assert (gone["STATUS"], str(gone["UID"])) == ("CANCELLED", str(held["UID"]))
        assert gone["SEQUENCE"] > held["SEQUENCE"]
        after = await entry(client, waits, **bearer(waiter["token"]))
        assert after["STATUS"] == "CONFIRMED"
        assert after["SEQUENCE"] > before["SEQUENCE"]
        for headers in ({}, ORGANISER):
            assert (await client.get(f"{own}/calendar.ics", headers=headers)).status_code == 401
        others = await client.get(f"{own}/calendar.ics", headers=bearer(waiter["token"]))
        assert code_of(others) == (404, "registration_unknown")

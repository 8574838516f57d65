"""Tickets are shown at the door, on the real database."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.registration.builders import activity, ask, cancel, check_in, now_on, put, service
from tests.support.service import ORGANISER, told

pytestmark = pytest.mark.stack


async def test_a_ticket_lets_its_holder_in_once_and_is_recognised_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        holder = (await ask(client, "one")).json()
        code = holder["ticket_code"]
        assert (await client.post("/check-ins", json={"ticket_code": code})).status_code == 401
        full_width = "".join(chr(ord(c) + 0xFEE0) for c in code.replace("-", ""))
        typed = (code.lower().replace("-", " "), full_width, code.replace("-", " \u2014 "), f" {code} ")
        arrivals = [(await check_in(client, one)).json() for one in typed]
        assert [one["already"] for one in arrivals] == [False, True, True, True]
        assert arrivals[0]["registration"] == arrivals[1]["registration"]
        assert arrivals[0]["registration"]["status"] == "checked_in"
        assert len(await told(database, "registration.checked_in")) == 1
        unknown = await check_in(client, "00000-00000")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "ticket_unknown")
        late = await cancel(client, holder)
        assert (late.status_code, late.json()["code"]) == (409, "already_checked_in")


@pytest.mark.parametrize(
    ("begins", "ends", "code"),
    [
        (timedelta(hours=3, minutes=1), timedelta(hours=5), "check_in_too_early"),
        (timedelta(hours=2, minutes=59), timedelta(hours=5), None),
        (timedelta(hours=-5), timedelta(hours=-1, minutes=-59), None),
        (timedelta(hours=-5), timedelta(hours=-2, minutes=-1), "check_in_too_late"),
    ],
)
async def test_the_door_is_open_from_three_hours_before_the_session_until_two_after_it(
    mongo: str, begins: timedelta, ends: timedelta, code: str | None
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        holder = (await ask(client, "one")).json()
        now = datetime.now(UTC)
        times = {"starts_at": now + begins, "ends_at": now + ends}
        await database["sessions"].update_one({"_id": "one"}, {"$set": times})
        answer = await check_in(client, holder["ticket_code"])
        assert answer.json().get("code") == code
        assert answer.status_code == (409 if code else 200)
        assert len(await told(database, "registration.checked_in")) == (0 if code else 1)


async def test_a_cancelled_ticket_lets_nobody_in(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        holder = (await ask(client, "one")).json()
        await client.post(f"/registrations/{holder['registration_id']}/cancel", headers=ORGANISER)
        ticket = {"ticket_code": holder["ticket_code"]}
        answer = await client.post("/check-ins", json=ticket, headers=ORGANISER)
        assert (answer.status_code, answer.json()["code"]) == (409, "ticket_cancelled")

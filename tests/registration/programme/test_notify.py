"""A moved or cancelled session tells its people, once each, whatever comes in between."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.registration.programme.notify import Notices
from services.registration.sessions.store import SessionStore
from shared.runtime.background import looping
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    check_in,
    erase,
    events,
    notices,
    now_on,
    own,
    put,
    seats,
    service,
    soon,
)
from tests.registration.crashing import Crash, DyingSessions
from tests.support.service import ORGANISER, in_outbox
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

TURNS_MAX = 20
START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)


def times(days: int = 0) -> dict[str, Any]:
    starts_at = START + timedelta(days=days)
    return {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(hours=2)).isoformat()}


async def call_off(client: httpx.AsyncClient, session_id: str, reason: str = "weather") -> httpx.Response:
    return await client.post(f"/sessions/{session_id}/cancel", json={"reason": reason}, headers=ORGANISER)


async def notify_all(notices: Notices, session_id: str, limit: int = 2) -> int:
    """Notify everybody, a few at a time; returns how many turns that took."""
    for turns in range(1, TURNS_MAX):
        if not await notices.notify(session_id, limit):
            return turns
    raise AssertionError(f"not all were notified in {TURNS_MAX} turns")


async def test_a_moved_session_tells_each_of_its_people_once(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=3, waiting_max=5, **times()))
        people = [(await ask(client, "one")).json() for _ in range(5)]
        await cancel(client, people[0])
        await put(client, "street", activity("one", capacity=3, waiting_max=5, **times(1), venue="体育馆"))
        assert await notify_all(notices(database), "one") == 3
        moved = await events(database, "registration.moved")
        assert [one["registration_id"] for one in moved] == [one["registration_id"] for one in people[1:]]
        as_time = "%Y-%m-%dT%H:%M:%SZ"
        for one in moved:
            assert one["starts_at"] == (START + timedelta(days=1)).strftime(as_time)
            assert one["starts_at_before"] == START.strftime(as_time)
            assert (one["venue"], one["venue_before"]) == ("体育馆", "市政府综合办公楼广场")
        # The fourth moved up when the first left: a change of its own.
        assert [one["version"] for one in moved] == [2, 2, 3, 2]
        await notify_all(notices(database), "one")
        assert len(await events(database, "registration.moved")) == 4
        assert await database["session_places"].count_documents({}) == 0


async def test_who_registers_after_the_move_knows_it_already(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **times()))
        early = (await ask(client, "one")).json()
        await put(client, "street", activity("one", capacity=5, **times(1)))
        await ask(client, "one")
        await notify_all(notices(database), "one")
        moved = await events(database, "registration.moved")
        assert [one["participant_id"] for one in moved] == [early["participant_id"]]


async def test_moved_again_while_some_are_told_everybody_hears_of_the_last_place(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **times()))
        people = [(await ask(client, "one")).json()["registration_id"] for _ in range(4)]
        await put(client, "street", activity("one", capacity=9, **times(1)))
        assert await notices(database).notify("one", limit=2)
        await put(client, "street", activity("one", capacity=9, **times(2)))
        await notify_all(notices(database), "one")
        moved = await events(database, "registration.moved")
        days = [
            (
                people.index(one["registration_id"]),
                *(_days(one[name]) for name in ("starts_at_before", "starts_at")),
            )
            for one in moved
        ]
        assert days == [(0, 0, 1), (1, 0, 1), (0, 1, 2), (1, 1, 2), (2, 0, 2), (3, 0, 2)]


def _days(moment: str) -> int:
    return (datetime.fromisoformat(moment) - START).days


async def test_moved_and_moved_back_before_anybody_was_told_nobody_is(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **times()))
        await ask(client, "one")
        await put(client, "street", activity("one", capacity=9, **times(1)))
        await put(client, "street", activity("one", capacity=9, **times()))
        await notify_all(notices(database), "one")
        assert await events(database, "registration.moved") == []


async def test_what_does_not_move_a_session_tells_nobody(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        body = activity("one", capacity=9, **times())
        await put(client, "street", body)
        await ask(client, "one")
        await put(client, "street", body | {"title": "科普大集"})
        await put(client, "street", activity("one", capacity=8, waiting_max=3, **times()))
        assert await SessionStore(database).untold("", 9) == []


async def test_a_cancelled_session_takes_nobody_and_its_people_are_told(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=2, waiting_max=5, **soon()))
        people = [(await ask(client, "one")).json() for _ in range(5)]
        await check_in(client, people[0]["ticket_code"])
        assert (await client.post("/sessions/one/cancel", json={"reason": "weather"})).status_code == 401
        for _ in range(2):
            answer = await call_off(client, "one")
            assert (answer.status_code, answer.json()["state"]) == (200, "cancelled"), answer.text
        refused = await ask(client, "one")
        assert (refused.status_code, refused.json()["code"]) == (409, "session_cancelled")
        late = await check_in(client, people[1]["ticket_code"])
        assert late.json()["verdict"] == "session_cancelled"
        # Who cancels before they are told is told that, and promotes nobody.
        await cancel(client, people[1])
        await notify_all(notices(database), "one")
        cancelled = await events(database, "registration.cancelled")
        assert [(one["registration_id"], one["code"]) for one in cancelled] == [
            (people[1]["registration_id"], "cancelled_by_participant"),
            *((one["registration_id"], "session_cancelled") for one in people[2:]),
        ]
        statuses = [(await own(client, one))["status"] for one in people]
        assert statuses == ["checked_in", *["cancelled"] * 4]
        assert await seats(client, "street") == (1, 0)
        shown = (await client.get("/activities/street")).json()["sessions"][0]
        assert (shown["state"], shown["cancelled_for"], shown["open"]) == ("cancelled", "weather", False)
        assert not [one for one in await events(database, "registration.confirmed") if one["promoted"]]
        await notify_all(notices(database), "one")
        assert len(await events(database, "registration.cancelled")) == 4


async def test_from_its_cancellation_on_nobody_registers_for_a_session_whoever_they_are(mongo: str) -> None:
    async with service(mongo, copies=2) as ([client, other], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=5, **times()))
        holder, waiter = [(await ask(client, "one")).json() for _ in range(2)]
        await call_off(client, "one")
        # Those registered are not notified yet, and still hold what they have.
        for copy in (client, other):
            for token in (None, holder["token"], waiter["token"]):
                answer = await ask(copy, "one", token=token)
                assert (answer.status_code, answer.json()["code"]) == (409, "session_cancelled")
        await notify_all(notices(database), "one")
        late = await ask(client, "one", token=holder["token"])
        assert (late.status_code, late.json()["code"]) == (409, "session_cancelled")
        assert await database["registrations"].count_documents({"status": {"$ne": "cancelled"}}) == 0


async def test_a_cancelled_session_stays_cancelled_when_its_activity_is_put(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=2, waiting_max=1, **times()))
        for _ in range(3):
            await ask(client, "one")
        await call_off(client, "one")
        again = await put(client, "street", activity("one", capacity=9, waiting_max=1, **times(1)))
        assert again.json()["sessions"][0]["state"] == "cancelled"
        await notify_all(notices(database), "one")
        assert await events(database, "registration.moved") == []
        assert len(await events(database, "registration.cancelled")) == 3
        unknown = await call_off(client, "none")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "session_unknown")


async def test_a_crash_between_two_batches_tells_nobody_twice_and_forgets_nobody(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **times()))
        for _ in range(5):
            await ask(client, "one")
        await call_off(client, "one")
        dying = notices(database, sessions=DyingSessions(database, 2))
        with pytest.raises(Crash):
            await notify_all(dying, "one")
        assert len(await events(database, "registration.cancelled")) == 2
        await notify_all(notices(database), "one")
        cancelled = await events(database, "registration.cancelled")
        assert len({one["registration_id"] for one in cancelled}) == len(cancelled) == 5
        assert await seats(client, "street") == (9, 0)


async def test_the_erased_are_told_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        gone = (await ask(client, "one")).json()
        await erase(client, gone)
        await put(client, "street", activity("one", capacity=9, **times(1)))
        await notify_all(notices(database), "one")
        await call_off(client, "one")
        await notify_all(notices(database), "one")
        assert await events(database, "registration.moved") == []
        assert await events(database, "registration.cancelled") == []


async def test_the_loop_tells_all_that_is_untold(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name in ("one", "two"):
            await put(client, f"of-{name}", activity(name, capacity=9, **times()))
            await ask(client, name)
        loop = notices(database).loop
        async with looping(loop):
            await call_off(client, "one")
            await put(client, "of-two", activity("two", capacity=9, **times(1)))

            async def all_told() -> bool:
                topics = ("registration.cancelled", "registration.moved")
                return [len(await in_outbox(database, topic)) for topic in topics] == [1, 1]

            await eventually(all_told)
            assert await loop.check() is None

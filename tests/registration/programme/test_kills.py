"""Two copies are killed in turn while notices and reminders go out: everybody hears of each once."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.storage.mongo import Database
from tests.registration.builders import activity, ask, cancel, events, own, put, service
from tests.registration.programme.notices_process import notify
from tests.support.killing import Killable
from tests.support.service import ORGANISER
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

SECONDS = 60.0
PEOPLE = 40


async def all_told_though_killed(one: Killable, database: Database, topic: str, number: int) -> list[str]:
    """
    The registrations in the events of this topic; half-way one copy is killed.

    Once only: what it has locked is free after five seconds, when mongod ends its transaction.
    """

    async def all_notified() -> int:
        return len(await events(database, topic))

    await eventually(all_notified, lambda count: count >= number // 2, seconds=SECONDS)
    await one.kill()
    await one.start()
    await eventually(all_notified, lambda count: count >= number, seconds=SECONDS)
    return [one["registration_id"] for one in await events(database, topic)]


def times(hours: float) -> dict[str, Any]:
    starts_at = datetime.now(UTC) + timedelta(hours=hours)
    return {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(hours=2)).isoformat()}


async def test_a_move_a_reminder_and_a_cancellation_reach_each_once_though_two_copies_are_killed(
    mongo: str,
) -> None:
    async with service(mongo) as ([client], database), AsyncExitStack() as stack:
        seats = {"capacity": PEOPLE - 10, "waiting_max": 20}
        await put(client, "street", activity("one", **seats, **times(72)))
        people = [(await ask(client, "one")).json() for _ in range(PEOPLE)]
        everybody = [one["registration_id"] for one in people]
        copies = [Killable.working(notify, mongo, database.name) for _ in range(2)]
        for copy in copies:
            stack.push_async_callback(copy.end)
            await copy.start()
        await put(client, "street", activity("one", **seats, **times(48)))
        moved = await all_told_though_killed(copies[0], database, "registration.moved", PEOPLE)
        assert sorted(moved) == sorted(everybody)
        await eventually(
            lambda: database["sessions"].count_documents({"untold": True}), lambda left: not left
        )
        # Who cannot come is free to leave, and the first who waits moves up.
        assert (await cancel(client, people[0])).json()["status"] == "cancelled"
        assert (await own(client, people[-10]))["status"] == "confirmed"
        holders = everybody[1:-9]
        await database["reminders"].update_one({"_id": "one"}, {"$set": {"due_at": datetime.now(UTC)}})
        reminded = await all_told_though_killed(copies[1], database, "registration.reminded", len(holders))
        assert sorted(reminded) == sorted(holders)
        await client.post(
            "/sessions/one/cancel", json={"reason": "rain", "text": "因雨取消"}, headers=ORGANISER
        )
        await all_told_though_killed(copies[0], database, "registration.cancelled", PEOPLE)
        await eventually(
            lambda: database["sessions"].count_documents({"untold": True}), lambda left: not left
        )
        cancelled = await events(database, "registration.cancelled")
        assert sorted(one["registration_id"] for one in cancelled) == sorted(everybody)
        assert {one["reason"] for one in cancelled if one["code"] == "session_cancelled"} == {"因雨取消"}
        for topic in ("registration.moved", "registration.reminded"):
            assert len(await events(database, topic)) == (PEOPLE if topic.endswith("moved") else len(holders))

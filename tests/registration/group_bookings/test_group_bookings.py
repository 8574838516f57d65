"""A group books for members of its roster: one registration, kept whole, changed later."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.registration.group_bookings.rules import ATTENDEES_CHANGES_MAX
from tests.registration.auditing import faults, log_of
from tests.registration.builders import activity, now_on, put, seats, service
from tests.registration.rosters.builders import manager_of
from tests.support.service import code_of, in_outbox

pytestmark = pytest.mark.stack

Headers = dict[str, str]


async def members(
    client: httpx.AsyncClient, manager: Headers, number: int, group_id: str = "school-1"
) -> list[str]:
    """The ids of so many members of the group."""
    path = f"/groups/{group_id}/members"
    answers = [await client.post(path, json={"name": f"学生{one}"}, headers=manager) for one in range(number)]
    return [answer.json()["member_id"] for answer in answers]


async def book(
    client: httpx.AsyncClient,
    manager: Headers,
    member_ids: list[str],
    *,
    group_id: str = "school-1",
    session_id: str = "one",
    key: str | None = None,
) -> httpx.Response:
    return await client.post(
        f"/groups/{group_id}/bookings",
        json={"session_id": session_id, "member_ids": member_ids},
        headers=manager | {"Idempotency-Key": key or str(uuid4())},
    )


async def attend(
    client: httpx.AsyncClient,
    manager: Headers,
    booked: dict[str, Any],
    member_ids: list[str],
    group_id: str = "school-1",
) -> httpx.Response:
    path = f"/groups/{group_id}/bookings/{booked['registration_id']}/attendees"
    return await client.put(path, json={"member_ids": member_ids}, headers=manager)


async def test_a_class_gets_a_place_for_each_and_one_ticket_and_a_repeat_books_once(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        await put(client, "street", activity("one", capacity=10, admits="roster"))
        class_ = await members(client, manager, 7)
        answers = await asyncio.gather(*(book(client, manager, class_, key="k" * 16) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
        booked = answers[0].json()
        assert (booked["status"], booked["participant_id"]) == ("confirmed", "school-1")
        assert await seats(client, "street") == (3, 0)
        [shown] = (await client.get("/groups/school-1/bookings", headers=manager)).json()["registrations"]
        assert (shown["places"], shown["member_ids"]) == (7, class_)
        assert shown["ticket_code"] == booked["ticket_code"]


async def test_fewer_attendees_free_places_and_the_waiting_class_gets_them_whole(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager, other = await manager_of(client), await manager_of(client, "school-2")
        await put(client, "street", activity("one", capacity=6, waiting_max=5))
        ours, theirs = await members(client, manager, 6), await members(client, other, 3, "school-2")
        booked = (await book(client, manager, ours)).json()
        waiting = (await book(client, other, theirs, group_id="school-2")).json()
        assert waiting["status"] == "waitlisted"
        assert (await attend(client, manager, booked, ours[:4])).json()["places"] == 4
        assert await seats(client, "street") == (2, 1)
        assert (await attend(client, manager, booked, ours[:3])).json()["places"] == 3
        assert await seats(client, "street") == (0, 0)
        confirmed = [json.loads(one) for one in await in_outbox(database, "registration.confirmed")]
        of_bodies = [one for one in confirmed if one["participant_id"].startswith("school")]
        assert [(one["participant_id"], one["places"]) for one in of_bodies] == [
            ("school-1", 6),
            ("school-1", 4),
            ("school-1", 3),
            ("school-2", 3),
        ]
        versions = [one["version"] for one in confirmed if one["participant_id"] == "school-1"]
        assert versions == [1, 2, 3]


async def test_more_places_only_if_they_are_free_and_nobody_waits(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager, other = await manager_of(client), await manager_of(client, "school-2")
        await put(client, "street", activity("one", capacity=6, waiting_max=5))
        ours, theirs = await members(client, manager, 6), await members(client, other, 5, "school-2")
        booked = (await book(client, manager, ours[:3])).json()
        assert (await attend(client, manager, booked, ours[:4])).json()["places"] == 4
        waiting = (await book(client, other, theirs, group_id="school-2")).json()
        assert code_of(await attend(client, manager, booked, ours[:5])) == (409, "session_full")
        smaller = await attend(client, other, waiting, theirs[:3], "school-2")
        assert (smaller.json()["status"], smaller.json()["places"]) == ("waitlisted", 3)
        # Everybody who reads the events knows of the smaller wait, and of the larger booking.
        assert await faults(database, await log_of(database)) == {}
        assert len(await in_outbox(database, "registration.waitlisted")) == 2
        assert code_of(await attend(client, other, waiting, theirs, "school-2")) == (409, "wait_grows")
        fits = await attend(client, other, waiting, theirs[:2], "school-2")
        assert (fits.json()["status"], fits.json()["places"]) == ("confirmed", 2)
        assert await faults(database, await log_of(database)) == {}


async def test_other_members_are_named_only_so_often(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        await put(client, "street", activity("one", capacity=6))
        ours = await members(client, manager, 2)
        booked = (await book(client, manager, ours)).json()
        for number in range(ATTENDEES_CHANGES_MAX):
            few = ours[: 1 + number % 2]
            # The same ones again change nothing, so they count for nothing.
            for _ in range(2):
                assert (await attend(client, manager, booked, few)).json()["places"] == len(few)
        refused = await attend(client, manager, booked, ours[:1])
        assert code_of(refused) == (409, "attendees_changes_too_many")
        assert (await attend(client, manager, booked, ours)).json()["places"] == 2


async def test_attendees_are_replaced_without_a_word_to_anybody(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        await put(client, "street", activity("one", capacity=6))
        ours = await members(client, manager, 4)
        booked = (await book(client, manager, ours[:2])).json()
        before = await in_outbox(database, "registration.confirmed")
        assert (await attend(client, manager, booked, ours[2:])).json()["places"] == 2
        [shown] = (await client.get("/groups/school-1/bookings", headers=manager)).json()["registrations"]
        assert shown["member_ids"] == ours[2:]
        assert await in_outbox(database, "registration.confirmed") == before


async def test_nobody_attends_who_is_no_member_or_twice(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager, other = await manager_of(client), await manager_of(client, "school-2")
        await put(client, "street", activity("one", capacity=6))
        ours, theirs = await members(client, manager, 1), await members(client, other, 1, "school-2")
        assert code_of(await book(client, manager, theirs)) == (404, "member_unknown")
        assert code_of(await book(client, manager, ours * 2)) == (409, "member_named_twice")
        assert await seats(client, "street") == (6, 0)
        booked = (await book(client, manager, ours)).json()
        assert code_of(await attend(client, manager, booked, theirs)) == (404, "member_unknown")
        for group_id, who, code in (
            ("school-1", other, (403, "not_manager")),
            ("school-2", other, (404, "registration_unknown")),
        ):
            assert code_of(await attend(client, who, booked, theirs, group_id)) == code
            path = f"/groups/{group_id}/bookings/{booked['registration_id']}/cancel"
            assert code_of(await client.post(path, headers=who)) == code


async def test_a_cancelled_or_begun_registration_changes_no_more(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        await put(client, "street", activity("one", capacity=6))
        await put(client, "now", activity("two", capacity=6, **now_on()))
        ours = await members(client, manager, 2)
        booked = (await book(client, manager, ours)).json()
        path = f"/groups/school-1/bookings/{booked['registration_id']}/cancel"
        assert (await client.post(path, headers=manager)).json()["status"] == "cancelled"
        assert await seats(client, "street") == (6, 0)
        assert code_of(await attend(client, manager, booked, ours[:1])) == (409, "places_fixed")
        begun = (await book(client, manager, ours, session_id="two")).json()
        assert code_of(await attend(client, manager, begun, ours[:1])) == (409, "session_closed")

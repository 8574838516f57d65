"""Places from the waiting list that are offered for a time: accepted, declined, or given to the next."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.registration.sessions.store import SessionStore
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    check_in,
    erase,
    own,
    put,
    seats,
    service,
    soon,
)
from tests.registration.holding import accept, events, expiry, run_out

pytestmark = pytest.mark.stack

Json = dict[str, Any]


async def with_an_offer(
    client: httpx.AsyncClient, people: int = 3, *, offer_minutes: int = 20, **changes: Any
) -> list[Json]:
    """One place: its holder has left, so it is offered to the next."""
    await put(
        client, "street", activity("one", 1, waiting_max=9, offer_minutes=offer_minutes, **soon(**changes))
    )
    registered = [(await ask(client, "one")).json() for _ in range(people)]
    await cancel(client, registered[0])
    return registered[1:]


async def statuses(client: httpx.AsyncClient, people: list[Json]) -> list[str]:
    return [(await own(client, one))["status"] for one in people]


async def test_an_offer_is_accepted_once_and_gives_a_ticket(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        first, second = await with_an_offer(client)
        offer = await own(client, first)
        assert (offer["status"], offer["ticket_code"]) == ("offered", None)
        left = datetime.fromisoformat(offer["until"]) - datetime.now(UTC)
        assert timedelta(minutes=19) < left <= timedelta(minutes=20)
        [event] = await events(database, "offered")
        assert (event["registration_id"], event["until"]) == (first["registration_id"], offer["until"])
        # The place is taken meanwhile, and asking again does not accept it.
        assert await seats(client, "street") == (0, 1)
        again = (await ask(client, "one", token=first["token"])).json()
        assert (again["status"], again["code"]) == ("offered", "already_registered")
        for _ in range(2):
            accepted = await accept(client, first)
            assert (accepted.status_code, accepted.json()["status"]) == (200, "confirmed"), accepted.text
        assert (await check_in(client, accepted.json()["ticket_code"])).status_code == 200
        [confirmed] = [one for one in await events(database, "confirmed") if one["promoted"]]
        assert (confirmed["registration_id"], confirmed["version"]) == (first["registration_id"], 3)
        refused = await accept(client, second)
        assert (refused.status_code, refused.json()["code"]) == (409, "not_offered")
        foreign = await accept(client, first | {"token": second["token"]})
        assert (foreign.status_code, foreign.json()["code"]) == (404, "registration_unknown")


async def test_an_offer_that_is_declined_or_runs_out_goes_to_the_next(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await with_an_offer(client, 4)
        assert await statuses(client, people) == ["offered", "waitlisted", "waitlisted"]
        await cancel(client, people[0])
        assert await statuses(client, people) == ["cancelled", "offered", "waitlisted"]
        await run_out(database)
        late = await accept(client, people[1])
        assert (late.status_code, late.json()["code"]) == (409, "offer_expired")
        await expiry(database).free("one")
        assert await statuses(client, people) == ["cancelled", "cancelled", "offered"]
        codes = [one["code"] for one in await events(database, "cancelled")]
        assert codes == ["cancelled_by_participant", "cancelled_by_participant", "offer_expired"]
        assert (await accept(client, people[2])).status_code == 200
        assert await seats(client, "street") == (0, 0)


async def test_of_an_acceptance_and_the_end_of_time_one_comes_first(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await with_an_offer(client)
        soon_over = datetime.now(UTC) + timedelta(milliseconds=40)
        await database["registrations"].update_one(
            {"_id": people[0]["registration_id"]}, {"$set": {"held_until": soon_over}}
        )
        await database["sessions"].update_one({"_id": "one"}, {"$set": {"runs_out_at": soon_over}})

        async def free() -> None:
            for _ in range(50):
                await expiry(database).free("one")

        answers, _ = await asyncio.gather(
            asyncio.gather(*(accept(client, people[0]) for _ in range(20))), free()
        )
        accepted = any(answer.status_code == 200 for answer in answers)
        assert (await own(client, people[0]))["status"] == ("confirmed" if accepted else "cancelled")
        assert await statuses(client, people[1:]) == ["waitlisted" if accepted else "offered"]
        assert await seats(client, "street") == (0, 1 if accepted else 0)


async def test_after_the_start_or_the_closing_nothing_is_offered_and_nobody_promoted(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await with_an_offer(client, 4, offer_minutes=600)
        offer, stored = await own(client, people[0]), (await SessionStore(database).by_id(["one"]))["one"]
        assert datetime.fromisoformat(offer["until"]) == stored.starts_at
        past = datetime.now(UTC) - timedelta(seconds=1)
        for name in ("starts_at", "closes_at"):
            await database["sessions"].update_one({"_id": "one"}, {"$set": {name: past}})
            await cancel(client, people.pop(0))
            assert await statuses(client, people) == ["waitlisted"] * len(people)
            await database["sessions"].update_one({"_id": "one"}, {"$set": {"starts_at": stored.starts_at}})
        assert await seats(client, "street") == (1, 1)


async def test_an_erased_participant_accepts_nothing_and_the_offer_goes_to_the_next(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        people = await with_an_offer(client)
        await erase(client, people[0])
        refused = await accept(client, people[0])
        assert (refused.status_code, refused.json()["code"]) == (401, "participant_erased")

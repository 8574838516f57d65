"""Refused is refused: nothing is kept of it, and asking again later is decided anew."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.registration.booking.admission import PERSON_PLACES_MAX
from services.registration.booking.hot import TOKEN_AGAIN_MAX
from services.registration.booking.rules import ROUNDS_MAX
from services.registration.booking.store import ANSWER_DAYS_KEPT
from shared.storage.mongo import Database
from shared.storage.outbox import waiting
from tests.registration.builders import activity, ask, cancel, newcomer, put, seats, service
from tests.support.service import ORGANISER

pytestmark = pytest.mark.stack

KEY = "the-same-key-as-before"
TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def kept(database: Database) -> dict[str, int]:
    """How much is stored that requests bring."""
    names = ("participants", "contact_keys", "registrations", "requests")
    counts = {name: await database[name].count_documents({}) for name in names}
    events = [topic for topic, *_ in await waiting(database) if not topic.startswith("session.")]
    return counts | {"events": len(events)}


NOTHING = {"participants": 0, "contact_keys": 0, "registrations": 0, "requests": 0, "events": 0}


@pytest.mark.parametrize(
    ("times", "places", "code"),
    [
        ({"opens_at": (TOMORROW - timedelta(hours=1)).isoformat()}, 1, "session_not_open"),
        ({"opens_at": "2020-01-01T00:00:00Z", "closes_at": "2020-01-02T00:00:00Z"}, 1, "session_closed"),
        ({"capacity": 2}, 3, "places_above_capacity"),
    ],
)
async def test_a_refused_newcomer_leaves_nothing_and_the_same_key_is_decided_anew(
    mongo: str, times: dict[str, Any], places: int, code: str
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5) | {
            "sessions": [activity("one", capacity=5)["sessions"][0] | times]
        })  # fmt: skip
        for _ in range(2):
            refused = await ask(client, "one", key=KEY, places=places)
            assert (refused.status_code, refused.json()["code"]) == (409, code)
            assert "token" not in refused.json()
        assert await kept(database) == NOTHING
        # What stood in the way is gone.
        await put(client, "street", activity("one", capacity=5))
        booked = await ask(client, "one", key=KEY, places=places)
        assert (booked.status_code, booked.json()["status"]) == (201, "confirmed")


async def test_whose_contacts_are_known_is_not_told_by_requests_that_leave_no_trace(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("full", capacity=1))
        await put(client, "fair", activity("free", capacity=5))
        await ask(client, "full")
        known = newcomer()
        await ask(client, "free", participant=known)
        for session_id, refusal in (("full", (409, "session_full")), ("none", (404, "session_unknown"))):
            for somebody in (known, newcomer()):
                refused = await ask(client, session_id, participant=somebody)
                assert (refused.status_code, refused.json()["code"]) == refusal


async def test_who_registers_and_cancels_again_and_again_is_refused_in_the_end(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        first = (await ask(client, "one")).json()
        token = first["token"]
        for _ in range(ROUNDS_MAX - 1):
            await cancel(client, first)
            assert (await ask(client, "one", token=token)).status_code == 201
        await cancel(client, first)
        refused = await ask(client, "one", token=token)
        assert (refused.status_code, refused.json()["code"]) == (409, "rounds_too_many")


async def test_a_full_session_takes_the_same_request_once_somebody_has_left(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1))
        holder = (await ask(client, "one")).json()
        before = await kept(database)
        refused = await ask(client, "one", key=KEY)
        assert (refused.status_code, refused.json()["code"]) == (409, "session_full")
        assert await kept(database) == before
        await cancel(client, holder)
        assert (await ask(client, "one", key=KEY)).json()["status"] == "confirmed"


async def test_a_known_participant_is_refused_the_same_way(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1))
        await put(client, "fair", activity("two", capacity=1))
        token = (await ask(client, "two")).json()["token"]
        await ask(client, "one")
        before = await kept(database)
        refused = await ask(client, "one", token=token, key=KEY)
        assert (refused.status_code, refused.json()["code"]) == (409, "session_full")
        assert await kept(database) == before


async def test_an_unknown_group_is_refused_until_it_is_put(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        pupil = newcomer(group_id="school-1")
        refused = await ask(client, "one", key=KEY, participant=pupil)
        assert (refused.status_code, refused.json()["code"]) == (422, "group_unknown")
        assert await kept(database) == NOTHING
        school = {"name": "一中", "kind": "school", "district": "华龙区"}
        await client.put("/groups/school-1", json=school, headers=ORGANISER)
        assert (await ask(client, "one", key=KEY, participant=pupil)).status_code == 201
        # A person is no group, whoever names it.
        person = (await ask(client, "one")).json()["participant_id"]
        of_person = await ask(client, "one", participant=newcomer(group_id=person))
        assert of_person.json()["code"] == "group_unknown"


async def test_a_newcomer_gets_a_few_places_and_a_week_cannot_be_booked_out(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=100))
        refused = await ask(client, "one", places=PERSON_PLACES_MAX + 1)
        assert (refused.status_code, refused.json()["code"]) == (403, "places_need_group")
        assert await kept(database) == NOTHING
        assert (await ask(client, "one", places=PERSON_PLACES_MAX)).status_code == 201
        assert await seats(client, "street") == (100 - PERSON_PLACES_MAX, 0)


async def test_a_token_is_given_again_only_for_a_day(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        first = await ask(client, "one", key=KEY)
        assert (await ask(client, "one", key=KEY)).json()["token"]
        long_ago = datetime.now(UTC) - TOKEN_AGAIN_MAX - timedelta(seconds=1)
        await database["requests"].update_one({}, {"$set": {"answered_at": long_ago}})
        late = await ask(client, "one", key=KEY)
        assert (late.status_code, late.json()["token"]) == (200, None)
        assert late.json()["registration_id"] == first.json()["registration_id"]


async def test_already_registered_is_told_by_what_holds_now(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        holder = (await ask(client, "one")).json()
        again = await ask(client, "one", token=holder["token"], key=KEY)
        assert (again.status_code, again.json()["code"]) == (200, "already_registered")
        assert again.json()["ticket_code"] == holder["ticket_code"]
        assert await database["requests"].count_documents({}) == 1
        await cancel(client, holder)
        anew = await ask(client, "one", token=holder["token"], key=KEY)
        assert (anew.status_code, anew.json()["code"]) == (201, None)


async def test_answers_are_kept_for_days_and_not_for_ever(mongo: str) -> None:
    async with service(mongo) as (_, database):
        indexes = await database["requests"].index_information()
        [ttl] = [one for one in indexes.values() if "expireAfterSeconds" in one]
        assert ttl["key"] == [("answered_at", 1)]
        assert ttl["expireAfterSeconds"] == ANSWER_DAYS_KEPT * 86_400

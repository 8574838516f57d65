"""Registering over HTTP, on the real database: outcomes, repeats, cancelling, tickets."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.registration.booking.bodies import DISTRICT_CHARS_MAX
from services.registration.booking.metrics import OUTCOMES
from services.registration.booking.rules import registration_id
from shared.contracts.sealing import unlock_contact, unlock_words, unseal_key
from tests.registration.builders import (
    CONTACT_PRIVATE_KEY,
    ORGANISER,
    activity,
    ask,
    bearer,
    cancel,
    check_in,
    newcomer,
    now_on,
    put,
    seats,
    service,
    told,
)

pytestmark = pytest.mark.stack


async def test_a_newcomer_gets_a_place_a_ticket_and_a_token(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        answer = await ask(client, "one")
        assert answer.status_code == 201, answer.text
        outcome = answer.json()
        assert (outcome["status"], outcome["position"]) == ("confirmed", None)
        own = await client.get("/registrations", headers=bearer(outcome["token"]))
        [mine] = own.json()["registrations"]
        assert mine["ticket_code"] == outcome["ticket_code"]
        assert await seats(client, "street") == (4, 0)
        [joined] = [json.loads(value) for value in await told(database, "participant.joined")]
        [keyed] = [json.loads(value) for value in await told(database, "participant.keyed")]
        [confirmed] = [json.loads(value) for value in await told(database, "registration.confirmed")]
        assert {one["participant_id"] for one in (joined, keyed, confirmed)} == {outcome["participant_id"]}
        assert {one["version"] for one in (joined, keyed, confirmed)} == {1}
        key = unseal_key(keyed["key_sealed"], CONTACT_PRIVATE_KEY)
        assert unlock_words(confirmed["ticket_sealed"], key) == outcome["ticket_code"]


async def test_no_name_address_or_ticket_code_is_kept_or_told_in_clear(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        answer = await ask(client, "one", participant=newcomer("张无忌", email="zhang@example.org"))
        [joined] = [json.loads(value) for value in await told(database, "participant.joined")]
        [keyed] = [json.loads(value) for value in await told(database, "participant.keyed")]
        key = unseal_key(keyed["key_sealed"], CONTACT_PRIVATE_KEY)
        contact = unlock_contact(joined["contact_sealed"], key, CONTACT_PRIVATE_KEY)
        assert (contact.name, contact.email) == ("张无忌", "zhang@example.org")
        code = answer.json()["ticket_code"]
        for collection in await database.list_collection_names():
            for document in await database[collection].find().to_list(None):
                for word in ("张无忌", "zhang", code, code.replace("-", "")):
                    assert word not in str(document), collection


async def test_a_repeated_request_is_answered_the_same_and_changes_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=1))
        for key in ("the-key-of-the-first", "the-key-of-the-second"):
            first, second = await ask(client, "one", key=key), await ask(client, "one", key=key)
            assert (first.status_code, second.status_code) == (201, 200)
            assert first.json() | {"token": ""} == second.json() | {"token": ""}
        assert await seats(client, "street") == (0, 1)
        assert await database["participants"].count_documents({}) == 2
        assert len(await told(database, "participant.joined")) == 2


async def test_a_key_with_another_body_is_refused_and_gives_no_token(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        await ask(client, "one", key="guessed-by-somebody")
        for other in (newcomer("王五"), newcomer(email="wang@example.org")):
            answer = await ask(client, "one", key="guessed-by-somebody", participant=other)
            assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
            assert "token" not in answer.json()


async def test_requests_that_cannot_be_considered_are_refused_and_leave_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        token = (await ask(client, "one")).json()["token"]
        unknown = await ask(client, "none")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "session_unknown")
        no_key = await client.post("/registrations", json={"session_id": "one", "participant": newcomer()})
        assert (no_key.status_code, no_key.json()["code"]) == (422, "invalid")
        for bad_key in ("a/b-and-some-more-of-it", "1", "shorter-than-16"):
            assert (await ask(client, "one", key=bad_key)).status_code == 422
        key = {"Idempotency-Key": "long-enough-for-a-key"}
        nobody = await client.post("/registrations", json={"session_id": "one"}, headers=key)
        assert (nobody.status_code, nobody.json()["code"]) == (422, "participant_missing")
        both = {"session_id": "one", "participant": newcomer()}
        twice = await client.post("/registrations", json=both, headers=key | bearer(token))
        assert (twice.status_code, twice.json()["code"]) == (422, "participant_and_token")
        assert await database["participants"].count_documents({}) == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("{", "body"),
        ("", "body"),
        ('"\xff"', "body"),
        ('{"participant": {"name": "\u674e\u5c0f\u660e"}}', "body.session_id"),
        ('{"session_id": "one", "participant": {"name": "\u674e\\n\u5c0f\u660e"}}', "body.participant.name"),
        (
            '{"session_id": "o", "participant": {"name": "x", "emial": "secret@b"}}',
            "body.participant.emial",
        ),
        ('{"session_id": "one", "participant": {"name": "x", "email": "secret"}}', "body.participant.email"),
        ('{"session_id": "one\\n", "participant": {"name": "x"}}', "body.session_id"),
        ('{"session_id": "one", "participant": {"name": "x\\u2028secret"}}', "body.participant.name"),
        ('{"session_id": "one", "participant": {"name": "see www.secret.cn"}}', "body.participant.name"),
        ('{"session_id": "one", "participant": {"name": "\\u200b\\u3164"}}', "body.participant.name"),
        ('{"session_id": "one", "places": 0, "participant": {"name": "x"}}', "body.places"),
    ],
)
async def test_a_form_that_is_not_in_order_is_told_by_its_place_and_never_quoted(
    mongo: str, body: str, place: str
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        raw = body.encode("latin-1" if "\xff" in body else "utf-8")
        answer = await client.post(
            "/registrations", content=raw, headers={"Idempotency-Key": "long-enough-for-a-key"}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert answer.json()["detail"].startswith(f"{place}: ")
        assert not any(word in answer.text for word in ("\u674e", "secret"))
        assert await database["participants"].count_documents({}) == 0


async def test_addresses_and_districts_as_people_have_them_are_taken(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        # The longest district that there may be still makes a token that services take.
        for fields in (
            {"email": "o'brien@example.ie"},
            {"email": "\uff11\uff12\uff13@qq.com"},
            {"district": "\U00020000" * DISTRICT_CHARS_MAX},
        ):
            answer = await ask(client, "one", participant=newcomer(**fields))
            assert answer.status_code == 201, answer.text
            own = await client.get("/registrations", headers=bearer(answer.json()["token"]))
            assert own.status_code == 200


async def test_who_is_registered_already_gets_that_registration(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        first = (await ask(client, "one")).json()
        again = await ask(client, "one", token=first["token"])
        assert (again.status_code, again.json()["code"]) == (200, "already_registered")
        assert again.json()["ticket_code"] == first["ticket_code"]
        assert await seats(client, "street") == (4, 0)
        assert len(await told(database, "registration.confirmed")) == 1


async def test_cancelling_promotes_the_head_of_the_waiting_list(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=5))
        holder, head, second = [(await ask(client, "one")).json() for _ in range(3)]
        for _ in range(2):
            answer = await cancel(client, holder)
            assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        promoted = await client.get(
            f"/registrations/{head['registration_id']}", headers=bearer(head["token"])
        )
        assert promoted.json()["status"] == "confirmed"
        assert promoted.json()["ticket_code"]
        waits = await client.get(
            f"/registrations/{second['registration_id']}", headers=bearer(second["token"])
        )
        assert (waits.json()["status"], waits.json()["position"]) == ("waitlisted", 1)
        assert await seats(client, "street") == (0, 1)
        assert len(await told(database, "registration.cancelled")) == 1
        confirmed = [json.loads(value) for value in await told(database, "registration.confirmed")]
        assert [(one["participant_id"], one["promoted"], one["version"]) for one in confirmed] == [
            (holder["participant_id"], False, 1),
            (head["participant_id"], True, 2),
        ]


async def test_a_waiting_head_that_cancels_lets_those_behind_it_move_up(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=4, waiting_max=5))
        await ask(client, "one", places=2)
        # The head wants more places than are free, so those behind it wait for it.
        head, second, third = [(await ask(client, "one", places=n)).json() for n in (3, 1, 1)]
        assert await seats(client, "street") == (2, 3)
        await cancel(client, head)
        assert await seats(client, "street") == (0, 0)
        for behind in (second, third):
            path = f"/registrations/{behind['registration_id']}"
            seen = (await client.get(path, headers=bearer(behind["token"]))).json()
            assert seen["status"] == "confirmed"
            assert (await client.get(path, headers=bearer(behind["token"]))).json()["ticket_code"]
        promoted = [json.loads(value) for value in await told(database, "registration.confirmed")]
        assert sum(one["promoted"] for one in promoted) == 2


async def test_who_cancelled_can_ask_again_and_is_told_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1))
        first = (await ask(client, "one")).json()
        for _ in range(2):
            path = f"/registrations/{first['registration_id']}/cancel"
            await client.post(path, headers=bearer(first["token"]))
            again = await ask(client, "one", token=first["token"])
            assert (again.status_code, again.json()["status"]) == (201, "confirmed")
            assert again.json()["registration_id"] == first["registration_id"]
            assert again.json()["ticket_code"] != first["ticket_code"]
        assert await seats(client, "street") == (0, 0)
        confirmed = [json.loads(value) for value in await told(database, "registration.confirmed")]
        cancelled = [json.loads(value) for value in await told(database, "registration.cancelled")]
        assert [one["version"] for one in confirmed] == [1, 3, 5]
        assert [one["version"] for one in cancelled] == [2, 4]


async def test_nobody_sees_or_cancels_anothers_registration_but_an_organiser_may_cancel(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        mine, yours = [(await ask(client, "one")).json() for _ in range(2)]
        path = f"/registrations/{mine['registration_id']}"
        missing = f"/registrations/{registration_id('nobody', 'one')}"
        for somewhere in (path, missing):
            seen = await client.get(somewhere, headers=bearer(yours["token"]))
            cancelled = await client.post(f"{somewhere}/cancel", headers=bearer(yours["token"]))
            for answer in (seen, cancelled):
                assert (answer.status_code, answer.json()["code"]) == (404, "registration_unknown")
        assert (await client.get(path)).status_code == 401
        assert (await client.post(f"{path}/cancel")).status_code == 401
        wrong = await client.post(f"{path}/cancel", headers={"X-Organiser-Key": "not-the-organisers-key"})
        assert wrong.status_code == 403
        assert (await client.post(f"{path}/cancel", headers=ORGANISER)).json()["status"] == "cancelled"


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
        times: dict[str, Any] = {"starts_at": (now + begins).isoformat(), "ends_at": (now + ends).isoformat()}
        moved = await put(client, "street", activity("one", capacity=5, **times))
        assert moved.status_code == 200, moved.text
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


async def test_group_bookings_take_several_places_and_keep_the_order(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=10, waiting_max=5))
        await put(client, "fair", activity("two", capacity=10))
        single = (await ask(client, "one", places=4)).json()
        teacher = (await ask(client, "two", places=1)).json()
        team = (await ask(client, "one", token=teacher["token"], places=8)).json()
        latecomer = (await ask(client, "one")).json()
        assert [one["status"] for one in (single, team, latecomer)] == [
            "confirmed",
            "waitlisted",
            "waitlisted",
        ]
        assert await seats(client, "street") == (6, 2)
        path = f"/registrations/{single['registration_id']}/cancel"
        await client.post(path, headers=bearer(single["token"]))
        assert await seats(client, "street") == (1, 0)


async def test_every_outcome_is_counted_from_nothing_on(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        text = (await client.get("/metrics")).text
        for outcome in OUTCOMES:
            assert f'kepu_registrations_total{{outcome="{outcome}"}}' in text

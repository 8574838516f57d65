"""Registering over HTTP, on the real database: outcomes, repeats, cancelling, tickets, erasure."""

import json
from typing import Any

import pytest

from services.registration.rules import registration_id
from shared.contracts.sealing import unseal
from tests.registration.builders import (
    CONTACT_PRIVATE_KEY,
    ORGANISER,
    activity,
    ask,
    bearer,
    newcomer,
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
        assert [one["ticket_code"] for one in own.json()] == [outcome["ticket_code"]]
        assert await seats(client, "street") == (4, 0)
        [joined] = await told(database, "participant.joined")
        assert outcome["participant_id"] in joined
        [confirmed] = await told(database, "registration.confirmed")
        assert json.loads(confirmed)["ticket_code"] == outcome["ticket_code"]


async def test_no_name_or_address_is_kept_or_told_unsealed(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        await ask(client, "one", participant=newcomer("张无忌", email="zhang@example.org"))
        [joined] = [json.loads(value) for value in await told(database, "participant.joined")]
        contact = unseal(joined["contact_sealed"], CONTACT_PRIVATE_KEY)
        assert (contact.name, contact.email) == ("张无忌", "zhang@example.org")
        for collection in await database.list_collection_names():
            for document in await database[collection].find().to_list(None):
                assert "张无忌" not in str(document)
                assert "zhang" not in str(document)


async def test_a_repeated_request_is_answered_the_same_and_changes_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=1))
        for key in ("a", "b", "c"):
            first, second = await ask(client, "one", key=key), await ask(client, "one", key=key)
            assert (first.status_code, second.status_code) == (201, 200)
            assert first.json() | {"token": ""} == second.json() | {"token": ""}
        assert await seats(client, "street") == (0, 1)
        assert await database["participants"].count_documents({}) == 3
        assert len(await told(database, "registration.rejected")) == 1


async def test_a_key_with_another_body_is_refused_and_gives_no_token(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        await ask(client, "one", key="guessed")
        for other in (newcomer("王五"), newcomer(email="wang@example.org")):
            answer = await ask(client, "one", key="guessed", participant=other)
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
        bad_key = await ask(client, "one", key="a/b")
        assert bad_key.status_code == 422
        key = {"Idempotency-Key": "k"}
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
        ('{"session_id": "one", "places": 0, "participant": {"name": "x"}}', "body.places"),
    ],
)
async def test_a_form_that_is_not_in_order_is_told_by_its_place_and_never_quoted(
    mongo: str, body: str, place: str
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        raw = body.encode("latin-1" if "\xff" in body else "utf-8")
        answer = await client.post("/registrations", content=raw, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert answer.json()["detail"].startswith(f"{place}: ")
        assert not any(word in answer.text for word in ("\u674e", "secret"))
        assert await database["participants"].count_documents({}) == 0


async def test_a_rejected_newcomer_is_told_why_and_can_ask_elsewhere_with_the_token(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1))
        await put(client, "fair", activity("two", capacity=1))
        late: dict[str, Any] = {"opens_at": "2020-01-01T00:00:00Z", "closes_at": "2020-01-02T00:00:00Z"}
        await put(client, "past", activity("three", capacity=1, **late))
        await put(
            client,
            "early",
            activity("four", capacity=1, opens_at=activity("x", 1)["sessions"][0]["starts_at"]),
        )
        await ask(client, "one")
        full = (await ask(client, "one")).json()
        assert (full["status"], full["code"], full["registration_id"]) == ("rejected", "session_full", None)
        codes = [(await ask(client, one, token=full["token"])).json()["code"] for one in ("three", "four")]
        assert codes == ["session_closed", "session_not_open"]
        assert (await ask(client, "two", token=full["token"])).json()["status"] == "confirmed"
        assert (await ask(client, "one", token=full["token"], places=2)).json()[
            "code"
        ] == "places_above_capacity"
        assert len(await told(database, "registration.rejected")) == 4
        assert len(await told(database, "participant.joined")) == 2


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
        path = f"/registrations/{holder['registration_id']}/cancel"
        for _ in range(2):
            answer = await client.post(path, headers=bearer(holder["token"]))
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
        assert [(one["participant_id"], one["promoted"]) for one in confirmed] == [
            (holder["participant_id"], False),
            (head["participant_id"], True),
        ]


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
        assert len(await told(database, "registration.confirmed")) == 3
        assert len(await told(database, "registration.cancelled")) == 2


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
        await put(client, "street", activity("one", capacity=5))
        holder = (await ask(client, "one")).json()
        spoken = {"ticket_code": holder["ticket_code"].lower().replace("-", " ")}
        assert (await client.post("/check-ins", json=spoken)).status_code == 401
        arrivals = [
            (await client.post("/check-ins", json=spoken, headers=ORGANISER)).json() for _ in range(2)
        ]
        assert [one["already"] for one in arrivals] == [False, True]
        assert arrivals[0]["registration"] == arrivals[1]["registration"]
        assert arrivals[0]["registration"]["status"] == "checked_in"
        assert len(await told(database, "registration.checked_in")) == 1
        unknown = await client.post("/check-ins", json={"ticket_code": "00000-00000"}, headers=ORGANISER)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "ticket_unknown")
        path = f"/registrations/{holder['registration_id']}/cancel"
        late = await client.post(path, headers=bearer(holder["token"]))
        assert (late.status_code, late.json()["code"]) == (409, "already_checked_in")


async def test_a_cancelled_ticket_lets_nobody_in(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        holder = (await ask(client, "one")).json()
        await client.post(f"/registrations/{holder['registration_id']}/cancel", headers=ORGANISER)
        ticket = {"ticket_code": holder["ticket_code"]}
        answer = await client.post("/check-ins", json=ticket, headers=ORGANISER)
        assert (answer.status_code, answer.json()["code"]) == (409, "ticket_cancelled")


async def test_an_erased_participant_leaves_no_profile_and_no_place(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=5))
        gone = (await ask(client, "one", key="mine")).json()
        head = (await ask(client, "one")).json()
        me = bearer(gone["token"])
        erased = [await client.delete("/participants/me", headers=me) for _ in range(2)]
        assert [answer.status_code for answer in erased] == [200, 200]
        assert erased[0].json() == erased[1].json()
        kept = await database["participants"].find_one({"_id": gone["participant_id"]})
        assert kept is not None
        assert {name for name, value in kept.items() if value is not None} == {
            "_id", "version", "erased_at", "locks",
        }  # fmt: skip
        promoted = await client.get(
            f"/registrations/{head['registration_id']}", headers=bearer(head["token"])
        )
        assert promoted.json()["status"] == "confirmed"
        assert len(await told(database, "participant.erased")) == 1
        [cancelled] = await told(database, "registration.cancelled")
        assert json.loads(cancelled)["code"] == "participant_erased"
        with_token = await ask(client, "one", token=gone["token"])
        with_key = await ask(client, "one", key="mine")
        for answer in (with_token, with_key):
            assert (answer.status_code, answer.json()["code"]) == (403, "participant_erased")


async def test_group_bookings_take_several_places_and_keep_the_order(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=10, waiting_max=5))
        single, team, latecomer = [(await ask(client, "one", places=n)).json() for n in (4, 8, 1)]
        assert [one["status"] for one in (single, team, latecomer)] == [
            "confirmed",
            "waitlisted",
            "waitlisted",
        ]
        assert await seats(client, "street") == (6, 2)
        path = f"/registrations/{single['registration_id']}/cancel"
        await client.post(path, headers=bearer(single["token"]))
        assert await seats(client, "street") == (1, 0)

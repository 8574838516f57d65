"""Registering over HTTP, on the real database: outcomes, repeats, cancelling, tickets."""

import json

import pytest

from services.registration.booking.metrics import OUTCOMES
from services.registration.participants.rules import DISTRICT_CHARS_MAX
from shared.contracts.sealing import decrypt_contact, decrypt_words, unseal_key
from tests.registration.builders import activity, ask, newcomer, put, seats, service
from tests.support.service import CONTACT_PRIVATE_KEY, bearer, in_outbox

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
        [joined] = [json.loads(value) for value in await in_outbox(database, "participant.joined")]
        [keyed] = [json.loads(value) for value in await in_outbox(database, "participant.keyed")]
        [confirmed] = [json.loads(value) for value in await in_outbox(database, "registration.confirmed")]
        assert {one["participant_id"] for one in (joined, keyed, confirmed)} == {outcome["participant_id"]}
        assert {one["version"] for one in (joined, keyed, confirmed)} == {1}
        key = unseal_key(keyed["key_sealed"], CONTACT_PRIVATE_KEY)
        assert decrypt_words(confirmed["ticket_sealed"], key) == outcome["ticket_code"]


async def test_no_name_address_or_ticket_code_is_kept_or_told_in_clear(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        answer = await ask(client, "one", participant=newcomer("张无忌", email="zhang@example.org"))
        [joined] = [json.loads(value) for value in await in_outbox(database, "participant.joined")]
        [keyed] = [json.loads(value) for value in await in_outbox(database, "participant.keyed")]
        key = unseal_key(keyed["key_sealed"], CONTACT_PRIVATE_KEY)
        contact = decrypt_contact(joined["contact_sealed"], key, CONTACT_PRIVATE_KEY)
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
        assert len(await in_outbox(database, "participant.joined")) == 2


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
            '{"session_id": "o", "participant": {"name": "x", "email": "a@b.cn", "emial": "secret@b"}}',
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
        assert len(await in_outbox(database, "registration.confirmed")) == 1


async def test_group_bookings_take_several_places_and_keep_the_order(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=10, waiting_max=5, places_per_person_max=8))
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

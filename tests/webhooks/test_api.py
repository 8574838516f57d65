"""The routes, as organisers use them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.webhooks.deliveries.handlers import DeliveryHandler
from services.webhooks.deliveries.store import DeliveryStore
from services.webhooks.endpoints.rules import CONTRACTS, ENDPOINTS_MAX
from services.webhooks.endpoints.store import EndpointStore
from shared.contracts.envelope import Event
from shared.storage.mongo import Database
from tests.support.service import ORGANISER, batch_of, code_of, new_id
from tests.webhooks.builders import LONG_AGO, checked_in, service, verified
from tests.webhooks.receiver import receiving

pytestmark = pytest.mark.stack
BODY = {"url": "https://museum.example.org/events", "types": ["kepu.registration.checked_in.v1"]}


@pytest.fixture
async def running(mongo: str) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    async with service(mongo, role="api") as ([client], database):
        yield client, database


async def put(client: httpx.AsyncClient, at: str = "museum", **changes: Any) -> httpx.Response:
    return await client.put(f"/endpoints/{at}", json=BODY | changes, headers=ORGANISER)


async def post(client: httpx.AsyncClient, path: str, **body: Any) -> httpx.Response:
    return await client.post(f"/endpoints/museum{path}", json=body or None, headers=ORGANISER)


async def handle(database: Database, *happened: Event) -> None:
    handler = DeliveryHandler(EndpointStore(database), DeliveryStore(database), lambda: None)
    await handler.store(batch_of(*happened))


async def test_a_secret_is_shown_once_and_stored_encrypted(
    running: tuple[httpx.AsyncClient, Database],
) -> None:
    client, database = running
    made = await put(client)
    assert made.status_code == 200, made.text
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    again = await put(client)
    assert again.json()["secret"] is None
    shown = await client.get("/endpoints/museum", headers=ORGANISER)
    listed = await client.get("/endpoints", headers=ORGANISER)
    stored = str(await database["endpoints"].find_one({}))
    for text in (again.text, shown.text, listed.text, stored):
        assert secret.removeprefix("whsec_") not in text
    assert listed.json()["endpoints"] == [shown.json()]
    assert shown.json().keys() == made.json().keys() - {"secret"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "https://user@museum.example.org/"}, "url_invalid"),
        ({"types": ["kepu.quiz.submitted.v1"]}, "event_type_unknown"),
        ({"endpoint_id": "another"}, "endpoint_id_differs"),
        ({"types": []}, "invalid"),
    ],
)
async def test_what_cannot_be_an_endpoint_is_refused(
    running: tuple[httpx.AsyncClient, Database], changes: dict[str, Any], code: str
) -> None:
    client, _ = running
    assert code_of(await put(client, **changes)) == (422, code)


async def test_an_endpoint_without_tls_is_refused_unless_a_setting_allows_it(mongo: str) -> None:
    async with service(mongo, role="api", webhook_allow_private=False) as ([client], _):
        assert code_of(await put(client, url="http://museum.example.org/")) == (422, "url_invalid")
        assert (await put(client, url="https://127.0.0.1:1/")).is_success
        pinged = (await post(client, "/ping")).json()
    assert (pinged["delivered"], pinged["code"]) == (False, "address_refused")


async def test_a_test_delivery_says_at_once_what_came_of_it(
    running: tuple[httpx.AsyncClient, Database],
) -> None:
    client, _ = running
    async with receiving() as partner:
        secret = (await put(client, url=partner.url)).json()["secret"]
        partner.answers = [204, 500]
        good, bad = [(await post(client, "/ping")).json() for _ in range(2)]
    assert (good["delivered"], good["status"], good["code"]) == (True, 204, None)
    assert (bad["delivered"], bad["status"], bad["code"]) == (False, 500, "server_failed")
    event = verified(partner.got[0], secret)
    assert event["type"] == "kepu.webhook.ping.v1"
    assert partner.got[0].message_id == good["message_id"]


async def test_a_secret_is_rotated_and_no_third_one_signs(
    running: tuple[httpx.AsyncClient, Database],
) -> None:
    client, _ = running
    first = (await put(client)).json()["secret"]
    rotated = (await post(client, "/rotation", at_once=False)).json()
    assert rotated["secret"] != first
    assert rotated["secrets_until"] is not None
    assert code_of(await post(client, "/rotation", at_once=False)) == (409, "rotation_under_way")
    at_once = (await post(client, "/rotation", at_once=True)).json()
    assert at_once["secrets_until"] is None


async def test_deliveries_are_listed_and_sent_again(running: tuple[httpx.AsyncClient, Database]) -> None:
    client, database = running
    await put(client)
    await database["endpoints"].update_one({}, {"$set": {"created_at": LONG_AGO}})
    await handle(database, *[checked_in(new_id()) for _ in range(3)])
    page = (await client.get("/endpoints/museum/deliveries?limit=2", headers=ORGANISER)).json()
    rest = await client.get(f"/endpoints/museum/deliveries?after={page['after']}", headers=ORGANISER)
    listed = page["deliveries"] + rest.json()["deliveries"]
    assert len({one["message_id"] for one in listed}) == 3
    assert {one["state"] for one in listed} == {"pending"}
    none = await client.get("/endpoints/museum/deliveries?state=failed", headers=ORGANISER)
    assert none.json() == {"deliveries": [], "after": None}
    one = f"/endpoints/museum/deliveries/{listed[0]['message_id']}"
    assert (await client.get(one, headers=ORGANISER)).json() == listed[0]
    again = await client.post(f"{one}/replay", headers=ORGANISER)
    assert again.status_code == 200, again.text
    period = {"since": listed[-1]["appended_at"], "until": "2099-01-01T00:00:00Z"}
    assert (await post(client, "/replay", **period)).json() == {"count": 0}
    old = {"since": "2001-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
    assert code_of(await post(client, "/replay", **old)) == (422, "period_too_old")
    assert code_of(await post(client, "/replay", **(old | {"until": old["since"]}))) == (422, "period_empty")


async def test_what_is_not_there_is_named(running: tuple[httpx.AsyncClient, Database]) -> None:
    client, _ = running
    for path in ("", "/deliveries"):
        answer = await client.get(f"/endpoints/museum{path}", headers=ORGANISER)
        assert code_of(answer) == (404, "endpoint_unknown")
    for path in ("/ping", "/enable", "/disable"):
        assert code_of(await post(client, path)) == (404, "endpoint_unknown")
    await put(client)
    message = "msg_0d9b6f1e-6a55-5c39-9c0e-6c3f6f1f2a10"
    answer = await client.get(f"/endpoints/museum/deliveries/{message}", headers=ORGANISER)
    assert code_of(answer) == (404, "delivery_unknown")
    assert code_of(await post(client, f"/deliveries/{message}/replay")) == (404, "delivery_unknown")


async def test_an_endpoint_is_disabled_enabled_and_deleted(
    running: tuple[httpx.AsyncClient, Database],
) -> None:
    client, database = running
    await put(client)
    assert (await post(client, "/disable")).json()["disabled"] == "by_organiser"
    assert (await post(client, "/enable")).json()["state"] == "enabled"
    assert (await client.delete("/endpoints/museum", headers=ORGANISER)).status_code == 204
    assert await database["endpoints"].count_documents({}) == 0


async def test_there_are_so_many_endpoints_and_no_more(running: tuple[httpx.AsyncClient, Database]) -> None:
    client, database = running
    await put(client)
    [one] = await database["endpoints"].find({}).to_list(None)
    more = [one | {"_id": f"e-{number}", "key": f"e-{number}"} for number in range(ENDPOINTS_MAX - 1)]
    await database["endpoints"].insert_many(more)
    assert code_of(await put(client, "another")) == (409, "too_many_endpoints")
    assert (await put(client, description="市博物馆")).is_success


async def test_the_types_are_listed_with_what_they_say(running: tuple[httpx.AsyncClient, Database]) -> None:
    client, _ = running
    listed = (await client.get("/event-types", headers=ORGANISER)).json()["types"]
    assert [one["type"] for one in listed] == list(CONTRACTS)
    assert all(one["says"] for one in listed)

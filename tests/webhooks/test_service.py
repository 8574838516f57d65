"""The whole service on the real broker and database: events in, deliveries out."""

import httpx
import pytest

from shared.contracts import topics
from shared.contracts.topics import WEBHOOKS
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import publishing
from tests.support.kafka import headers_of, read_all, skip_to_end, write_raw
from tests.support.service import ORGANISER, enclosed, new_id
from tests.support.waiting import eventually
from tests.webhooks.builders import checked_in, issued, service, verified
from tests.webhooks.receiver import receiving

pytestmark = pytest.mark.stack
TYPES = ["kepu.award.issued.v1", "kepu.registration.checked_in.v1"]


async def put(client: httpx.AsyncClient, endpoint_id: str, url: str) -> str:
    answer = await client.put(
        f"/endpoints/{endpoint_id}", json={"url": url, "types": TYPES}, headers=ORGANISER
    )
    secret: str = answer.json()["secret"]
    return secret


async def test_events_are_delivered_once_signed_and_broken_records_are_dead_letters(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka, wanted=topics.with_optional([WEBHOOKS]))
    await skip_to_end(kafka, WEBHOOKS)
    people = [new_id() for _ in range(20)]
    poison = enclosed(checked_in(new_id()))
    async with (
        receiving() as partner,
        publishing(kafka, "tests") as publisher,
        service(mongo, kafka=kafka, copies=2) as (clients, _),
    ):
        secret = await put(clients[0], "museum", partner.url)
        happened = [enclosed(event) for who in people for event in (checked_in(who), issued(who))]
        await publisher.publish(happened)
        await publisher.publish(happened)
        await write_raw(kafka, poison.event.topic, [(b"key", b"{}", headers_of(poison))])
        wanted = {one.context.id for one in happened}

        def all_delivered() -> bool:
            return wanted <= {verified(one, secret)["id"] for one in partner.got}

        await eventually(all_delivered)
        # Other tests may write to these topics too.
        ours = [verified(one, secret)["id"] for one in partner.got]
        assert all(ours.count(id_) == 1 for id_ in wanted)

        async def is_dead() -> bool:
            dead = await read_all(kafka, topics.dead_letters(poison.event.topic, WEBHOOKS))
            return any(dict(one.headers).get("ce_id") == poison.context.id.encode() for one in dead)

        await eventually(is_dead)

        async def is_well() -> bool:
            health = (await clients[0].get("/health")).json()
            return bool(health["status"] == "ok")

        await eventually(is_well)
        checks = (await clients[0].get("/health")).json()["checks"]
        assert {"consumer webhooks", "webhooks", "upkeep"} <= checks.keys()
        metrics = (await clients[0].get("/metrics")).text
        assert 'kepu_webhook_deliveries_total{endpoint="museum",outcome="delivered"}' in metrics
        assert not [who for who in people if who in metrics]

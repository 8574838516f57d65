"""The whole service on the real broker and database: events in, the overview out."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ops.deployment.organisers import add
from shared.contracts import topics
from shared.contracts.events import AwardIssued, RegistrationCheckedIn
from shared.contracts.topics import OVERVIEW
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import publishing
from tests.overview.builders import service
from tests.support.kafka import headers_of, read_all, write_raw
from tests.support.service import ORGANISER, code_of, enclosed, new_id
from tests.support.waiting import eventually
from tests.webhooks.builders import golden

pytestmark = pytest.mark.stack
Json = dict[str, Any]


async def overview(client: httpx.AsyncClient, **headers: str) -> Json:
    answer = await client.get("/overview", params={"minutes": 5}, headers=ORGANISER | headers)
    assert answer.is_success, answer.text
    found: Json = answer.json()
    return found


async def test_events_are_counted_once_by_any_number_of_copies_and_broken_records_are_dead_letters(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka, wanted=topics.with_optional([OVERVIEW]))
    people = [new_id() for _ in range(20)]
    came = [enclosed(golden(RegistrationCheckedIn, participant_id=who)) for who in people]
    won = [enclosed(golden(AwardIssued, recipient_id=who)) for who in people[:5]]
    poison = enclosed(golden(RegistrationCheckedIn, participant_id=new_id()))
    services = "gone=http://127.0.0.1:1"
    async with (
        publishing(kafka, "tests") as publisher,
        service(mongo, kafka=kafka, copies=2, overview_services=services) as ([client, other], _),
    ):
        await publisher.publish([*came, *won])
        await write_raw(kafka, poison.event.topic, [(b"key", b"{}", headers_of(poison))])

        async def counted() -> Json:
            return await overview(client)

        # Other tests may write to these topics too, and have.
        def all_counted(one: Json) -> bool:
            latest = [minute["events"] for minute in one["minutes"]]
            in_minutes = sum(events["registration.checked_in"] for events in latest)
            return bool(one["totals"]["award.issued"] >= len(won) and in_minutes >= len(came))

        found = await eventually(counted, all_counted)
        assert found["newest_at"] <= found["as_of"]

        async def is_dead() -> bool:
            dead = await read_all(kafka, topics.dead_letters(poison.event.topic, OVERVIEW))
            return any(dict(one.headers).get("ce_id") == poison.context.id.encode() for one in dead)

        await eventually(is_dead)

        def is_watched(one: Json) -> bool:
            return one["behind"] is not None and one["services"] is not None

        found = await eventually(counted, is_watched)
        assert {one["group"] for one in found["behind"]} == set(topics.WATCHED)
        [gone] = found["services"]
        assert (gone["service"], gone["status"]) == ("gone", "unreachable")
        english, chinese = [
            (await overview(other, **{"Accept-Language": language}))["services"][0]["problems"][0]
            for language in ("en", "zh-CN")
        ]
        assert english["runbook"] == "KepuServiceGone"
        assert english["advice"].isascii()
        assert "系统管理员" in chinese["advice"]


async def test_only_organisers_see_it(mongo: str, tmp_path: Any) -> None:
    file = tmp_path / "organisers.json"
    viewer = add(file, "viewer", "viewer", datetime.now(UTC))
    async with service(mongo, role="api", organiser_keys_file=file) as ([client], _):
        assert code_of(await client.get("/overview"))[0] == 401
        assert (await client.get("/overview", headers={"X-Organiser-Key": viewer})).is_success
        found = await overview(client)
        assert (found["newest_at"], found["minutes"], found["behind"], found["services"]) == (
            None,
            [],
            None,
            None,
        )
        wrong = await client.get("/overview", params={"minutes": 0}, headers=ORGANISER)
        assert code_of(wrong) == (422, "invalid")

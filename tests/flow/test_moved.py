"""
A session moves, its organiser writes a message, and it is cancelled: everybody concerned reads of it once.
"""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.contracts import topics
from shared.messaging.create_topics import create_missing
from tests.notifications import builders as of_notifications
from tests.notifications.sending.post_office import PostOffice, open_office
from tests.registration import builders as of_registration
from tests.registration.builders import activity, ask, newcomer, put
from tests.support.kafka import skip_to_end
from tests.support.service import ORGANISER, bearer, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

SUBJECTS = {
    "zh-CN": ("【科技活动周】时间或地点变更通知：", "【科技活动周】报名取消通知："),
    "en": (
        "[Science & Technology Week] New time or venue: ",
        "[Science & Technology Week] Registration cancelled: ",
    ),
}


async def subjects(notifications: httpx.AsyncClient, person: dict[str, Any]) -> list[str]:
    answer = await notifications.get("/inbox?limit=100", headers=bearer(person["token"]))
    return [message["subject"] for message in answer.json()["messages"]]


async def count_of(notifications: httpx.AsyncClient, people: list[dict[str, Any]], which: int) -> list[int]:
    """How many messages of this kind each has, in the language of that person."""
    return [
        sum(
            subject.startswith(SUBJECTS[person["language"]][which])
            for subject in await subjects(notifications, person)
        )
        for person in people
    ]


async def registered(client: httpx.AsyncClient, session_id: str) -> list[dict[str, Any]]:
    """Six people, of whom three have a place and three wait; every second one reads English."""
    people: list[dict[str, Any]] = []
    for number in range(6):
        language = "en" if number % 2 else "zh-CN"
        who = newcomer(language=language, email=f"{session_id}-{number}@example.org")
        people.append((await ask(client, session_id, participant=who)).json() | {"language": language})
    return people


async def write_to_all(
    client: httpx.AsyncClient,
    notifications: httpx.AsyncClient,
    session_id: str,
    people: list[dict[str, Any]],
) -> None:
    """An organiser writes a message, which each of these has once."""
    words = {"subject": f"带伞 {session_id}", "body": "看台没有顶棚。", "to": "all"}
    headers = ORGANISER | {"Idempotency-Key": str(uuid4())}
    sent = await client.post(f"/sessions/{session_id}/messages", json=words, headers=headers)
    assert sent.status_code == 202

    async def all_have_it() -> bool:
        return all([(await subjects(notifications, one)).count(words["subject"]) == 1 for one in people])

    await eventually(all_have_it)


async def test_holders_and_those_who_wait_read_of_it_once_in_their_language(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    await skip_to_end(kafka, topics.NOTIFICATIONS)
    session_id = new_id("moved")
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(open_office(PostOffice()))
        [notifications], _ = await stack.enter_async_context(
            of_notifications.service(
                mongo, kafka=kafka, role="all", smtp_host="127.0.0.1", smtp_port=office.port
            )
        )
        # Two copies, both of which notify people in the background.
        [client, _], _ = await stack.enter_async_context(
            of_registration.service(mongo, kafka=kafka, role="all", copies=2)
        )
        await put(client, session_id, activity(session_id, capacity=3, waiting_max=9))
        people = await registered(client, session_id)
        path = f"/sessions/{session_id}/calendar.ics"
        before = (await client.get(path)).content
        later = datetime.now(UTC) + timedelta(days=3)
        times = {"starts_at": later.isoformat(), "ends_at": (later + timedelta(hours=1)).isoformat()}
        await put(
            client, session_id, activity(session_id, capacity=3, waiting_max=9, venue="体育馆", **times)
        )
        await eventually(
            lambda: count_of(notifications, people, 0), lambda counts: sum(counts) >= 6, seconds=60
        )
        moved = (await client.get(path)).content
        assert f"DTSTART:{later:%Y%m%dT%H%M%SZ}".encode() in moved
        assert b"SEQUENCE:1\r\n" in before
        assert b"SEQUENCE:2\r\n" in moved
        await write_to_all(client, notifications, session_id, people)
        reason = {"reason": "weather", "text": "因大雨取消"}
        await client.post(f"/sessions/{session_id}/cancel", json=reason, headers=ORGANISER)
        await eventually(
            lambda: count_of(notifications, people, 1), lambda counts: sum(counts) >= 6, seconds=60
        )
        # Each kind once for each, and in no other language.
        for person in people:
            read = await subjects(notifications, person)
            other = "en" if person["language"] == "zh-CN" else "zh-CN"
            assert [
                sum(one.startswith(subject) for one in read) for subject in SUBJECTS[person["language"]]
            ] == [1, 1]
            assert not [one for one in read if one.startswith(SUBJECTS[other])]
        [told] = [
            message
            for message in (await notifications.get("/inbox", headers=bearer(people[5]["token"]))).json()[
                "messages"
            ]
            if message["subject"].startswith(SUBJECTS["en"][1])
        ]
        assert "Reason: 因大雨取消" in told["body"]
        assert b"STATUS:CANCELLED\r\n" in (await client.get(path)).content

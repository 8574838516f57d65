"""The whole service on the real broker, database and mail server: events in, messages out."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from services.notifications.texts.policy import channels_of
from shared.contracts import topics
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import NotificationDelivered, NotificationFailed
from shared.contracts.topics import dead_letters
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import Publisher, publishing
from shared.runtime.logs import JsonLines
from tests.notifications.builders import (
    NAME,
    TICKET,
    address_of,
    confirmed,
    erased,
    everything,
    known,
    messages_of_everything,
    requested,
    service,
)
from tests.notifications.sending.post_office import PostOffice, open_office
from tests.support.kafka import headers_of, read_all, skip_to_end, write_raw
from tests.support.service import ORGANISER, as_participant, enclosed, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


class Week:
    """Copies of notifications over one database, with a mail server, and what they say on Kafka."""

    def __init__(
        self, kafka: str, clients: list[httpx.AsyncClient], publisher: Publisher, office: PostOffice
    ) -> None:
        self.kafka = kafka
        self.clients = clients
        self.office = office
        self._publisher = publisher

    async def publish(self, *happened: Event | Envelope[Event]) -> None:
        envelopes = [one if isinstance(one, Envelope) else enclosed(one) for one in happened]
        await self._publisher.publish(envelopes)

    async def inbox(self, who: str) -> list[dict[str, Any]]:
        answer = await self.clients[0].get("/inbox?limit=100", headers=as_participant(who))
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    async def delivered(self, *people: str) -> list[tuple[str, NotificationDelivered]]:
        """Event ids and events of these people, as Kafka has them."""
        records = await read_all(self.kafka, NotificationDelivered.topic)
        told = [
            (
                dict(record.headers)["ce_id"].decode(),
                NotificationDelivered.model_validate_json(record.value or b""),
            )
            for record in records
        ]
        return [(id_, event) for id_, event in told if event.participant_id in people]


async def is_well(client: httpx.AsyncClient) -> bool:
    return bool((await client.get("/health")).json()["status"] == "ok")


@asynccontextmanager
async def week(kafka: str, mongo: str, copies: int = 1, **changes: object) -> AsyncIterator[Week]:
    await create_missing(kafka)
    await skip_to_end(kafka, topics.NOTIFICATIONS)
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(open_office())
        publisher = await stack.enter_async_context(publishing(kafka, "tests"))
        mails: dict[str, object] = {"smtp_host": "127.0.0.1", "smtp_port": office.port}
        clients, _ = await stack.enter_async_context(
            service(mongo, kafka=kafka, copies=copies, **mails, **changes)
        )
        yield Week(kafka, clients, publisher, office)


async def test_events_come_out_as_inbox_messages_mails_and_delivered_events(kafka: str, mongo: str) -> None:
    person, early, unheard = new_id(), new_id(), new_id()
    happened = [enclosed(event) for event in everything(person)]
    async with week(kafka, mongo) as at:
        # The contact of `early` comes after what is to be mailed, that of `unheard` never.
        await at.publish(*known(person), *happened, confirmed(early), requested(unheard))
        await at.publish(*happened)
        mails = sum("email" in channels_of(event) for event in everything(person))
        await eventually(lambda: len(at.office.of(address_of(person))) >= mails)
        assert at.office.of(address_of(early)) == []
        await at.publish(*known(early))
        await eventually(lambda: len(at.office.of(address_of(early))) == 1)

        async def all_told() -> bool:
            return (
                len({id_ for id_, _ in await at.delivered(person, early, unheard)})
                == messages_of_everything() + 2 + 1
            )

        await eventually(all_told)
        told = await at.delivered(person, early, unheard)
        assert len(await at.inbox(person)) == len(happened)
        assert [message["subject"] for message in await at.inbox(unheard)] == ["场地变更通知"]
        summary = (await at.clients[0].get("/deliveries/summary", headers=ORGANISER)).json()
        await eventually(lambda: is_well(at.clients[0]))
        checks = (await at.clients[0].get("/health")).json()["checks"]
        loops = {"mail", "upkeep", "erasing", "ended_tokens"}
        assert set(checks) == {"mongo", "kafka", "relay", "consumer notifications"} | loops
    # Events of other tests may come in between, of people whom this service does not know either.
    [waiting] = [one["count"] for one in summary["counts"] if one["state"] == "waiting_contact"]
    assert waiting >= 1
    assert set(at.office.counts.values()) == {1}
    events = dict(told)
    # A repeat may say it again, but never differently.
    assert all(events[id_] == event for id_, event in told)
    causes = {(event.cause_id, event.channel) for event in events.values() if event.participant_id == person}
    assert {cause for cause, _ in causes} == {one.context.id for one in happened}


async def test_two_copies_share_the_work_and_each_mail_goes_out_once(kafka: str, mongo: str) -> None:
    people = [new_id() for _ in range(200)]
    async with week(kafka, mongo, copies=2) as at:
        await at.publish(*known(*people))
        happened = [enclosed(confirmed(person)) for person in people]
        for start in range(0, 200, 40):
            await at.publish(*happened[start : start + 40])
        await at.publish(*happened)
        await eventually(lambda: len(at.office.mails) >= 200)

        async def all_told() -> bool:
            return len({id_ for id_, _ in await at.delivered(*people)}) == 400

        await eventually(all_told)
        for copy in at.clients:
            await eventually(partial(is_well, copy))
    assert len(at.office.counts) == 200
    assert set(at.office.counts.values()) == {1}


async def test_a_poison_event_is_dead_lettered_and_its_neighbours_are_told(kafka: str, mongo: str) -> None:
    person = new_id()
    poison, good = enclosed(requested(person)), enclosed(requested(person))
    async with week(kafka, mongo) as at:
        bodies = [b'{"participant_id": 7}', good.event.model_dump_json().encode()]
        records = [
            (person.encode(), body, headers_of(one)) for body, one in zip(bodies, (poison, good), strict=True)
        ]
        await write_raw(kafka, "notification.requested", records)

        async def all_notified() -> bool:
            return len(await at.inbox(person)) == 1

        await eventually(all_notified)

        async def dead_codes() -> list[bytes]:
            dead = await read_all(kafka, dead_letters("notification.requested", topics.NOTIFICATIONS))
            mine = [record for record in dead if (record.key or b"").decode() == person]
            return [dict(record.headers)["dead_code"] for record in mine]

        await eventually(dead_codes)
        assert await dead_codes() == [b"bad_body"]


async def test_a_whole_run_logs_no_name_no_address_and_no_words(
    kafka: str, mongo: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for library in ("aiokafka", "pymongo", "asyncio", "mail.log", "hpack", "httpcore", "httpx"):
        # Of libraries what services let through: shared.runtime.logs.configure.
        caplog.set_level(logging.WARNING, library)
    person, refused, gone, broken = new_id(), new_id(), new_id(), new_id()
    async with week(kafka, mongo) as at:
        at.office.replies[address_of(refused)] = [f"550 no mailbox {address_of(refused)} for {NAME}"]
        await at.publish(*known(person, refused, gone), *known(broken, contact_sealed="AAAA"))
        await at.publish(*everything(person), *[confirmed(one) for one in (refused, broken)], erased(gone))
        await at.publish(confirmed(gone))
        mails = sum("email" in channels_of(event) for event in everything(person))
        await eventually(lambda: len(at.office.of(address_of(person))) == mails)
        at.office.refuse_sender = f"550 {address_of(person)} is not allowed"
        await at.publish(confirmed(person))

        async def both_failed() -> bool:
            records = await read_all(kafka, NotificationFailed.topic)
            told = [NotificationFailed.model_validate_json(record.value or b"") for record in records]
            codes = {event.code for event in told if event.participant_id in (refused, broken)}
            return codes == {"smtp_rejected", "contact_unreadable"}

        await eventually(both_failed)
        await eventually(lambda: "messages wait for a server" in caplog.text)
        metrics = (await at.clients[0].get("/metrics")).text
    lines = [JsonLines("notifications").format(record) for record in caplog.records]
    assert lines
    for secret in (NAME, "@example.org", "场地变更", "科普宣传一条街", TICKET):
        assert not [line for line in lines if secret in line]
        assert secret not in metrics
    assert person not in metrics

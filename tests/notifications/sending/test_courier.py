"""Mails delivered from the real database to a real SMTP server."""

import time

import pytest

from services.notifications.deliveries.retry import retry_mail
from shared.contracts.events import NotificationDelivered, NotificationFailed
from shared.runtime import clock
from tests.notifications.builders import NAME, address_of, confirmed, issued, known
from tests.notifications.sending.builders import CONNECTIONS, all_in, at_work, courier, sending, until_all
from tests.support.service import new_id
from tests.support.slowness import slowness
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_a_mail_arrives_greets_by_name_and_is_told_of_once(mongo: str) -> None:
    person, group = new_id(), new_id("group")
    async with at_work(mongo) as (at, office):
        await at.handle(*known(person), *known(group, kind="group", language="en"))
        await at.handle(confirmed(person), issued(group))
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 2)
        [mail], [english] = office.of(address_of(person)), office.of(address_of(group))
        told = [
            NotificationDelivered.model_validate_json(one)
            for one in await at.published(NotificationDelivered.topic)
        ]
        [document] = await at.messages(person)
    assert str(mail["Subject"]) == "【科技活动周】报名成功通知：科普宣传一条街"
    assert str(mail["Message-ID"]) == f"<{document['_id']}@example.org>"
    assert str(mail["X-Correlation-ID"]) == document["cause"]["correlation_id"]
    assert mail.get_content().startswith(f"尊敬的{NAME}：")
    assert str(english["Content-Language"]) == "en"
    assert {(one.channel, one.participant_id) for one in told} == {("email", person), ("email", group)}
    assert document["finished_at"] == next(one.delivered_at for one in told if one.participant_id == person)
    assert document["attempts"] == 1
    assert "due_at" not in document


async def test_two_couriers_send_each_mail_once(mongo: str) -> None:
    people = [new_id() for _ in range(300)]
    async with at_work(mongo) as (at, office):
        await at.handle(*known(*people))
        await at.handle(*[confirmed(person) for person in people[:150]])
        first, second = courier(at, office, claim_max=50), courier(at, office, claim_max=50)
        async with sending(first), sending(second):
            await at.handle(*[confirmed(person) for person in people[150:]])
            await until_all(at, "delivered", 300)
        counts = office.counts
        told = await at.published(NotificationDelivered.topic)
    assert len(counts) == 300
    assert set(counts.values()) == {1}
    assert len(told) == len(set(told)) == 300


async def test_a_refused_recipient_fails_at_once_and_an_organiser_may_try_again(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        office.replies[address_of(person)] = ["550 5.1.1 no such mailbox", "250 OK"]
        await at.handle(*known(person), confirmed(person))
        async with sending(courier(at, office)):
            await until_all(at, "failed", 1)
            [document] = await at.messages(person)
            assert (document["code"], document["reply"], document["attempts"]) == ("smtp_rejected", 550, 1)
            [told] = await at.published(NotificationFailed.topic)
            assert NotificationFailed.model_validate_json(told).code == "smtp_rejected"
            again = await retry_mail(document["_id"], at.deliveries, at.contacts, clock.now())
            assert (again.state, again.attempts, again.code) == ("pending", 0, None)
            await until_all(at, "delivered", 1)
        assert len(await at.published(NotificationDelivered.topic)) == 1
    # What the server said of the mailbox is nobody's business.
    assert "mailbox" not in told


async def test_stopping_finishes_what_is_being_sent_and_frees_the_rest(mongo: str) -> None:
    people = [new_id() for _ in range(300)]
    async with at_work(mongo) as (at, office):
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        async with sending(courier(at, office)):
            await eventually(lambda: len(office.mails) > 5)
        sent = len(office.mails)
        assert await all_in(at, "delivered", sent)
        assert await all_in(at, "pending", 300 - sent)


async def test_a_mail_costs_a_few_milliseconds_and_no_connection_of_its_own(mongo: str) -> None:
    people = [new_id() for _ in range(300)]
    async with at_work(mongo) as (at, office):
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        started = time.process_time()
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 300)
        spent_seconds = time.process_time() - started
        assert office.connections <= CONNECTIONS
    # 2 ms, of which the server in this same process takes a half; only a mistake falls through this floor.
    assert spent_seconds / 300 < 0.01 * slowness()

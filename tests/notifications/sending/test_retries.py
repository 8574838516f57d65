"""What the mail server refuses, defers or cuts off, and when a mail is tried again."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from services.notifications.messages.rules import RetryPolicy
from shared.contracts.events import NotificationFailed
from shared.runtime import clock
from shared.runtime.few_lines import LINES_MAX
from tests.notifications.builders import address_of, confirmed, desk, known, requested
from tests.notifications.sending.builders import (
    QUICK,
    all_in,
    at_work,
    courier,
    one_turn,
    sending,
    until_all,
    until_none_is_due,
)
from tests.notifications.sending.post_office import PostOffice, open_office
from tests.support.service import new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("reply", ["450 greylisted", "451 greylisted", "452 mailbox full"])
async def test_a_deferred_mail_is_tried_again_until_its_time_is_over(mongo: str, reply: str) -> None:
    patient, hopeless, fine = new_id(), new_id(), new_id()
    retry_policy = RetryPolicy(retry_seconds=0.05, retry_seconds_max=0.2)
    async with at_work(mongo, retry_policy) as (at, office):
        office.replies[address_of(patient)] = [reply] * 7 + ["250 OK"]
        office.replies[address_of(hopeless)] = [reply]
        await at.handle(*known(patient, hopeless, fine))
        await at.handle(*[confirmed(person) for person in (patient, hopeless, fine)])
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 2)
            await eventually(lambda: office.asked[address_of(hopeless)] > 8)
            over = {"$set": {"expires_at": clock.now()}}
            await at.database["messages"].update_one({"participant_id": hopeless, "channel": "email"}, over)
            await until_all(at, "failed", 1)
        [first], [last] = await at.messages(patient), await at.messages(hopeless)
        [told] = await at.published(NotificationFailed.topic)
    assert first["attempts"] == office.asked[address_of(patient)] == 8
    assert last["attempts"] == office.asked[address_of(hopeless)] > 8
    assert (last["code"], last["reply"]) == ("smtp_deferred", int(reply[:3]))
    assert NotificationFailed.model_validate_json(told).attempts == last["attempts"]
    assert len(office.of(address_of(fine))) == 1


async def test_a_full_mailbox_waits_for_minutes_and_not_for_seconds(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo, RetryPolicy()) as (at, office):
        office.replies[address_of(person)] = ["452 mailbox full"]
        await at.handle(*known(person), confirmed(person))
        await one_turn(courier(at, office))
        [document] = await at.messages(person)
    assert (document["state"], document["attempts"], document["reply"]) == ("pending", 1, 452)
    assert document["due_at"] - clock.now() > timedelta(minutes=2)
    assert document["expires_at"] - clock.now() > timedelta(days=3)


async def test_a_mail_server_that_is_away_costs_no_mail_a_try(mongo: str) -> None:
    people = [new_id() for _ in range(20)]
    async with desk(mongo, QUICK) as at:
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        away = PostOffice()
        async with open_office(away):
            pass
        stuck = courier(at, away)
        rests = []
        for _ in range(4):
            rests.append(await stuck.turn())
            await asyncio.sleep(rests[-1])
        # Longer and longer; the turns themselves are in order, and the health with them.
        assert rests[-1] > rests[0] > 0
        assert await all_in(at, "pending", 20)
        assert await stuck.loop.check() is None
        async with open_office(away), sending(stuck):
            await until_all(at, "delivered", 20)
        assert {(await at.messages(person))[0]["attempts"] for person in people} == {1}


@pytest.mark.parametrize("reply", ["550 sender not allowed", "451 later", "421 closing", "close"])
async def test_a_server_that_refuses_our_sender_costs_no_mail_a_try(mongo: str, reply: str) -> None:
    people = [new_id() for _ in range(10)]
    async with at_work(mongo) as (at, office):
        office.refuse_sender = reply
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        stuck = courier(at, office)
        await asyncio.sleep(await stuck.turn())
        assert await all_in(at, "pending", 10)
        assert {(await at.messages(person))[0]["attempts"] for person in people} == {0}
        office.refuse_sender = None
        await one_turn(stuck)
        assert await all_in(at, "delivered", 10)


@pytest.mark.parametrize("reply", ["421 too much for this mailbox", "close"])
async def test_recipients_that_the_server_closes_at_hold_up_no_other(mongo: str, reply: str) -> None:
    closing, others = [new_id() for _ in range(3)], [new_id() for _ in range(30)]
    async with at_work(mongo, RetryPolicy()) as (at, office):
        for person in closing:
            office.replies[address_of(person)] = [reply]
        await at.handle(*known(*closing), *[confirmed(person) for person in closing])
        await at.handle(*known(*others), *[confirmed(person) for person in others[:15]])
        by_hand = courier(at, office)
        # No pause follows: the server is there.
        assert await one_turn(by_hand) == 0
        assert await all_in(at, "delivered", 15)
        await at.handle(*[confirmed(person) for person in others[15:]])
        await one_turn(by_hand)
        assert await all_in(at, "delivered", 30)
        documents = [(await at.messages(person))[0] for person in closing]
    # The first time may be the connection's fault; the second is a try of that mail.
    assert {office.asked[address_of(person)] for person in closing} == {2}
    assert {(one["state"], one["attempts"], one["code"]) for one in documents} == {
        ("pending", 1, "smtp_closed")
    }
    assert min(one["due_at"] for one in documents) - clock.now() > timedelta(minutes=2)


@pytest.mark.parametrize(
    ("reply", "becomes"),
    [
        ("close", ("pending", "smtp_closed")),
        ("452 no room", ("pending", "smtp_deferred")),
        ("552 too large", ("failed", "smtp_rejected")),
    ],
)
async def test_a_mail_that_is_not_taken_at_its_sender_is_judged_alone_and_the_others_leave(
    mongo: str, reply: str, becomes: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    large, others = [new_id() for _ in range(9)], [new_id() for _ in range(20)]
    async with at_work(mongo, RetryPolicy()) as (at, office):
        office.size_bytes_max, office.too_large = 3_000, reply
        await at.handle(*known(*large, *others), *[requested(one, body="字" * 1_500) for one in large])
        by_hand = courier(at, office)
        # Alone, too, nobody takes them for an outage.
        assert await one_turn(by_hand) == 0
        await at.handle(*[confirmed(person) for person in others])
        assert await one_turn(by_hand) == 0
        assert await all_in(at, "delivered", 20)
        documents = [(await at.messages(one))[0] for one in large]
    assert {(one["state"], one["code"]) for one in documents} == {becomes}
    assert {one["attempts"] for one in documents} == {1}
    lines = [vars(one) for one in caplog.records if one.getMessage() == "a message has failed"]
    assert len(lines) == (LINES_MAX if becomes[0] == "failed" else 0)
    assert {line["correlation_id"] for line in lines} <= {one["cause"]["correlation_id"] for one in documents}


async def test_a_recipient_at_whom_the_server_falls_silent_is_put_off(mongo: str) -> None:
    silent, others = new_id(), [new_id() for _ in range(20)]
    async with at_work(mongo, RetryPolicy()) as (at, office):
        office.silent_at.add(address_of(silent))
        await at.handle(*known(silent, *others), *[confirmed(person) for person in (silent, *others)])
        async with sending(courier(at, office, mail_seconds_max=2.0)):
            await until_all(at, "delivered", 20)
            await until_none_is_due(at)
        [document] = await at.messages(silent)
    assert (document["state"], document["attempts"], document["code"]) == ("pending", 1, "smtp_interrupted")


async def test_a_server_that_closes_after_so_many_mails_is_no_outage(mongo: str) -> None:
    people = [new_id() for _ in range(40)]
    async with at_work(mongo, RetryPolicy()) as (at, office):
        office.mails_a_connection = 3
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        by_hand = courier(at, office)
        assert await one_turn(by_hand) == 0
        assert await all_in(at, "delivered", 40)
    assert set(office.counts.values()) == {1}


async def test_a_mail_that_waits_longer_than_the_bound_has_expired(mongo: str) -> None:
    person = new_id()
    async with desk(mongo, RetryPolicy(pending_max=timedelta(milliseconds=50))) as at:
        await at.handle(*known(person), confirmed(person))
        async with sending(courier(at, PostOffice(port=1))):
            await eventually(lambda: at.queue.expire(clock.now()))
        [document] = await at.messages(person)
        assert (document["state"], document["code"], document["attempts"]) == ("failed", "expired", 0)
        [told] = await at.published(NotificationFailed.topic)
    assert NotificationFailed.model_validate_json(told).code == "expired"


async def test_a_connection_lost_in_the_middle_is_a_try_and_the_mail_is_sent_again(mongo: str) -> None:
    people = [new_id() for _ in range(3)]
    async with desk(mongo, QUICK) as at:
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        async with AsyncExitStack() as stack:
            async with open_office(PostOffice(hang=True)) as office:
                await stack.enter_async_context(sending(courier(at, office)))
                await eventually(lambda: len(office.mails) == 3)
            office.hang = False
            async with open_office(office):
                await until_all(at, "delivered", 3)
    # Taken twice, perhaps: the Message-ID tells that it is one.
    assert len(office.counts) == 3
    assert set(office.counts.values()) == {2}

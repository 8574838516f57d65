"""Upkeep on the real database: the queue is measured, and old messages are deleted."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from services.notifications.deliveries.upkeep import Upkeep
from services.notifications.messages.rules import Outcome
from services.notifications.messages.store import KEPT
from services.notifications.sending.daily_limit import DailyLimit
from services.notifications.sending.rules import NOT_TRIED
from services.notifications.sending.store import Queue
from shared.runtime import clock
from tests.notifications.builders import confirmed, desk, everything, known
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_messages_are_forgotten_in_the_end_and_the_others_stay(mongo: str) -> None:
    people = [new_id() for _ in range(3)]
    async with desk(mongo) as at:
        await at.handle(*[event for person in people for event in everything(person)])
        old = clock.now() - KEPT - timedelta(days=1)
        await at.database["messages"].update_many(
            {"participant_id": people[0]}, {"$set": {"created_at": old}}
        )
        upkeep = Upkeep(at.store, at.queue, Queue(at.database, "sms"))
        assert await upkeep.turn() > 0
        assert await at.messages(people[0], "inbox") == await at.messages(people[0]) == []
        assert [len(await at.messages(person, "inbox")) for person in people[1:]] == [
            len(everything("p"))
        ] * 2


def gauge(name: str) -> float:
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value


async def test_the_queue_of_mails_is_measured(mongo: str) -> None:
    people = [new_id() for _ in range(3)]
    async with desk(mongo) as at:
        upkeep = Upkeep(at.store, at.queue, Queue(at.database, "sms"))
        await upkeep.turn()
        assert (gauge("kepu_mails_due"), gauge("kepu_mails_oldest_age_seconds")) == (0, 0)
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        long_ago = clock.now() - timedelta(hours=1)
        await at.database["messages"].update_one({"channel": "email"}, {"$set": {"due_at": long_ago}})
        await upkeep.turn()
        assert gauge("kepu_mails_due") == 3
        assert gauge("kepu_mails_oldest_age_seconds") >= 3_600


async def test_mails_that_are_put_back_again_and_again_wait_from_the_first_time_on(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await at.handle(*known(person), confirmed(person))
        upkeep = Upkeep(at.store, at.queue, Queue(at.database, "sms"))
        begun, lease = clock.now(), timedelta(seconds=60)
        for minutes in (10, 5, 0):
            now = begun - timedelta(minutes=minutes)
            await at.database["messages"].update_one({"channel": "email"}, {"$set": {"due_at": now}})
            claim, claimed = await at.queue.claim([id_ for id_, _ in await at.queue.due(now, 10)], now, lease)
            in_a_moment = replace(NOT_TRIED, due_at=now + timedelta(seconds=20))
            assert await at.queue.mark(claim, [(one, in_a_moment) for one in claimed], now) == 1
        await upkeep.turn()
        assert gauge("kepu_mails_due") == 1
        assert 600 <= gauge("kepu_mails_oldest_age_seconds") < 660

        # Refused for now, it waits for its own sake.
        later = begun + timedelta(seconds=25)
        claim, claimed = await at.queue.claim([id_ for id_, _ in await at.queue.due(later, 10)], later, lease)
        refused = Outcome("pending", "smtp_deferred", due_at=begun - timedelta(seconds=30))
        assert await at.queue.mark(claim, [(one, refused) for one in claimed], later) == 1
        await upkeep.turn()
        assert 30 <= gauge("kepu_mails_oldest_age_seconds") < 90


async def test_mails_whose_time_is_over_fail(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await at.handle(confirmed(person))
        over = clock.now() - timedelta(seconds=1)
        await at.database["messages"].update_one({"channel": "email"}, {"$set": {"expires_at": over}})
        await Upkeep(at.store, at.queue, Queue(at.database, "sms")).turn()
        assert await at.states(person) == ["failed"]


async def test_forgetting_walks_over_all_messages_slice_by_slice(mongo: str) -> None:
    async with desk(mongo) as at:
        old = clock.now() - KEPT - timedelta(days=1)
        await at.database["messages"].insert_many(
            [{"_id": f"m{n:05}", "created_at": old} for n in range(2_500)]
        )
        left, after = [], ""
        for _ in range(3):
            after = await at.store.delete_old(after, clock.now()) or ""
            left.append(await at.database["messages"].count_documents({}))
    assert (left, after) == ([1_500, 500, 0], "")


async def test_destroyed_keys_and_counts_of_mails_have_an_end(mongo: str) -> None:
    async with desk(mongo) as at:
        await DailyLimit(at.database, "secret").prepare()
        for name in ("contact_keys", "mail_counts", "mail_recipients"):
            indexes = (await at.database[name].index_information()).values()
            assert any("expireAfterSeconds" in index for index in indexes), name

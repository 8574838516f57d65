"""Claims that end, and erasures while a mail is claimed."""

from datetime import timedelta

import pytest

from services.notifications.messages.rules import Outcome
from shared.runtime import clock
from tests.notifications.builders import confirmed, desk, erased, known
from tests.notifications.sending.builders import at_work, composer, courier, sending, until_all
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_a_recipient_erased_while_a_mail_is_claimed_hears_nothing_more(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await at.handle(*known(person), confirmed(person))
        ids = [id_ for id_, _ in await at.queue.due(clock.now(), 10)]
        claim, claimed = await at.queue.claim(ids, clock.now(), timedelta(seconds=60))
        await at.handle(erased(person))
        made = await composer(at).compose([one.message for one in claimed])
        assert await at.states(person) == ["cancelled"]
        assert made == [Outcome("cancelled", "erased")]
        marked = await at.queue.mark(claim, [(claimed[0], Outcome("cancelled", "erased"))], clock.now())
        assert marked == 0
        assert await at.states(person) == ["cancelled"]


async def test_a_claim_that_ended_is_another_couriers_and_the_first_one_marks_nothing(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        await at.handle(*known(person), confirmed(person))
        ids = [id_ for id_, _ in await at.queue.due(clock.now(), 10)]
        await at.queue.claim(ids, clock.now(), timedelta(milliseconds=1))
        assert await at.queue.claim(ids, clock.now() - timedelta(seconds=1), timedelta(seconds=9))
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 1)
        [document] = await at.messages(person)
        assert document["attempts"] == 2
        assert len(office.mails) == 1


async def test_a_mail_claimed_again_and_again_and_never_marked_is_given_up(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        await at.handle(*known(person), confirmed(person))
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"claims": 6}})
        async with sending(courier(at, office)):
            await until_all(at, "failed", 1)
        assert (await at.messages(person))[0]["code"] == "unconfirmed"
        assert office.mails == []

"""A mail that is too late is not sent, and stays in the inbox: of the events whose `expires` says so."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.runtime import clock
from tests.notifications.builders import desk, known, offered, reminded, waitlisted
from tests.notifications.sending.builders import courier, sending, until_all
from tests.notifications.sending.post_office import PostOffice, open_office
from tests.support.service import new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_a_mail_that_makes_no_sense_any_more_is_not_sent(mongo: str) -> None:
    late, early = new_id(), new_id()
    async with desk(mongo) as at, open_office(PostOffice()) as office:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await at.handle(*known(late, early), reminded(late, until=past), reminded(early))
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 1)
            await eventually(lambda: at.queue.due(clock.now(), 10), lambda due: not due)
            await eventually(lambda: at.states(late), lambda states: states == ["skipped"])
        [skipped] = await at.messages(late)
        assert skipped["code"] == "out_of_date"
        assert await at.states(late, "inbox") == await at.states(early, "inbox") == ["delivered"]
        assert sum(office.counts.values()) == 1


async def test_a_late_mail_about_a_wait_is_sent_and_about_an_ended_offer_not(mongo: str) -> None:
    # The wait goes on after the time to verify the contact. An offer ends.
    waits, had_offer = new_id(), new_id()
    past = datetime.now(UTC) - timedelta(seconds=1)
    async with desk(mongo) as at, open_office(PostOffice()) as office:
        await at.handle(
            *known(waits, had_offer), waitlisted(waits, until=past), offered(had_offer, until=past)
        )
        async with sending(courier(at, office)):
            await eventually(lambda: at.states(had_offer), lambda states: states == ["skipped"])
            await eventually(lambda: at.states(waits), lambda states: states == ["delivered"])
        assert sum(office.counts.values()) == 1

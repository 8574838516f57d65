"""SIGKILL between claiming and marking: the mail goes out again, as the same mail."""

import pytest

from services.notifications.sending.courier import Pace
from shared.contracts.events import NotificationDelivered
from shared.runtime import clock
from tests.notifications.builders import confirmed, desk, known
from tests.notifications.sending.builders import courier, sending, until_all
from tests.notifications.sending.courier_process import deliver
from tests.notifications.sending.post_office import PostOffice, open_office
from tests.support.killing import Killable
from tests.support.service import CONTACT_PRIVATE_KEY, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

LEASE_SECONDS = 3.0


async def test_mails_of_a_killed_courier_go_out_when_its_claim_ends_under_the_same_id(mongo: str) -> None:
    people = [new_id() for _ in range(50)]
    async with desk(mongo) as at, open_office(PostOffice(hang=True)) as office:
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        killed = Killable.working(
            deliver, mongo, at.database.name, CONTACT_PRIVATE_KEY, office.port, LEASE_SECONDS
        )
        await killed.start()
        try:
            # One mail on each connection is taken by the server, and the courier does not know it.
            await eventually(lambda: len(office.mails) == Pace().connections)
        finally:
            await killed.end()
        office.hang = False
        assert await at.database["messages"].count_documents({"state": "claimed"}) == 50
        assert await at.queue.due(clock.now(), 100) == [], "nobody takes a claim before it ends"
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 50)
        counts = office.counts
        told = await at.published(NotificationDelivered.topic)
    assert len(counts) == 50
    assert sorted(counts.values()) == [1] * (50 - Pace().connections) + [2] * Pace().connections
    assert len(told) == 50

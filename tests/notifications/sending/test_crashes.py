"""SIGKILL between claiming and marking: the message goes out again, as the same message."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.notifications.sending.budget import Budget
from services.notifications.sending.places import Places
from services.notifications.texts.sms import parts_of
from shared.contracts.events import NotificationDelivered
from shared.runtime import clock
from tests.notifications.builders import by_phone, confirmed, desk, known, number_of
from tests.notifications.sending.builders import CONNECTIONS, courier, sending, until_all
from tests.notifications.sending.courier_process import deliver, deliver_sms
from tests.notifications.sending.post_office import PostOffice, open_office
from tests.notifications.sending.sms_gateway import (
    SMS_CONNECTIONS,
    SmsGateway,
    open_gateway,
    sms_courier,
)
from tests.support.killing import Killable, Work
from tests.support.service import CONTACT_PRIVATE_KEY, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

LEASE_SECONDS = 3.0


def begun_at_once(connections: int) -> int:
    """Messages to one place of which nothing is known: most connections are kept for others."""
    places, begun = Places(connections), 0
    while places.begin("wang@example.org", is_code=False):
        begun += 1
    return begun


MAILS_BEGUN, SMS_BEGUN = begun_at_once(CONNECTIONS), begun_at_once(SMS_CONNECTIONS)


@asynccontextmanager
async def killed_at_the_end(work: Work, mongo: str, database: str, port: int) -> AsyncIterator[None]:
    """A courier in a process of its own, which is killed at the end of the block."""
    killed = Killable.working(work, mongo, database, CONTACT_PRIVATE_KEY, port, LEASE_SECONDS)
    await killed.start()
    try:
        yield
    finally:
        await killed.end()


async def test_mails_of_a_killed_courier_go_out_when_its_claim_ends_under_the_same_id(mongo: str) -> None:
    people = [new_id() for _ in range(50)]
    async with desk(mongo) as at, open_office(PostOffice(hang=True)) as office:
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        # One mail on each connection in use is taken by the server, and the courier does not know it.
        async with killed_at_the_end(deliver, mongo, at.database.name, office.port):
            await eventually(lambda: len(office.mails) == MAILS_BEGUN)
        office.hang = False
        assert await at.database["messages"].count_documents({"state": "claimed"}) == 50
        assert await at.queue.due(clock.now(), 100) == [], "nobody takes a claim before it ends"
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 50)
        counts = office.counts
        told = await at.published(NotificationDelivered.topic)
    assert len(counts) == 50
    assert sorted(counts.values()) == [1] * (50 - MAILS_BEGUN) + [2] * MAILS_BEGUN
    assert len(told) == 50


async def test_sms_of_a_killed_courier_go_out_again_under_the_same_id_one_for_each_connection(
    mongo: str,
) -> None:
    people = [new_id() for _ in range(20)]
    async with desk(mongo, sends_sms=True) as at, open_gateway(SmsGateway(hang=True)) as gateway:
        await at.handle(*by_phone(*people), *[confirmed(person) for person in people])
        async with killed_at_the_end(deliver_sms, mongo, at.database.name, gateway.port):
            await eventually(lambda: len(gateway.bodies) == SMS_BEGUN)
        gateway.hang = False

        async def delivered() -> int:
            return await at.database["messages"].count_documents({"channel": "sms", "state": "delivered"})

        async with sending(sms_courier(at, gateway)):
            await eventually(delivered, lambda count: count == len(people))
        told = await at.published(NotificationDelivered.topic)
        left = await Budget(at.database, 1_000).left(clock.now())
    counts = sorted(gateway.counts.values())
    assert counts == [1] * (len(people) - SMS_BEGUN) + [2] * SMS_BEGUN
    assert {body["to"] for body in gateway.bodies} == {number_of(person) for person in people}
    assert len(told) == len(people)
    # What the killed one had claimed stays counted: nobody knows how much of it was sent.
    assert left == 1_000 - 2 * len(people) * parts_of(gateway.bodies[0]["text"])

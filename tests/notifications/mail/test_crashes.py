"""SIGKILL between claiming and marking: the mail goes out again, as the same mail."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from services.notifications.mail.courier import Pace
from shared.contracts.events import NotificationDelivered
from shared.runtime import clock
from tests.notifications.builders import confirmed, desk, known
from tests.notifications.mail.builders import courier, sending, until_all
from tests.notifications.mail.post_office import PostOffice, open_office
from tests.support.service import CONTACT_PRIVATE_KEY, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

PROCESS = Path(__file__).with_name("courier_process.py")
LEASE_SECONDS = 3.0


async def test_mails_of_a_killed_courier_go_out_when_its_claim_ends_under_the_same_id(mongo: str) -> None:
    people = [new_id() for _ in range(50)]
    async with desk(mongo) as at, open_office(PostOffice(hang=True)) as office:
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        killed = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PROCESS),
            mongo,
            at.database.name,
            str(office.port),
            str(LEASE_SECONDS),
            env={**os.environ, "KEPU_CONTACT_PRIVATE_KEY": CONTACT_PRIVATE_KEY},
        )
        try:
            # One mail on each connection is taken by the server, and the courier does not know it.
            await eventually(lambda: len(office.mails) == Pace().connections)
        finally:
            killed.kill()
            await killed.wait()
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

"""
A cluster under a steady load: the leading broker and the primary are killed, the others go on.

The short form: registration and quiz only. `make cluster` plays a whole week.
"""

import asyncio
from collections.abc import Iterator

import pytest

from ops.audit.report import show
from ops.audit.run import Audit, audit
from ops.commands.terminal import console
from ops.deployment.databases import connected
from ops.deployment.ledger import LEDGER_FILE
from ops.deployment.settle import GROUPS, wait_until_settled
from ops.failover.stream import QUIZ_ID
from ops.kills import KAFKA, MONGO, Chaos, Timed
from ops.local.services import WEEK, Services, running
from shared.messaging.create_topics import create_missing
from tests.support.servers import own_stack

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]

AUDITED = ("registration", "quiz")
PARTS = tuple(part for part in WEEK if part.service in AUDITED)
PAUSE_SECONDS = 2.0


@pytest.fixture
def services() -> Iterator[Services]:
    """Registration and quiz, on three brokers and three members."""
    with own_stack(3) as stack:
        asyncio.run(create_missing(stack.kafka))
        with running(Services(stack, PARTS, detached=False)) as up:
            yield up


def test_the_leading_broker_and_the_primary_die_and_nothing_is_lost_or_doubled(services: Services) -> None:
    killing = Chaos(services, console.print, pause_seconds=PAUSE_SECONDS)
    timed = Timed(killing, (KAFKA, MONGO))
    found = asyncio.run(_audited(timed, services))
    show(found, console)
    for line in timed.gaps(found.log):
        console.print(line)
    assert (found.missing, found.duplicated, found.wrong) == (0, 0, 0)
    acknowledged = {promise.detail for promise in found.promises if promise.kind == "submitted"}
    graded = {
        event.body["result_id"]
        for event in found.log.events("quiz.completed")
        if event.body["quiz_id"] == QUIZ_ID
    }
    assert acknowledged
    assert acknowledged <= graded


async def _audited(timed: Timed, services: Services) -> Audit:
    await timed.run()
    groups = {group for group in GROUPS if group.startswith(AUDITED)}
    async with connected(services.stack.mongo) as databases:
        await wait_until_settled(services.stack.kafka, databases, groups=groups)
        return await audit(services.deployment, databases, services.home / LEDGER_FILE, AUDITED)

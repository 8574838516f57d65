"""A flood of malformed records stops no group and delays no result; in small."""

import asyncio

import pytest

from ops.local.services import Services, running
from shared.messaging.create_topics import create_missing
from tests.flow.flood.kinds import kinds
from tests.flow.flood.play import READ, played
from tests.support.servers import own_stack


def test_every_topic_that_is_read_gets_at_least_thirty_kinds() -> None:
    assert all(len(kinds(contract)) > 30 for contract in READ)


@pytest.mark.stack
@pytest.mark.own_servers
def test_a_flood_is_buried_with_its_reasons_and_results_keep_coming() -> None:
    with own_stack() as stack:
        asyncio.run(create_missing(stack.kafka))
        with running(Services(stack, detached=False)) as services:
            report = asyncio.run(played(services, records=500, people=10))
    assert report.wrong == [], report.lines

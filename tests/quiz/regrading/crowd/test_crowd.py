"""The short form: some hundred attempts, and the worker that grades again is killed."""

import asyncio

import pytest

from ops.commands.terminal import console
from tests.quiz.regrading.crowd.crowd import WORKER, Plan
from tests.quiz.regrading.crowd.played import played, services_of
from tests.support.servers import own_stack

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]
PLAN = Plan(
    people=360,
    visitors=10,
    victims=(WORKER,),
    stream_seconds=4,
    # On these servers a transaction ends after five seconds, and none lasts so long.
    settle_seconds=3,
    grace_seconds=0,
)


def test_a_contest_that_is_corrected_under_load_is_right_to_the_last_message() -> None:
    with own_stack() as stack, services_of(stack) as services:
        report = asyncio.run(played(PLAN, services, console.print))
    assert report.wrong == []
    assert len(report.kills) == 1
    assert len(report.receipts) == 10
    assert report.figures["attempts"] == 610
    assert report.outcomes[0]["changed"] > 0
    assert report.previews[1]["figures"] == report.outcomes[1]

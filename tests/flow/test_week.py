"""The whole week on its own stack, every process killed once in the middle of it, and the audit of it."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from ops.audit.chain.run import audit_chain
from ops.audit.report import show
from ops.audit.run import Audit, audit
from ops.commands.play import play
from ops.commands.terminal import console
from ops.deployment.databases import connected
from ops.documents.observing import described
from ops.kills import Chaos
from ops.local.services import Services, running
from shared.contracts import topics
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import publishing
from tests.flow.spoiling import NOTICED, PROMISED, doubles, spoil
from tests.support import scraped
from tests.support.servers import own_stack

pytestmark = pytest.mark.stack

PEOPLE = 120
OUTSIDERS = 20
PAUSE_SECONDS = 0.5
# What the demo does, so that the audit sees it.
HAPPENS = {
    "participant.named",
    "registration.confirmed",
    "registration.waitlisted",
    "registration.rejected",
    "registration.cancelled",
    "registration.checked_in",
    "shift.volunteered",
    "shift.assigned",
    "shift.moved",
    "shift.ended",
    "quiz.answers_saved",
    "quiz.completed",
    "quiz.disqualification_decided",
    "quiz.cancelled",
    "quiz.closed",
    "award.issued",
    "award.revoked",
    "award.proposed",
    "award.objected",
    "draw.announced",
    "award.drawn",
    "selection.opened",
    "selection.nominated",
    "selection.admitted",
    "selection.scored",
    "selection.shortlisted",
    "selection.decided",
    "award.handed_over",
    "notification.delivered",
}
# Not all demos have them, or the events above would be missing without them.
NOT_ASKED_FOR = {
    "session.published",
    "session.changed",
    "session.cancelled",
    "registration.requested",
    "participant.keyed",
    "participant.joined",
    "group.application_decided",
    "participant.code_requested",
    "participant.entered",
    "participant.contact_changed",
    "participant.erased",
    "registration.held",
    "registration.offered",
    "registration.moved",
    "registration.check_in_undone",
    "registration.reminded",
    "shift.reminded",
    "quiz.published",
    "quiz.submitted",
    # After a kill all whom the correction concerns may be late.
    "quiz.regraded",
    "notification.requested",
    "notification.failed",
    "dead_letter.decided",
}


def test_of_each_topic_is_said_whether_the_demo_has_it() -> None:
    unsaid = {topic.name for topic in topics.LIVE} ^ (HAPPENS | NOT_ASKED_FOR)
    assert not unsaid, f"let the demo do it (ops/demo/play.py), and add it to HAPPENS here: {sorted(unsaid)}"
    assert not HAPPENS & NOT_ASKED_FOR


@pytest.fixture
def services() -> Iterator[Services]:
    """All services on a stack of their own: the session's one must not be killed under other tests."""
    # Servers of the developer's own cannot be killed and hold other data.
    with own_stack() as stack:
        asyncio.run(create_missing(stack.kafka))
        with running(Services(stack, detached=False)) as up:
            yield up


def test_nothing_is_lost_or_doubled_though_everything_is_killed(services: Services) -> None:
    killing = Chaos(services, console.print, pause_seconds=PAUSE_SECONDS)
    found = asyncio.run(play(services, PEOPLE, OUTSIDERS, killing.run))
    show(found, console)
    assert found.agrees
    assert (found.missing, found.duplicated, found.wrong) == (0, 0, 0)
    _every_kind_of_outcome_happened(found)
    _the_metrics_are_those_that_are_declared(services)
    asyncio.run(_the_chains_of_awards_agree(services, found))
    asyncio.run(_the_audit_notices_what_is_spoilt(services, found))


def _the_metrics_are_those_that_are_declared(services: Services) -> None:
    """Nothing that docs/metrics.md does not have, and all of it; what has not happened is there with 0."""
    texts = {part.name: httpx.get(f"{services.url(part.name)}/metrics").text for part in services.parts}
    assert [(name, one) for name, text in texts.items() for one in scraped.undeclared(text)] == []
    assert {one.name for one in described()} <= set().union(*map(scraped.names, texts.values()))
    groups = {group for topic in topics.LIVE for group in topic.groups}
    assert set(scraped.expected(groups)) <= set().union(*map(scraped.series, texts.values()))


async def _the_chains_of_awards_agree(services: Services, found: Audit) -> None:
    """One award of each scheme, and one that was revoked: by rank, by a draw, after a notice and so on."""
    codes = {
        (event.body["scheme_id"], event.topic): event.body["award_code"]
        for topic in ("award.issued", "award.revoked")
        for event in found.log.events(topic)
    }
    async with connected(services.stack.mongo) as databases:
        for code in codes.values():
            chain = await audit_chain(code, services.deployment, databases)
            amiss = [(link.name, link.differs) for link in chain.links if link.differs]
            assert amiss == [], (code, chain.facts.rule["type"])
            assert len(chain.links) > 3, code


async def _the_audit_notices_what_is_spoilt(services: Services, found: Audit) -> None:
    services.down()
    ledger = services.home / "ledger.jsonl"
    async with (
        connected(services.stack.mongo) as databases,
        publishing(services.stack.kafka, "test") as kafka,
    ):
        await spoil(databases)
        await kafka.write(doubles(found))
        with ledger.open("a") as file:
            file.writelines(f"{promise}\n" for promise, _ in PROMISED)
        again = await audit(services.deployment, databases, ledger)
    amiss = {check.name for checks in again.checks.values() for check in checks if not check.agrees}
    assert amiss >= NOTICED


def _every_kind_of_outcome_happened(found: Audit) -> None:
    for topic in sorted(HAPPENS):
        assert found.log.events(topic), topic
    assert any(event.body["promoted"] for event in found.log.events("registration.confirmed"))
    assert {event.body["kind"] for event in found.log.events("award.issued")} >= {
        "certificate",
        "prize",
        "plaque",
        "flag",
    }
    assert found.log.dead("quiz.submitted", "quiz-grading")
    assert {promise.detail for promise in found.promises if promise.kind == "refused"} >= {
        "attempt_late",
        "attempt_foreign",
        "submission_malformed",
        "organiser_key_missing",
    }

"""The whole crowd on a stack: play it, audit it, and compute everything anew."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ops.audit.run import audit
from ops.deployment.databases import connected
from ops.local.services import Services, running
from ops.stack import Stack
from shared.messaging.create_topics import create_missing
from tests.quiz.regrading.crowd.check import wrong_in_log
from tests.quiz.regrading.crowd.contest import QUIZ, half_points_in, ranks, seconds_in
from tests.quiz.regrading.crowd.crowd import PARTS, Crowd, Plan, Report
from tests.quiz.regrading.crowd.expected import CORRECTIONS, Expected
from tests.quiz.regrading.crowd.stored import wrong_in_databases
from tests.support.service import bearer

AUDITED = ("quiz", "awards", "notifications")
# So many people are asked for over HTTP: their ranks and inboxes.
ASKED = 100
PAGE = 100


@contextmanager
def services_of(stack: Stack) -> Iterator[Services]:
    """Quiz with two workers, awards with two, and notifications."""
    asyncio.run(create_missing(stack.kafka))
    with running(Services(stack, PARTS, detached=False)) as services:
        yield services


async def played(plan: Plan, services: Services, say: Callable[[str], None] = lambda _: None) -> Report:
    """Play it, and say what is wrong after it."""
    async with connected(services.stack.mongo) as databases:
        crowd = Crowd(plan, services, databases, say)
        await crowd.play()
        found = await audit(services.deployment, databases, services.home / "ledger.jsonl", AUDITED)
        crowd.report.wrong += [
            f"audit of {name}: {one.name}: {one.examples()}"
            for name, checks in found.checks.items()
            for one in checks
            if not one.agrees
        ]
        crowd.report.reached("audited")
        of = Expected(crowd.played, found.log)
        crowd.report.wrong += [*wrong_in_log(of), *await wrong_in_databases(of, databases)]
        await _over_http(crowd, of)
        crowd.report.figures |= {
            "attempts": len(of.attempts),
            "participants": len(of.best(0)),
            "graded again": sum(map(len, of.regraded.values())),
            "awards": len(found.log.events("award.issued")),
            "messages": await databases.notifications["messages"].count_documents({}),
            "delivered again": found.log.redelivered(),
        }
        crowd.report.reached("computed anew")
    return crowd.report


async def _over_http(crowd: Crowd, of: Expected) -> None:
    """What some people read of themselves: their rank and points, and a message for each cause."""
    best = of.best(CORRECTIONS)
    rank = ranks(best)
    causes: dict[str, int] = {}
    for topic in ("quiz.completed", "quiz.regraded", "award.issued"):
        for entry in of.log.events(topic):
            who = entry.body.get("participant_id") or entry.body["recipient_id"]
            causes[who] = causes.get(who, 0) + 1
    people = sorted(best)
    for who in crowd.chance.sample(people, min(ASKED, len(people))):
        token = bearer(crowd.signer.sign(who, None, None, datetime.now(UTC)))
        standing = await crowd.ask("quiz", "GET", f"/quizzes/{QUIZ}/standings/me", headers=token)
        told = standing["rank"], int(2 * standing["points"]), standing["time_used_seconds"]
        if told != (rank[who], half_points_in(best[who]), seconds_in(best[who])):
            crowd.report.wrong.append(f"{who} reads {told} of the standing, not {rank[who]}")
        inbox = await crowd.ask("notifications", "GET", f"/inbox?limit={PAGE}", headers=token)
        if len(inbox["messages"]) != causes[who]:
            crowd.report.wrong.append(f"{who} has {len(inbox['messages'])} messages, not {causes[who]}")

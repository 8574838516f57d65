"""
Histories of a quiz in any order: the awards at the end are those that the highest versions earn.

Events come in any order, twice, to two copies at once, some batches break off before they are published, and
the comparison runs at any time. An oracle computes the awards again from the highest versions only.
"""

import asyncio
from collections.abc import Iterable, Mapping
from random import Random

import pytest

from services.awards.schemes.rules import Scheme
from shared.contracts.events import (
    AwardIssued,
    AwardRevoked,
    QuizClosed,
    QuizCompleted,
    QuizDisqualificationDecided,
    QuizRegraded,
)
from shared.storage.outbox import waiting
from tests.awards.builders import (
    certificate,
    closed,
    completed,
    decided,
    following,
    prizes,
    regraded,
    standing,
)
from tests.awards.parts import Happened, Parts, new_parts
from tests.support.kafka import read_back
from tests.support.service import new_id

pytestmark = pytest.mark.stack
PEOPLE = 5
PLACES = {"gold": 1, "silver": 2}


def history(random: Random, quiz: str) -> list[Happened]:
    """A few people with results, corrections, decisions and closings in several versions."""
    people = [f"{quiz}-p{number}" for number in range(PEOPLE)]
    events: list[Happened] = []
    for one in people:
        for _ in range(random.randint(0, 2)):
            points = random.choice([40, 58, 62, 90])
            first = completed(quiz, one, points)
            events.append(first)
            for version in range(2, random.choice([2, 2, 3, 4])):
                now = random.choice([40, 58, 62, 90])
                events.append(regraded(first, now, points, version))
                points = now
        mine = [
            event.result_id
            for event in events
            if getattr(event, "participant_id", None) == one and isinstance(event, QuizCompleted)
        ]
        for version in range(1, random.choice([1, 1, 2, 3, 4])):
            some = random.sample(mine, random.randint(0, len(mine)))
            events.append(decided(quiz, one, version, *some, disqualified=random.random() < 0.5))
    for version in range(1, random.choice([1, 2, 3, 4])):
        listed = random.sample(people, random.randint(1, PEOPLE))
        ranks = sorted(random.randint(1, PEOPLE) for _ in listed)
        events.append(
            closed(quiz, [standing(*one) for one in zip(ranks, listed, strict=True)], version=version)
        )
    return events


def oracle(events: Iterable[Happened], scheme: Scheme) -> dict[str, str | None]:
    """By recipient, the tier of the award that is held at the end. The code under test is not used."""
    points: dict[str, tuple[int, float, str]] = {}
    decisions: dict[str, QuizDisqualificationDecided] = {}
    closing: QuizClosed | None = None
    for event in events:
        match event:
            case QuizCompleted() | QuizRegraded():
                version = event.version if isinstance(event, QuizRegraded) else 1
                if version > points.get(event.result_id, (0,))[0]:
                    points[event.result_id] = version, event.points, event.participant_id
            case QuizDisqualificationDecided():
                before = decisions.get(event.participant_id)
                decisions[event.participant_id] = max(
                    [event, *([before] if before else [])], key=lambda one: one.version
                )
            case QuizClosed():
                closing = event if closing is None or event.version > closing.version else closing
    gone = {one for one, decision in decisions.items() if decision.disqualified}
    held: dict[str, str | None] = {}
    if scheme.rule.type == "pass_mark":
        for result_id, (_, reached, person) in points.items():
            decision = decisions.get(person)
            counts = decision is None or result_id not in decision.result_ids
            if reached >= 60 and counts and person not in gone:
                held[person] = None
    elif closing is not None:
        for one in closing.standings:
            tier = "gold" if one.rank <= 1 else "silver" if one.rank <= 3 else None
            if tier and one.participant_id not in gone:
                held[one.participant_id] = tier
    return held


async def play(random: Random, copies: list[Parts], events: list[Happened], quiz: str) -> dict[str, object]:
    """Handle the events in a random order and in batches, some at once; returns what was published."""
    order = random.sample(events, len(events)) + random.sample(events, len(events) // 2)
    told: dict[str, object] = {}
    while order:
        batches = [[order.pop() for _ in range(min(len(order), random.randint(1, 4)))] for _ in copies]
        work = [at.handle(*batch) for at, batch in zip(copies, batches, strict=True) if batch]
        following_too = [at.follower.go_on(quiz) for at in copies if random.random() < 0.5]
        done = await asyncio.gather(*work, *following_too)
        for published in done:
            # A process ends before it has published; its batch comes again.
            if published and random.random() < 0.7:
                told |= published
        if random.random() < 0.3:
            await copies[0].follow()
    # What was not published comes again, in the order of the log.
    for at in copies:
        told |= await at.handle(*events)
    await copies[0].follow()
    return told


@pytest.mark.parametrize("seed", range(6))
async def test_the_awards_at_the_end_are_those_that_the_highest_versions_earn(mongo: str, seed: int) -> None:
    random = Random(seed)  # noqa: S311 (no secret)
    async with new_parts(mongo, copies=2) as copies:
        [at, _] = copies
        for _ in range(8):
            quiz = new_id("quiz")
            schemes = [following(certificate(quiz)), following(prizes(quiz, **PLACES))]
            for of in schemes:
                await at.schemes.put(of)
            events = history(random, quiz)
            published = await play(random, copies, events, quiz)
            told = await at_last(at, published)
            for of in schemes:
                awards = await at.issued(of)
                held = {one: award.tier for one, award in awards.items() if award.is_valid}
                assert held == oracle(events, of), (seed, quiz, of.rule)
                for award in awards.values():
                    versions = told[award.award_id]
                    assert sorted(versions) == list(range(1, award.version + 1)), (seed, quiz)
                    assert versions[award.version] == award.is_valid


async def at_last(at: Parts, published: Mapping[str, object]) -> dict[str, dict[int, bool]]:
    """By award and version, whether it was issued (or revoked), by all that was published."""
    outbox = await waiting(at.database)
    told: list[object] = [*published.values()]
    told += [one.event for one in read_back(outbox, AwardIssued)]
    told += [one.event for one in read_back(outbox, AwardRevoked)]
    found: dict[str, dict[int, bool]] = {}
    for event in told:
        assert isinstance(event, AwardIssued | AwardRevoked)
        found.setdefault(event.award_id, {})[event.version] = isinstance(event, AwardIssued)
    return found

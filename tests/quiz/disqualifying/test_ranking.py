"""Where the first or the last attempt is ranked, decisions and corrections leave the right one standing."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any, get_args

import pytest

from ops.audit.log import Entry, Log
from ops.audit.quiz import audit_quiz
from services.quiz.attempts.submission import Submission
from shared.contracts.events import Counts, Ties
from shared.storage import outbox
from tests.quiz.builders import batch, envelope
from tests.quiz.disqualifying.builders import Deciding, graded
from tests.quiz.parts import Parts, new_parts
from tests.quiz.regrading.builders import CANCELLED, Correcting
from tests.quiz.regrading.test_audit import entries
from tests.support.logged import logged

CLOSED = "quiz.closed"
pytestmark = pytest.mark.stack

TRIES = 3
MINUTE = timedelta(minutes=1)
every_policy = pytest.mark.parametrize(("ties", "counts"), list(product(get_args(Ties), get_args(Counts))))


def attempts(parts: Parts, who: str, *right: int) -> list[Submission]:
    """Attempts of somebody, one second after the other, with so many right answers."""
    now = datetime.now(UTC).replace(microsecond=0) - MINUTE
    return [
        parts.submission(who, right=points, number=number, submitted_at=now + timedelta(seconds=number))
        for number, points in enumerate(right, 1)
    ]


def crowd(parts: Parts, number: int) -> list[Submission]:
    """People with three attempts each, in no order; few different points, so that many tie."""
    chance = Random(3)  # noqa: S311 (no secret)
    sent = [
        one
        for n in range(number)
        for one in attempts(parts, f"p{n:02}", *(chance.randrange(2, 6) for _ in range(TRIES)))
    ]
    chance.shuffle(sent)
    return sent


def standing_of(
    sent: Sequence[Submission],
    points: Mapping[str, float],
    out: Sequence[str],
    ties: str,
    counts: str,
) -> dict[str, float]:
    """
    By participant, the points of the attempt that stands, from all results.

    Args:
        out: people and attempts that do not count.
    """
    of: dict[str, list[Submission]] = {}
    for one in sent:
        if one.participant_id not in out and one.attempt_id not in out:
            of.setdefault(one.participant_id, []).append(one)

    def rank(one: Submission) -> tuple[Any, ...]:
        seconds = (one.submitted_at - one.started_at).total_seconds()
        low = (one.submitted_at, seconds) if ties == "earlier_finish" else (seconds, one.submitted_at)
        return (-points[one.attempt_id], *low)

    def stands(tries: Sequence[Submission]) -> Submission:
        if counts == "best":
            return min(tries, key=rank)
        return (min if counts == "first" else max)(tries, key=lambda one: one.submitted_at)

    return {who: points[stands(tries).attempt_id] for who, tries in of.items()}


async def test_where_the_first_attempt_is_ranked_the_next_one_that_counts_stands(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=TRIES, counts="first") as parts:
        at = Deciding(parts)
        # Each is better than the one before: only the rule of the quiz says which one stands.
        first, second, third = sent = attempts(parts, "wang", 2, 3, 5)
        await graded(parts, sent)
        await at.assert_standings({"wang": 2})
        await at.out("wang", first.attempt_id)
        await at.assert_standings({"wang": 3})
        # The same batch again, and settling, change nothing.
        await graded(parts, sent)
        assert await at.settle() == 1
        await at.assert_standings({"wang": 3})
        await at.out("wang", second.attempt_id)
        await at.assert_standings({"wang": 5})
        await at.back("wang", first.attempt_id)
        await at.assert_standings({"wang": 2})
        await at.out("wang", first.attempt_id, third.attempt_id)
        await at.assert_standings({})


async def test_where_the_last_attempt_is_ranked_a_correction_lets_it_fall(kafka: str, mongo: str) -> None:
    # Every paper has every question.
    changes = {"attempts_per_day": TRIES, "counts": "last", "blueprint": {"天文": 6, "健康": 4}}
    async with new_parts(kafka, mongo, **changes) as parts:
        at, correcting = Deciding(parts), Correcting(parts)
        await correcting.prepare()
        # With the key B, whoever had nothing right gains a point, and whoever had all right loses it.
        sent = [*attempts(parts, "falling", 0, 10), *attempts(parts, "rising", 10, 0)]
        barred = attempts(parts, "barred", 9, 10, 0)
        await graded(parts, [*sent, *barred])
        await at.out("barred", barred[-1].attempt_id)
        await at.assert_standings({"falling": 10, "rising": 0, "barred": 10})
        await correcting.correct("q1", "B")
        await correcting.regrade()
        points = await correcting.points()
        expected = standing_of([*sent, *barred], points, [barred[-1].attempt_id], "time_used", "last")
        assert expected == {"falling": 9, "rising": 1, "barred": 9}
        await at.assert_standings(expected)


@every_policy
async def test_decisions_and_a_correction_together_are_those_of_an_oracle(
    kafka: str, mongo: str, ties: Ties, counts: Counts
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=TRIES, ties=ties, counts=counts) as parts:
        at, correcting = Deciding(parts), Correcting(parts)
        await correcting.prepare()
        sent, out = crowd(parts, 20), ["p03", "p11"]
        await graded(parts, sent[:30])
        for who in out:
            await at.out(who)
        singles = [one.attempt_id for one in sent if one.participant_id in ("p05", "p07", "p09")]
        for one in sent:
            if one.attempt_id in singles[::2]:
                out.append(one.attempt_id)
                await at.out(one.participant_id, one.attempt_id)
        await graded(parts, sent[20:])
        points = await correcting.points()
        await at.assert_standings(standing_of(sent, points, out, ties, counts))
        for key in ("B", CANCELLED):
            await correcting.correct("q1", key)
            await correcting.regrade()
            points = await correcting.points()
            await at.assert_standings(standing_of(sent, points, out, ties, counts))
        await at.settle()
        await at.back("p03")
        out.remove("p03")
        await at.assert_standings(standing_of(sent, points, out, ties, counts))


async def closed_and_revised(
    parts: Parts, kafka: str, sent: Sequence[Submission], *out: Submission
) -> tuple[Deciding, list[Entry]]:
    """A closed quiz in which attempts are disqualified afterwards, and its log."""
    at, now = Deciding(parts), datetime.now(UTC)
    following = await parts.grading.grade_submissions(batch(*sent))
    await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
    await parts.closer(kafka).close_due(now + MINUTE)
    for one in out:
        await at.out(one.participant_id, one.attempt_id)
    await at.revise()
    now_ms = int(time.time() * 1000)
    submitted = [replace(logged(envelope(one), n), time_ms=now_ms) for n, one in enumerate(sent)]
    records = [one for one in following if isinstance(one, tuple)]
    return at, [*submitted, *entries([*records, *await outbox.waiting(at.database)], len(sent))]


def with_first_finish(closing: Entry) -> bytes:
    """A closing in which the first of the list finished at another time."""
    body = closing.body
    body["standings"][0]["finished_at"] = "2026-01-01T00:00:00Z"
    return json.dumps(body).encode()


@every_policy
async def test_revised_final_standings_say_how_they_are_ranked_and_the_audit_computes_the_same(
    kafka: str, mongo: str, ties: Ties, counts: Counts
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=TRIES, ties=ties, counts=counts) as parts:
        wang, li = attempts(parts, "wang", 3, 5, 4), attempts(parts, "li", 4, 2, 4)
        # The attempt of wang that stands.
        gone = wang[{"best": 1, "first": 0, "last": 2}[counts]]
        sent = [*wang, *li, *attempts(parts, "zhao", 1, 1, 1)]
        at, log = await closed_and_revised(parts, kafka, sent, gone)
        first, second = await at.closings()
        assert [(one.version, one.ties, one.counts) for one in (first, second)] == [
            (1, ties, counts),
            (2, ties, counts),
        ]
        stands = {"best": wang[2], "first": wang[1], "last": wang[1]}[counts]
        [found] = [one for one in second.standings if one.participant_id == "wang"]
        assert found.points == sum(answer == "A" for answer in stands.answers.values())
        assert found.finished_at == stands.submitted_at
        assert {one.name for one in await audit_quiz(Log(log), at.database, []) if not one.agrees} == set()
        # Awards may decide ties by the moment of finishing, so a wrong one is noticed.
        late = [replace(one, value=with_first_finish(one)) if one.topic == CLOSED else one for one in log]
        wrong = {one.name for one in await audit_quiz(Log(late), at.database, []) if not one.agrees}
        assert "final ranks are right" in wrong
        # Another attempt stands than the one that counts.
        standings = at.database["standings"]
        which = {"_id": f"{parts.quiz_id}/wang"}
        other = await standings.find_one({"_id": f"{parts.quiz_id}/zhao"})
        assert other is not None
        await standings.update_one(which, {"$set": {"order": other["order"]}})
        wrong = {one.name for one in await audit_quiz(Log(log), at.database, []) if not one.agrees}
        assert "standings are the results that count" in wrong

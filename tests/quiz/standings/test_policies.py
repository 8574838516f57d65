"""Every policy of ties with every attempt that may count, checked against an oracle that ranks all results."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any, get_args

import pytest

from services.quiz.attempts.submission import Submission
from services.quiz.closing.events import closed
from services.quiz.standings.ranks import Ranks
from shared.contracts.events import Counts, Ties
from shared.runtime import clock
from tests.quiz.builders import quiz
from tests.quiz.parts import Parts, new_parts
from tests.quiz.standings.builders import assert_counted, database_of, graded, stored

pytestmark = pytest.mark.stack

TRIES = 3
POLICIES = list(product(get_args(Ties), get_args(Counts)))
every_policy = pytest.mark.parametrize(("ties", "counts"), POLICIES)
# Points, seconds used, moment of finishing.
Told = tuple[int, int, datetime]


def told(one: Submission) -> Told:
    points = sum(letter == "A" for letter in one.answers.values())
    return points, int((one.submitted_at - one.started_at).total_seconds()), one.submitted_at


def counting(sent: Sequence[Submission], ties: str, counts: str) -> dict[str, Told]:
    """By participant, the attempt that counts."""
    of: dict[str, list[Told]] = {}
    for one in sent:
        of.setdefault(one.participant_id, []).append(told(one))
    chosen: dict[str, Any] = {
        "best": lambda tries: min(tries, key=lambda one: listed_by(one, ties)),
        "first": lambda tries: min(tries, key=lambda one: one[2]),
        "last": lambda tries: max(tries, key=lambda one: one[2]),
    }
    return {who: chosen[counts](tries) for who, tries in of.items()}


def listed_by(one: Told, ties: str) -> tuple[Any, ...]:
    points, seconds, finished = one
    return (-points, finished, seconds) if ties == "earlier_finish" else (-points, seconds, finished)


def ranked_by(one: Told, ties: str) -> tuple[Any, ...]:
    return listed_by(one, ties)[: 1 if ties == "shared" else 2]


def expected(sent: Sequence[Submission], ties: str, counts: str) -> list[tuple[int, str]]:
    """Ranks and participants, the best first."""
    of = counting(sent, ties, counts)
    rows = sorted((listed_by(one, ties), who) for who, one in of.items())
    keys = [ranked_by(one, ties) for one in of.values()]
    return [(1 + sum(key < ranked_by(of[who], ties) for key in keys), who) for _, who in rows]


def crowd(parts: Parts, at: datetime, number: int = 30) -> list[Submission]:
    """Some people with three attempts each; few different points, seconds and moments, so that many tie."""
    chance = Random(11)  # noqa: S311 (no secret)
    sent = []
    for n, number_ in product(range(number), range(1, TRIES + 1)):
        # No two attempts of a person end at the same moment. Some of different people do.
        finish = at + timedelta(milliseconds=10 * chance.randrange(12) + number_)
        points, seconds = chance.randrange(3, 6), chance.choice([60, 61])
        sent.append(
            parts.submission(f"p{n:02}", right=points, seconds=seconds, submitted_at=finish, number=number_)
        )
    chance.shuffle(sent)
    return sent


async def shown(parts: Parts, ties: Ties) -> list[tuple[int, str]]:
    """Ranks and participants as they stand, each rank from the counts."""
    ranks = Ranks(parts.stores.standings, fresh_seconds=0)
    best = await parts.stores.standings.top(parts.quiz_id, 100)
    return [(await ranks.rank(parts.quiz_id, order, ties), who) for who, order in best]


@every_policy
async def test_standings_are_those_of_an_oracle_late_repeated_frozen_and_thawed(
    kafka: str, mongo: str, ties: Ties, counts: Counts
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=TRIES, ties=ties, counts=counts) as parts:
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        sent = crowd(parts, now)
        await graded(parts, *sent[:30])
        assert await shown(parts, ties) == expected(sent[:30], ties, counts)
        # The freeze shows what was handed in until then, also if it is graded later.
        frozen_at = now + timedelta(milliseconds=62)
        await parts.freeze(frozen_at)
        await graded(parts, *sent[20:70])
        await graded(parts, *sent[10:])
        before = [one for one in sent if one.submitted_at <= frozen_at]
        first = sent[:30]
        assert {who for _, who in await shown(parts, ties)} >= {one.participant_id for one in before}
        assert await shown(parts, ties) == expected([*before, *first], ties, counts)
        await parts.stores.quizzes.thaw(parts.quiz_id)
        await parts.upkeep.turn()
        assert await shown(parts, ties) == expected(sent, ties, counts)
        await assert_counted(database_of(parts), parts.quiz_id)
        # The close says the same ranks.
        record = parts.catalogue.find(parts.quiz_id).record
        best = await parts.stores.standings.top(parts.quiz_id, 100)
        event = closed(record, best, len(best), clock.now()).event
        said = [(one.rank, one.participant_id) for one in event.standings]
        assert said == expected(sent, ties, counts)
        of = counting(sent, ties, counts)
        assert [(one.points, one.time_used_seconds) for one in event.standings] == [
            of[one.participant_id][:2] for one in event.standings
        ]
        assert (event.ties, event.counts) == (ties, counts)
        if ties == "earlier_finish":
            assert {one.finished_at for one in event.standings} <= {one.submitted_at for one in sent}


@every_policy
async def test_whatever_the_batches_are_the_same_stands(
    kafka: str, mongo: str, ties: Ties, counts: Counts
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=TRIES, ties=ties, counts=counts) as parts:
        sent = crowd(parts, datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1), 10)
        # Each alone, backwards, and then all of them again in one batch.
        for one in reversed(sent):
            await graded(parts, one)
        alone = await stored(database_of(parts), parts.quiz_id)
        await graded(parts, *sent)
        assert await stored(database_of(parts), parts.quiz_id) == alone
        assert await shown(parts, ties) == expected(sent, ties, counts)


def test_how_a_quiz_ranks_stays_once_it_has_opened_and_a_definition_without_it_ranks_as_before() -> None:
    said = quiz().model_dump(mode="json", exclude={"ties", "counts"})
    assert (type(quiz()).model_validate(said).ranking) == ("time_used", "best")
    for change in ({"ties": "shared"}, {"counts": "last"}):
        assert not quiz(**change).keeps_to(quiz())

"""Two workers are killed between decisions and what follows: everything is settled, and told of once."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.contracts.envelope import Event
from shared.contracts.events import QuizClosed, QuizDisqualificationDecided
from shared.messaging.create_topics import create_missing
from tests.quiz.disqualifying.builders import Deciding, graded
from tests.quiz.parts import new_parts
from tests.quiz.regrading.builders import best_of
from tests.quiz.test_worker import start, workers
from tests.support.kafka import read_all
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

PEOPLE = 90
SETTLE = timedelta(seconds=3)
SECONDS = 90.0


async def told(kafka: str, quiz_id: str, of: type[Event]) -> list[tuple[bytes, dict[str, Any]]]:
    """The ids and events of this type in the log."""
    found = await read_all(kafka, of.topic)
    events = [
        (dict(one.headers)["ce_id"], of.model_validate_json(one.value or b"").model_dump()) for one in found
    ]
    return [one for one in events if one[1]["quiz_id"] == quiz_id]


async def test_decisions_are_settled_and_final_standings_revised_though_both_workers_are_killed(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    async with new_parts(kafka, mongo, attempts_per_day=2) as parts, workers() as copies:
        at, stores = Deciding(parts, SETTLE), parts.stores
        sent = [parts.submission(f"p{n}", right=n % 6, number=k) for n in range(PEOPLE) for k in (1, 2)]
        await graded(parts, sent)
        database = stores.database.name

        async def unsettled() -> int:
            return await stores.database["disqualifications"].count_documents(
                {"settle_at": {"$exists": True}}
            )

        copies += [await start(kafka, mongo, database, name) for name in ("w1", "w2")]
        out = [f"p{n}" for n in range(0, PEOPLE, 2)]
        for who in out:
            await at.out(who)
        assert await unsettled()
        # Between the decisions and their settling.
        await copies[0].kill()
        half = len(out) // 2
        await eventually(unsettled, lambda left: left <= half, seconds=SECONDS)
        await copies[1].kill()
        copies[0] = await start(kafka, mongo, database, "w1")
        await eventually(unsettled, lambda left: not left, seconds=SECONDS)
        left = [one for one in sent if one.participant_id not in out]
        points = {one.attempt_id: float(list(one.answers.values()).count("A")) for one in sent}
        await at.assert_standings(best_of(left, points))

        # After the close, each decision makes the final standings due.
        now = datetime.now(UTC)
        await stores.quizzes.begin_closing(parts.quiz_id, now, now - timedelta(minutes=1))

        async def closings() -> list[tuple[bytes, dict[str, Any]]]:
            return await told(kafka, parts.quiz_id, QuizClosed)

        await eventually(closings, seconds=SECONDS)
        out += ["p1", "p3"]
        for who in out[-2:]:
            await at.out(who)
        await copies[0].kill()
        copies[:] = [await start(kafka, mongo, database, name) for name in ("w1", "w2")]
        await eventually(closings, lambda found: len(found) >= 2, seconds=SECONDS)
        await eventually(unsettled, lambda left: not left, seconds=SECONDS)
        decisions = await told(kafka, parts.quiz_id, QuizDisqualificationDecided)
        finals = dict(await closings())
    assert Counter(one["participant_id"] for one in dict(decisions).values()) == Counter(out)
    assert sorted(one["version"] for one in finals.values()) == [1, 2]
    last = max(finals.values(), key=lambda one: one["version"])
    best = best_of([one for one in sent if one.participant_id not in out], points)
    assert {one["participant_id"]: one["points"] for one in last["standings"]} == best

"""What intake promises while Kafka and MongoDB go away and come back."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ops.stack import Stack
from services.quiz.intake import Intake
from services.quiz.rules import CLOSE_NOTICE_SECONDS
from services.quiz.submission import submission as submissions
from shared.contracts.events import QuizSubmitted
from shared.contracts.topics import create_missing
from tests.quiz.builders import ORGANISER, as_participant, attempt, paper, quiz, running, service, token
from tests.support.kafka import eventually, read_all

pytestmark = pytest.mark.stack


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """Servers that this test alone may kill."""
    with Stack(tmp_path, detached=False, environment={}) as running_:
        yield running_


def assert_outage(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"


async def test_what_got_202_is_in_the_log_whatever_happened_to_kafka(own_stack: Stack) -> None:
    await create_missing(own_stack.kafka)
    quiz_id, of, database = "contest", quiz(), "kepu_quiz"
    promised: dict[str, dict[str, str]] = {}
    busy, idle = (service(own_stack.kafka, own_stack.mongo, role="api", database=database) for _ in range(2))
    async with running(busy) as client, running(idle) as other:
        body = of.model_dump(mode="json")
        for one in (client, other):
            assert (await one.put(f"/quizzes/{quiz_id}", json=body, headers=ORGANISER)).status_code == 200

        async def submit(who: str, to: httpx.AsyncClient = client) -> int:
            mine = attempt(quiz_id, of, who)
            answers = dict.fromkeys(sorted(paper(quiz_id, of, mine.attempt_id).question_ids)[:3], "C")
            path = f"/attempts/{mine.attempt_id}/submission"
            answer = await to.post(path, json={"answers": answers}, headers=token(mine))
            if answer.status_code == 202:
                promised[answer.json()["receipt_id"]] = answers
            else:
                assert_outage(answer)
            return answer.status_code

        assert set(await asyncio.gather(*(submit(f"before-{n}") for n in range(20)))) == {202}
        load = [asyncio.create_task(submit(f"under-way-{n}")) for n in range(20)]
        await asyncio.sleep(0.003)
        own_stack.kill_kafka()
        own_stack.kill_mongo()
        load += [asyncio.create_task(submit(f"after-{n}")) for n in range(20)]
        # A process that was not connected yet is told at once.
        path = f"/quizzes/{quiz_id}/attempts"
        start = asyncio.create_task(other.post(path, headers=as_participant("wang")))
        assert set(await asyncio.gather(*(submit(f"first-{n}", other) for n in range(20)))) == {503}
        assert_outage(await start)
        await asyncio.to_thread(own_stack.up)
        assert set(await asyncio.gather(*load)) <= {202, 503}

        async def accepted() -> bool:
            return await submit("again") == await submit("again", other) == 202

        # Without a restart of either.
        await eventually(accepted)

        async def well() -> bool:
            return (await client.get("/health")).status_code == 200

        await eventually(well)
    log = {
        dict(record.headers)["ce_id"].decode(): submissions.decode(record.value or b"")
        for record in await read_all(own_stack.kafka, QuizSubmitted.topic)
    }
    assert {receipt: log[receipt].answers for receipt in promised} == promised
    assert len(promised) >= 22


async def test_intake_is_bounded(kafka: str, mongo: str) -> None:
    """Beyond the bound: 503, and nothing promised."""
    app = service(kafka, mongo, role="api")
    quiz_id, of = "contest", quiz()
    async with running(app) as client:
        body = of.model_dump(mode="json")
        await client.put(f"/quizzes/{quiz_id}", json=body, headers=ORGANISER)
        intake: Intake = app.state.sitting.intake
        intake._log._waiting_max = 0
        mine = attempt(quiz_id, of, "wang")
        path = f"/attempts/{mine.attempt_id}/submission"
        answer = await client.post(path, json={"answers": {}}, headers=token(mine))
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert answer.headers["retry-after"] == "2"
        app.state.sitting.starts._waiting_max = 0
        answer = await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_participant("wang"))
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")


async def test_a_process_that_stood_still_does_not_take_what_came_after_an_early_close(
    kafka: str, mongo: str
) -> None:
    app = service(kafka, mongo, role="api")
    quiz_id, of = "contest", quiz(grace_seconds=0)
    async with running(app) as client:
        await client.put(f"/quizzes/{quiz_id}", json=of.model_dump(mode="json"), headers=ORGANISER)
        mine = attempt(quiz_id, of, "wang")
        # As another process does it, and this one is stopped meanwhile.
        now = datetime.now(UTC)
        await app.state.quiz.store.quizzes.begin_closing(quiz_id, now, now)
        time.sleep(CLOSE_NOTICE_SECONDS + 0.1)  # noqa: ASYNC251 (nothing at all may run)
        path = f"/attempts/{mine.attempt_id}/submission"
        answer = await client.post(path, json={"answers": {}}, headers=token(mine))
        assert (answer.status_code, answer.json()["code"]) == (409, "attempt_late")

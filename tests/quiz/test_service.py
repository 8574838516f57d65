"""The whole of quiz on the real broker and database, through its HTTP interface."""

import asyncio
import logging
from uuid import uuid4

import msgspec
import pytest

from services.quiz.quizzes.rules import Quiz
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import publishing
from shared.runtime.logs import JsonLines
from tests.quiz.builders import as_resident, envelope, paper, quiz, service, submission
from tests.support.service import ORGANISER, ORGANISER_KEY, as_participant
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def definition(of: Quiz) -> dict[str, object]:
    return of.model_dump(mode="json")


async def test_an_attempt_goes_from_start_to_result_and_standing(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    quiz_id, who, of = f"quiz-{uuid4().hex[:8]}", str(uuid4()), quiz()
    async with service(mongo, kafka=kafka) as ([client], _):
        published = await client.put(f"/quizzes/{quiz_id}", json=definition(of), headers=ORGANISER)
        assert published.status_code == 200, published.text
        started = await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident(who))
        assert started.status_code == 201, started.text
        attempt = started.json()
        assert len(attempt["questions"]) == 5
        assert {question["id"] for question in attempt["questions"]} == paper(
            quiz_id, of, attempt["attempt_id"]
        ).question_ids
        again = (await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident(who))).json()
        assert again["attempt_id"] == attempt["attempt_id"]
        assert again["started_at"] == attempt["started_at"]

        bearer = {"Authorization": f"Bearer {attempt['attempt_token']}"}
        answers = {question["id"]: "A" for question in attempt["questions"]}
        path = f"/attempts/{attempt['attempt_id']}"
        receipt = await client.post(f"{path}/submission", json={"answers": answers}, headers=bearer)
        assert receipt.status_code == 202, receipt.text
        second = await client.post(f"{path}/submission", json={"answers": {}}, headers=bearer)
        assert (second.status_code, second.json()["code"]) == (409, "attempt_submitted")
        assert second.json()["receipt"] == receipt.json()
        for _ in range(200):
            result = (await client.get(f"{path}/result", headers=as_resident(who))).json()
            if result["status"] == "graded":
                break
            await asyncio.sleep(0.05)
        assert result["score_percent"] == 100
        assert result["passed"] is True

        standing = (await client.get(f"/quizzes/{quiz_id}/standings/me", headers=as_resident(who))).json()
        assert standing["rank"] == 1
        foreign = await client.get(f"{path}/result", headers=as_participant(str(uuid4())))
        assert foreign.status_code == 404
        assert foreign.json()["code"] == "attempt_unknown"
        used_up = await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident(who))
        assert (used_up.status_code, used_up.json()["code"]) == (409, "attempts_exhausted")
        health = await client.get("/health")
        assert health.status_code == 200, health.text


async def test_logs_tell_no_answers_tokens_or_names(
    kafka: str, mongo: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "services")
    caplog.set_level(logging.DEBUG, "shared")
    quiz_id, who, of = f"quiz-{uuid4().hex[:8]}", str(uuid4()), quiz()
    async with service(mongo, kafka=kafka) as ([client], _):
        await client.put(f"/quizzes/{quiz_id}", json=definition(of), headers=ORGANISER)
        me = as_participant(who, district="秘密区")
        begun = (await client.post(f"/quizzes/{quiz_id}/attempts", headers=me)).json()
        path = f"/attempts/{begun['attempt_id']}/submission"
        bearer = {"Authorization": f"Bearer {begun['attempt_token']}"}
        answers = {question["id"]: "DCBA" for question in begun["questions"]}
        foreign = {"Authorization": f"Bearer {begun['attempt_token']}x"}
        await client.post(path, json={"answers": answers | {"q99": "HGF"}}, headers=bearer)
        await client.post(path, content=b'{"answers": "HGF', headers=bearer)
        await client.post(path, json={"answers": answers}, headers=foreign)
        assert (await client.post(path, json={"answers": answers}, headers=bearer)).status_code == 202
        # One that ends in dead letters, with answers to questions that nobody asked.
        strange = msgspec.structs.replace(submission(quiz_id, of, district="秘密区"), answers={"q99": "HGF"})
        async with publishing(kafka, "tests") as publisher:
            await publisher.publish([envelope(strange)])
        await eventually(lambda: "event dead-lettered" in caplog.messages)
    written = "\n".join(JsonLines("quiz").format(record) for record in caplog.records)
    assert "service ready" in written
    secrets = ["DCBA", "HGF", "秘密区", begun["attempt_token"], me["Authorization"][7:], ORGANISER_KEY, who]
    assert [secret for secret in secrets if secret in written] == []

"""The whole of quiz on the real broker and database, through its HTTP interface."""

import asyncio
from uuid import uuid4

import pytest

from services.quiz.rules import Quiz
from shared.topics import create_missing
from tests.quiz.builders import ORGANISER, as_participant, paper, quiz, running, service

pytestmark = pytest.mark.stack


def definition(of: Quiz) -> dict[str, object]:
    return of.model_dump(mode="json")


async def test_an_attempt_goes_from_start_to_result_and_standing(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    quiz_id, who, of = f"quiz-{uuid4().hex[:8]}", str(uuid4()), quiz()
    async with running(service(kafka, mongo)) as client:
        published = await client.put(f"/quizzes/{quiz_id}", json=definition(of), headers=ORGANISER)
        assert published.status_code == 200, published.text
        started = await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_participant(who))
        assert started.status_code == 201, started.text
        attempt = started.json()
        assert len(attempt["questions"]) == 5
        assert {question["id"] for question in attempt["questions"]} == paper(
            quiz_id, of, attempt["attempt_id"]
        ).question_ids
        again = (await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_participant(who))).json()
        assert again["attempt_id"] == attempt["attempt_id"]
        assert again["started_at"] == attempt["started_at"]

        bearer = {"Authorization": f"Bearer {attempt['attempt_token']}"}
        answers = {question["id"]: "A" for question in attempt["questions"]}
        path = f"/attempts/{attempt['attempt_id']}"
        receipt = await client.post(f"{path}/submission", json={"answers": answers}, headers=bearer)
        assert receipt.status_code == 202, receipt.text
        second = await client.post(f"{path}/submission", json={"answers": {}}, headers=bearer)
        assert second.status_code == 202
        for _ in range(200):
            result = (await client.get(f"{path}/result", headers=as_participant(who))).json()
            if result["status"] == "graded":
                break
            await asyncio.sleep(0.05)
        assert result["score_percent"] == 100
        assert result["passed"] is True

        standing = (await client.get(f"/quizzes/{quiz_id}/standings/me", headers=as_participant(who))).json()
        assert standing["rank"] == 1
        foreign = await client.get(f"{path}/result", headers=as_participant(str(uuid4())))
        assert foreign.status_code == 404
        assert foreign.json()["code"] == "attempt_unknown"
        used_up = await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_participant(who))
        assert (used_up.status_code, used_up.json()["code"]) == (409, "attempts_exhausted")
        health = await client.get("/health")
        assert health.status_code == 200, health.text

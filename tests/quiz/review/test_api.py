"""The review of an attempt over HTTP."""

import asyncio

import pytest

from tests.quiz.builders import as_resident, attempt, batch, question, service
from tests.quiz.parts import new_parts
from tests.support.service import code_of

pytestmark = pytest.mark.stack


async def test_a_review_opens_to_its_owner_when_the_quiz_is_closed(kafka: str, mongo: str) -> None:
    explained = tuple(
        question(n, key="B" if n == 0 else "A").model_copy(
            update={"explanation": f"因为{n}", "source": "教材"}
        )
        for n in range(10)
    )
    changes = {"questions": explained, "blueprint": {"天文": 10}}
    async with new_parts(kafka, mongo, **changes) as parts:
        sent = parts.submission("wang", right=10)
        await parts.grading.grade_submissions(batch(sent))
        begun = attempt(parts.quiz_id, parts.quiz, "li")
        await parts.stores.attempts.add([begun])
        database = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):
            path = f"/attempts/{sent.attempt_id}/review"
            answer = await client.get(path, headers=as_resident("wang"))
            assert code_of(answer) == (409, "quiz_not_closed")
            answer = await client.get(path, headers=as_resident("li"))
            assert code_of(answer) == (404, "attempt_unknown")
            await parts.close()
            await client.get("/health")
            await asyncio.sleep(1.3)
            review = (await client.get(path, headers=as_resident("wang"))).json()
            assert review["score_percent"] == 90
            by_id = {one["id"]: one for one in review["questions"]}
            assert by_id.keys() == sent.answers.keys()
            wrong, right = by_id["q0"], by_id["q1"]
            assert (wrong["answer"], wrong["key"], wrong["right"], wrong["points"]) == ("A", "B", False, 0)
            assert (right["right"], right["explanation"], right["source"]) == (True, "因为1", "教材")
            answer = await client.get(path, headers=as_resident("li"))
            assert code_of(answer) == (404, "attempt_unknown")
            path = f"/attempts/{begun.attempt_id}/review"
            empty = (await client.get(path, headers=as_resident("li"))).json()
            assert empty["score_percent"] is None
            assert {one["answer"] for one in empty["questions"]} == {None}


async def test_ones_own_attempts_are_found_on_whatever_device(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        begun = attempt(parts.quiz_id, parts.quiz, "li")
        await parts.stores.attempts.add([begun])
        # Of another system: it never started here.
        sent = parts.submission("wang", right=10)
        await parts.grading.grade_submissions(batch(sent))
        database = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):
            path = f"/quizzes/{parts.quiz_id}/attempts/me"
            for who, ids in (("li", [begun.attempt_id]), ("wang", [sent.attempt_id]), ("zhao", [])):
                found = (await client.get(path, headers=as_resident(who))).json()
                assert [one["attempt_id"] for one in found["attempts"]] == ids
                assert all(one["number"] == 1 for one in found["attempts"])
                assert found["left_today"] == 3 - len(ids)
            assert code_of(await client.get(path)) == (401, "token_missing")
            answer = await client.get("/quizzes/nothing/attempts/me", headers=as_resident("li"))
            assert code_of(answer) == (404, "quiz_unknown")

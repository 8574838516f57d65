"""Corrections over HTTP: what an organiser sees, and what is refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.quiz.quizzes.begun import Begun
from services.quiz.quizzes.record import CHANGED_AFTER_CLOSE
from shared.messaging.create_topics import create_missing
from tests.quiz.builders import question, quiz, service
from tests.quiz.http import put
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack

PATH = "/quizzes/one/corrections"


def body(question_id: str = "q0", key: str | None = "B", **changes: Any) -> dict[str, Any]:
    return {"question_id": question_id, "key": key, "reason": "the book was wrong"} | changes


async def test_an_organiser_corrects_a_quiz_and_sees_how_far_it_is(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    of = quiz(
        questions=(*(question(n) for n in range(9)), question(9, kind="multiple", key="AB")),
        blueprint={"天文": 10},
    )
    async with service(mongo, kafka=kafka, role="api") as ([client], database):

        async def correct(**changes: Any) -> Any:
            headers = {"If-Match": changes.pop("if_match")} if "if_match" in changes else {}
            return await client.post(PATH, json=body(**changes), headers=ORGANISER | headers)

        assert code_of(await correct()) == (404, "quiz_unknown")
        assert (await put(client, "one", of)).is_success
        assert code_of(await correct()) == (409, "quiz_not_begun")
        await Begun(database).mark({("one", 1)})
        nothing = await client.get(PATH, headers=ORGANISER)
        assert (nothing.json(), nothing.headers["etag"]) == ({"quiz_id": "one", "corrections": []}, '"0"')
        assert (await client.get(PATH)).status_code == 401
        assert (await client.post(PATH, json=body())).status_code == 401
        for wrong, code in [
            ({"question_id": "q77"}, (404, "question_not_in_quiz")),
            ({"key": "E"}, (422, "key_beyond_options")),
            ({"key": "AB"}, (422, "key_of_one")),
            ({"question_id": "q9", "key": "BA"}, (422, "key_order")),
        ]:
            assert code_of(await correct(**wrong)) == code
        for both in ({"cancelled": True}, {"key": None}):
            answer = await correct(**both)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "key_or_cancelled")
        missing = await client.get(f"{PATH}/preview", headers=ORGANISER)
        assert code_of(missing) == (404, "preview_unknown")
        asked = await client.post(f"{PATH}/preview", json=body(), headers=ORGANISER)
        assert (asked.status_code, asked.json()["corrections"], asked.json()["figures"]) == (202, 0, None)
        assert (await client.get(f"{PATH}/preview")).status_code == 401
        known = await client.post(f"{PATH}/preview", json=body(key="A"), headers=ORGANISER)
        assert code_of(known) == (409, "corrected_already")
        done = await correct(if_match='"0"')
        assert (done.status_code, done.headers["etag"]) == (202, '"1"')
        [one] = done.json()["corrections"]
        assert (one["number"], one["question_id"], one["key"], one["cancelled"]) == (1, "q0", "B", False)
        assert (one["reason"], one["regrading"]["status"]) == ("the book was wrong", "waiting")
        # The same again changes nothing; another organiser who has not seen it is told.
        assert (await correct()).headers["etag"] == '"1"'
        assert code_of(await correct(question_id="q1", if_match='"0"')) == (412, "corrections_differ")
        assert code_of(await correct(question_id="q1", if_match='"1"')) == (409, "regrading_under_way")
        again = await client.get(PATH, headers=ORGANISER)
        assert again.json() == done.json()
        await database["quizzes"].update_one({"_id": "one"}, {"$unset": {"regrading": ""}})
        cancelled = await correct(question_id="q9", key=None, cancelled=True)
        assert cancelled.json()["corrections"][1]["cancelled"]
        await database["quizzes"].update_one({"_id": "one"}, {"$unset": {"regrading": ""}})
        await database["quizzes"].update_one({"_id": "one"}, {"$set": {"status": "closed"}})
        assert (await correct(question_id="q1")).status_code == 202
        await database["quizzes"].update_one({"_id": "one"}, {"$unset": {"regrading": ""}})
        long_ago = datetime.now(UTC) - CHANGED_AFTER_CLOSE - timedelta(minutes=1)
        closed_then = {"$set": {"closes_at": long_ago}, "$inc": {"revision": 1}}
        await database["quizzes"].update_one({"_id": "one"}, closed_then)
        assert code_of(await correct(question_id="q2")) == (409, "quiz_is_final")


async def test_of_two_organisers_at_once_one_corrects(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    async with service(mongo, kafka=kafka, role="api", copies=2) as (clients, database):
        assert (await put(clients[0], "one", quiz())).is_success
        await Begun(database).mark({("one", 1)})
        answers = await asyncio.gather(
            *(
                clients[n % 2].post(PATH, json=body(f"q{n}"), headers=ORGANISER | {"If-Match": '"0"'})
                for n in range(6)
            )
        )
        assert sorted(answer.status_code for answer in answers)[0] == 202
        assert {answer.status_code for answer in answers} <= {202, 409, 412}
        assert [answer.status_code for answer in answers].count(202) == 1
        found = (await clients[0].get(PATH, headers=ORGANISER)).json()
        assert len(found["corrections"]) == 1

"""Drafts, and trials of drafts and of published quizzes."""

import asyncio
from datetime import timedelta

import pytest

from shared.messaging.create_topics import create_missing
from tests.quiz.builders import as_resident, quiz, service
from tests.quiz.http import definition, put
from tests.quiz.quizzes.test_api import published_of
from tests.support.service import ORGANISER, code_of, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_a_draft_is_seen_by_organisers_alone_until_it_is_published(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    quiz_id, of = new_id(), quiz()
    path = f"/quizzes/{quiz_id}/draft"
    async with service(mongo, kafka=kafka) as ([client], _):
        first = await client.put(path, json=definition(of), headers=ORGANISER)
        assert (first.status_code, first.headers["etag"]) == (200, '"1"')
        # The same again changes nothing.
        assert (await client.put(path, json=definition(of), headers=ORGANISER)).headers["etag"] == '"1"'
        changed = of.model_copy(update={"title": "改了名的草稿"})
        second = await client.put(path, json=definition(changed), headers=ORGANISER | {"If-Match": '"1"'})
        assert second.headers["etag"] == '"2"'
        late = await client.put(path, json=definition(of), headers=ORGANISER | {"If-Match": '"1"'})
        assert code_of(late) == (412, "draft_differs")
        assert code_of(await client.get(path)) == (401, "organiser_key_missing")
        read = await client.get(path, headers=ORGANISER)
        assert (read.json()["title"], read.headers["etag"]) == ("改了名的草稿", '"2"')
        drafts = (await client.get("/quiz-drafts", headers=ORGANISER)).json()["drafts"]
        assert [one["quiz_id"] for one in drafts] == [quiz_id]
        assert (await client.get("/quizzes")).json()["quizzes"] == []
        assert code_of(await client.get(f"/quizzes/{quiz_id}")) == (404, "quiz_unknown")
        start = f"/quizzes/{quiz_id}/attempts"
        assert code_of(await client.post(start, headers=as_resident("wang"))) == (404, "quiz_unknown")
        assert await published_of(kafka, quiz_id) == []

        answer = await client.post(f"{path}/publish", headers=ORGANISER)
        assert (answer.status_code, answer.json()["title"]) == (200, "改了名的草稿")
        assert code_of(await client.get(path, headers=ORGANISER)) == (404, "draft_unknown")
        assert code_of(await client.post(f"{path}/publish", headers=ORGANISER)) == (404, "draft_unknown")
        again = await client.put(path, json=definition(of), headers=ORGANISER)
        assert code_of(again) == (409, "quiz_published")
        assert (await client.post(start, headers=as_resident("wang"))).status_code == 201
        ((_, event),) = await eventually(lambda: published_of(kafka, quiz_id))
        assert (event.version, event.title) == (1, "改了名的草稿")


async def test_dates_are_checked_when_a_draft_is_published_and_a_refusal_leaves_it(mongo: str) -> None:
    quiz_id, of = new_id(), quiz()
    over = quiz(opens_at=of.opens_at - timedelta(days=3), closes_at=of.opens_at - timedelta(days=2))
    path = f"/quizzes/{quiz_id}/draft"
    async with service(mongo, role="api") as ([client], _):
        assert (await client.put(path, json=definition(over), headers=ORGANISER)).status_code == 200
        refused = await client.post(f"{path}/publish", headers=ORGANISER)
        assert code_of(refused) == (422, "quiz_over")
        assert (await client.get(path, headers=ORGANISER)).json()["title"] == over.title
        assert (await client.delete(path, headers=ORGANISER)).status_code == 204
        assert code_of(await client.delete(path, headers=ORGANISER)) == (404, "draft_unknown")


async def test_of_two_organisers_one_writes_a_draft_and_one_publishes_it(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    quiz_id, of = new_id(), quiz()
    path = f"/quizzes/{quiz_id}/draft"
    new = ORGANISER | {"If-None-Match": "*"}
    async with service(mongo, kafka=kafka, copies=2) as (clients, _):
        put_ = await asyncio.gather(
            *(one.put(path, json=definition(of), headers=new) for one in (*clients, *clients))
        )
        assert sorted(answer.status_code for answer in put_) == [200, 412, 412, 412]
        both = await asyncio.gather(
            *(one.post(f"{path}/publish", headers=ORGANISER) for one in (*clients, *clients))
        )
        assert sorted(answer.status_code for answer in both)[0] == 200
        assert sum(answer.status_code == 200 for answer in both) == 1
        refused = {code_of(one)[1] for one in both if one.status_code != 200}
        assert refused <= {"draft_unknown", "quiz_published", "quiz_changed"}
        assert len(await eventually(lambda: published_of(kafka, quiz_id))) == 1


async def test_a_trial_is_the_paper_of_a_participant_and_stores_nothing(mongo: str) -> None:
    quiz_id, of = new_id(), quiz(papers=1)
    async with service(mongo, role="api") as ([client], database):
        await client.put(f"/quizzes/{quiz_id}/draft", json=definition(of), headers=ORGANISER)
        path = f"/quizzes/{quiz_id}/trial"
        assert code_of(await client.get(path)) == (401, "organiser_key_missing")
        of_draft = (await client.get(path, headers=ORGANISER)).json()
        assert of_draft["draft"] is True
        assert "key" not in of_draft["questions"][0]
        beyond = await client.get(path, params={"paper": 1}, headers=ORGANISER)
        assert code_of(beyond) == (404, "paper_unknown")
        questions = [one["id"] for one in of_draft["questions"]]
        answers = {one: "A" if nth < 4 else "B" for nth, one in enumerate(questions)}
        tried = await client.post(path, json={"paper": 0, "answers": answers}, headers=ORGANISER)
        assert tried.json() | {"questions": 0} == {
            "paper": 0,
            "points": 4,
            "points_max": 5,
            "score_percent": 80,
            "passed": True,
            "questions": 0,
        }
        assert [one["right"] for one in tried.json()["questions"]] == [True] * 4 + [False]
        foreign = {"paper": 0, "answers": {"q-other": "A"}}
        assert code_of(await client.post(path, json=foreign, headers=ORGANISER)) == (422, "question_unknown")
        stored = {
            name: await database[name].count_documents({}) for name in ("attempts", "results", "outbox")
        }
        assert stored == {"attempts": 0, "results": 0, "outbox": 0}

        await client.post(f"/quizzes/{quiz_id}/draft/publish", headers=ORGANISER)
        begun = await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident("wang"))
        of_quiz = (await client.get(path, headers=ORGANISER)).json()
        assert of_quiz["draft"] is False
        assert of_quiz["questions"] == of_draft["questions"] == begun.json()["questions"]


async def test_a_put_quiz_has_an_etag_that_a_wrong_condition_refuses(mongo: str) -> None:
    quiz_id, of = new_id(), quiz()
    other = of.model_copy(update={"title": "另一个名称"})
    path = f"/quizzes/{quiz_id}"
    async with service(mongo, role="api") as ([client], _):
        wrong = await client.put(path, json=definition(of), headers=ORGANISER | {"If-Match": '"1"'})
        assert code_of(wrong) == (412, "quiz_differs")
        made = await client.put(path, json=definition(of), headers=ORGANISER | {"If-None-Match": "*"})
        assert (made.status_code, made.headers["etag"]) == (200, '"1"')
        read = await client.get(f"{path}/definition", headers=ORGANISER)
        assert read.headers["etag"] == '"1"'
        twice = await client.put(path, json=definition(other), headers=ORGANISER | {"If-None-Match": "*"})
        assert code_of(twice) == (412, "quiz_differs")
        both = await asyncio.gather(
            *(
                client.put(
                    path,
                    json=definition(of.model_copy(update={"title": f"名称{n}"})),
                    headers=ORGANISER | {"If-Match": '"1"'},
                )
                for n in range(4)
            )
        )
        assert sum(answer.status_code == 200 for answer in both) == 1
        assert {answer.status_code for answer in both} <= {200, 409, 412}
        # Without a condition as before.
        assert (await put(client, quiz_id, other)).headers["etag"] == '"3"'


async def test_a_list_of_drafts_says_what_their_definitions_say_and_reads_no_questions(mongo: str) -> None:
    hard = tuple(one.model_copy(update={"difficulty": "hard"}) for one in quiz().questions)
    by_lines = {"blueprint": {}, "lines": [{"topic": "天文", "difficulty": "hard", "count": 4}]}
    quizzes = {"a": quiz(), "b": quiz(questions=hard, **by_lines)}
    async with service(mongo, role="api") as ([client], database):
        for quiz_id, of in quizzes.items():
            put_ = await client.put(f"/quizzes/{quiz_id}/draft", json=definition(of), headers=ORGANISER)
            assert put_.status_code == 200
        listed = (await client.get("/quiz-drafts", headers=ORGANISER)).json()["drafts"]
        assert [one["questions"] for one in listed] == [5, 4]
        # A PUT that changes nothing says what the list says.
        for one in listed:
            path, of = f"/quizzes/{one['quiz_id']}/draft", quizzes[one["quiz_id"]]
            assert (await client.put(path, json=definition(of), headers=ORGANISER)).json() == one
        # Two hundred definitions of 2 MiB would stop the process for seconds.
        await database["quiz_drafts"].update_many({}, {"$set": {"definition.questions": "not read"}})
        assert (await client.get("/quiz-drafts", headers=ORGANISER)).json()["drafts"] == listed


async def test_of_a_name_there_is_a_draft_or_a_quiz_whoever_comes_first(mongo: str) -> None:
    async with service(mongo, role="api", copies=2) as ([here, there], _):
        quiz_id, of = new_id(), quiz()
        path = f"/quizzes/{quiz_id}"
        await here.put(f"{path}/draft", json=definition(of), headers=ORGANISER)
        assert code_of(await put(there, quiz_id, of)) == (409, "quiz_has_draft")
        for _ in range(6):
            quiz_id = new_id()
            path = f"/quizzes/{quiz_id}"
            await here.put(f"{path}/draft", json=definition(of), headers=ORGANISER)
            other, third = (of.model_copy(update={"title": title}) for title in ("另一个", "第三个"))
            answers = await asyncio.gather(
                *(one.post(f"{path}/draft/publish", headers=ORGANISER) for one in (here, there) * 2),
                *(put(one, quiz_id, other) for one in (here, there)),
                *(
                    one.put(f"{path}/draft", json=definition(third), headers=ORGANISER)
                    for one in (here, there, here)
                ),
                here.delete(f"{path}/draft", headers=ORGANISER),
            )
            assert {answer.status_code for answer in answers} <= {200, 204, 404, 409, 412}
            left = [
                (await here.get(f"{path}/{what}", headers=ORGANISER)).status_code
                for what in ("definition", "draft")
            ]
            assert left != [200, 200]


async def test_a_tag_of_a_draft_that_was_deleted_matches_no_other(mongo: str) -> None:
    quiz_id, of = new_id(), quiz()
    path = f"/quizzes/{quiz_id}/draft"
    read = ORGANISER | {"If-Match": '"1"'}
    async with service(mongo, role="api") as ([client], _):
        await client.put(path, json=definition(of), headers=ORGANISER)
        await client.delete(path, headers=ORGANISER)
        other = of.model_copy(update={"title": "同事的草稿"})
        again = await client.put(path, json=definition(other), headers=ORGANISER)
        assert again.headers["etag"] == '"2"'
        assert code_of(await client.post(f"{path}/publish", headers=read)) == (412, "draft_differs")
        assert code_of(await client.put(path, json=definition(of), headers=read)) == (412, "draft_differs")

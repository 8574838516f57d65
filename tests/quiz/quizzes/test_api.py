"""Quizzes over HTTP: published, changed, read back, listed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.quiz.quizzes.store import QuizStore
from shared.contracts.envelope import Context, from_headers
from shared.contracts.events import QuizPublished
from shared.contracts.traces import new_traceparent
from shared.messaging.create_topics import create_missing
from tests.quiz.builders import as_resident, question, quiz, service
from tests.quiz.http import definition, put
from tests.support.kafka import read_all
from tests.support.service import ORGANISER, code_of, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_a_quiz_is_published_once_and_changed_until_somebody_begins(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    quiz_id, of = new_id(), quiz()
    changed = of.model_copy(update={"title": "改了名的竞赛"})
    async with service(mongo, kafka=kafka) as ([client], _):
        for _ in range(2):
            assert (await put(client, quiz_id, of)).status_code == 200
        assert (await put(client, quiz_id, changed)).json()["title"] == "改了名的竞赛"
        late = quiz(opens_at=of.closes_at, closes_at=of.closes_at + timedelta(hours=1))
        await put(client, f"{quiz_id}-late", late)
        begun = await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident("wang"))
        assert begun.status_code == 201
        assert code_of(await put(client, quiz_id, of)) == (409, "quiz_in_use")
        assert (await put(client, quiz_id, changed)).status_code == 200
        path = f"/quizzes/{quiz_id}-late/attempts"
        assert code_of(await client.post(path, headers=as_resident("wang"))) == (409, "quiz_not_open")
        path = f"/quizzes/{quiz_id}/standings/me"
        assert code_of(await client.get(path, headers=as_resident("wang"))) == (404, "standing_unknown")
        published = await eventually(lambda: published_of(kafka, quiz_id), lambda them: len(them) == 2)
        assert [event.title for _, event in published] == ["科普知识竞赛", "改了名的竞赛"]


async def test_the_event_carries_the_correlation_id_and_the_trace_of_the_request(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    quiz_id, brought = new_id(), new_traceparent()
    headers = ORGANISER | {"X-Correlation-ID": "of-the-request", "traceparent": brought}
    async with service(mongo, kafka=kafka) as ([client], _):
        answer = await client.put(f"/quizzes/{quiz_id}", json=definition(quiz()), headers=headers)
        assert answer.headers["X-Correlation-ID"] == "of-the-request"
        ((context, _event),) = await eventually(lambda: published_of(kafka, quiz_id))
        assert context.correlation_id == "of-the-request"
        assert (context.traceparent or "")[:36] == brought[:36]


async def published_of(kafka: str, quiz_id: str) -> list[tuple[Context, QuizPublished]]:
    """What `quiz.published` says of this quiz."""
    found = []
    for record in await read_all(kafka, QuizPublished.topic):
        event = QuizPublished.model_validate_json(record.value or b"")
        if event.quiz_id == quiz_id:
            context = from_headers(record.headers, appended_at=lambda: datetime.now(UTC), key=record.key)
            found.append((context, event))
    return found


async def test_two_changes_at_once_cannot_tell_one_and_keep_the_other(kafka: str, mongo: str) -> None:
    quiz_id = new_id()
    # With the same times: whoever comes a moment later may change the title of an open quiz, and no more.
    first = quiz()
    versions = [first.model_copy(update={"title": f"竞赛{n}"}) for n in range(6)]
    async with service(mongo, kafka=kafka, role="api") as ([client], _):
        answers = await asyncio.gather(*(put(client, quiz_id, of) for of in versions))
        assert {answer.status_code for answer in answers} <= {200, 409}
        kept = (await client.get(f"/quizzes/{quiz_id}")).json()["title"]
        said = [of.title for of, answer in zip(versions, answers, strict=True) if answer.status_code == 200]
        assert kept in said
        assert {code_of(answer) for answer in answers if answer.status_code == 409} <= {(409, "quiz_changed")}


async def test_a_quiz_too_large_for_an_event_is_refused(kafka: str, mongo: str) -> None:
    long = tuple(question(n).model_copy(update={"text": f"{n:03d}" + "题" * 3997}) for n in range(100))
    async with service(mongo, kafka=kafka, role="api") as ([client], _):
        answer = await put(client, new_id(), quiz(questions=long, blueprint={"天文": 3}))
        assert code_of(answer) == (422, "quiz_too_large")


async def test_another_process_knows_a_quiz_at_once(kafka: str, mongo: str) -> None:
    quiz_id = new_id()
    async with service(mongo, kafka=kafka, role="api", copies=2) as ([here, there], _):
        await put(here, quiz_id, quiz())
        begun = await there.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident("wang"))
        assert begun.status_code == 201
        resumed = await here.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident("wang"))
        assert resumed.json()["attempt_id"] == begun.json()["attempt_id"]
        # Told ahead, so that the other process refuses as soon as it matters.
        closing = await here.post(f"/quizzes/{quiz_id}/close", headers=ORGANISER)
        assert closing.json()["status"] == "closing"
        assert datetime.fromisoformat(closing.json()["closes_at"]) > datetime.now(UTC)
        answer = await here.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident("li"))
        assert code_of(answer) == (409, "quiz_closed")
        await eventually(
            lambda: there.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident(new_id())),
            lambda answer: answer.status_code == 409 and code_of(answer) == (409, "quiz_closed"),
        )


async def test_a_quiz_read_back_is_what_a_put_takes_and_putting_it_changes_nothing(
    kafka: str, mongo: str
) -> None:
    quiz_id, of = new_id(), quiz(timezone="Europe/Berlin")
    path = f"/quizzes/{quiz_id}/definition"
    async with service(mongo, kafka=kafka, role="api") as ([client], database):
        assert code_of(await client.get(path, headers=ORGANISER)) == (404, "quiz_unknown")
        body = definition(of) | {"opens_at": "2026-01-01T08:00:00.123456+08:00", "title": " 竞赛 "}
        assert (await client.put(f"/quizzes/{quiz_id}", json=body, headers=ORGANISER)).status_code == 200
        assert code_of(await client.get(path)) == (401, "organiser_key_missing")
        read = await client.get(path, headers=ORGANISER)
        assert {"key", "explanation", "source"} <= read.json()["questions"][0].keys()
        assert (
            await client.put(f"/quizzes/{quiz_id}", json=read.json(), headers=ORGANISER)
        ).status_code == 200
        assert await QuizStore(database).revisions() == {quiz_id: (1, 1)}
        assert (await client.get(path, headers=ORGANISER)).json() == read.json()
        unknown = read.json() | {"surprise": 1}
        assert code_of(await client.put(f"/quizzes/{quiz_id}", json=unknown, headers=ORGANISER)) == (
            422,
            "invalid",
        )


async def test_quizzes_are_listed_page_by_page_the_latest_opening_first(kafka: str, mongo: str) -> None:
    of = quiz()
    # Two open at the same moment.
    hours = [1, 2, 2, 3, 4]
    async with service(mongo, kafka=kafka, role="api") as ([client], _):
        for n, hour in enumerate(hours):
            opens_at = of.opens_at + timedelta(hours=hour)
            later = quiz(opens_at=opens_at, closes_at=opens_at + timedelta(days=1))
            await put(client, f"quiz-{n}", later)
        seen: list[str] = []
        after = None
        for _ in range(len(hours)):
            parameters = {"limit": "2"} | ({"after": after} if after else {})
            page = (await client.get("/quizzes", params=parameters)).json()
            seen += [one["quiz_id"] for one in page["quizzes"]]
            after = page["after"]
            if after is None:
                break
        assert seen == ["quiz-4", "quiz-3", "quiz-2", "quiz-1", "quiz-0"]
        assert code_of(await client.get("/quizzes", params={"after": "x"})) == (422, "after_invalid")
        assert code_of(await client.get("/quizzes", params={"limit": "0"})) == (422, "invalid")


async def test_what_cannot_be_is_refused_and_leaves_nothing(kafka: str, mongo: str) -> None:
    quiz_id, of = new_id(), quiz()
    over = quiz(opens_at=of.opens_at - timedelta(days=2), closes_at=of.opens_at - timedelta(days=1))
    later = quiz(opens_at=of.closes_at, closes_at=of.closes_at + timedelta(hours=1))
    async with service(mongo, kafka=kafka, role="api") as ([client], _):
        assert code_of(await put(client, quiz_id, over)) == (422, "quiz_over")
        assert code_of(await client.get(f"/quizzes/{quiz_id}")) == (404, "quiz_unknown")
        await put(client, quiz_id, later)
        close = await client.post(f"/quizzes/{quiz_id}/close", headers=ORGANISER)
        assert code_of(close) == (409, "quiz_not_open")
        assert (await client.get(f"/quizzes/{quiz_id}")).json()["status"] == "open"

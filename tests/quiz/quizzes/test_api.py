"""Quiz's interface: its document, its refusals, publishing, reviews."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.quiz.attempts.hot import SUBMIT
from services.quiz.quizzes.rules import Quiz
from services.quiz.standings.ranks import FRESH_SECONDS
from shared.contracts.events import QuizPublished
from shared.contracts.topics import create_missing
from tests.quiz.builders import as_participant, attempt, batch, question, quiz, service, token
from tests.quiz.workshop import Stores, workshop
from tests.support.kafka import eventually, read_all
from tests.support.service import ORGANISER, running

pytestmark = pytest.mark.stack


def definition(of: Quiz) -> dict[str, Any]:
    return of.model_dump(mode="json")


def new_id() -> str:
    return f"quiz-{uuid4().hex[:8]}"


async def put(client: httpx.AsyncClient, quiz_id: str, of: Quiz) -> httpx.Response:
    return await client.put(f"/quizzes/{quiz_id}", json=definition(of), headers=ORGANISER)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body.keys() - {"errors"} == {"type", "title", "status", "code", "detail"}
    return answer.status_code, body["code"]


def has_example(document: dict[str, Any], node: Any, seen: frozenset[str] = frozenset()) -> bool:
    if isinstance(node, list):
        return any(has_example(document, one, seen) for one in node)
    if not isinstance(node, dict):
        return False
    if "example" in node or "examples" in node:
        return True
    name = node.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        return has_example(document, document["components"]["schemas"][name], seen | {name})
    return any(has_example(document, one, seen) for one in node.values())


def client_store(client: httpx.AsyncClient) -> Stores:
    """What the app behind a client stores."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    app: Any = transport.app
    store: Stores = app.state.quiz.store
    return store


def app_of_api(kafka: str, mongo: str, **changes: object) -> FastAPI:
    return service(kafka, mongo, role="api", **changes)


async def test_the_document_shows_every_endpoint_with_an_example(kafka: str, mongo: str) -> None:
    async with running(app_of_api(kafka, mongo)) as client:
        document = (await client.get("/openapi.json")).json()
        page = (await client.get("/docs")).text
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert {name for name in operations if not name.endswith(("/health", "/metrics"))} == {
        "GET /quizzes",
        "GET /quizzes/{quiz_id}",
        "GET /quizzes/{quiz_id}/definition",
        "PUT /quizzes/{quiz_id}",
        "POST /quizzes/{quiz_id}/close",
        "POST /quizzes/{quiz_id}/attempts",
        "GET /quizzes/{quiz_id}/standings",
        "GET /quizzes/{quiz_id}/standings/me",
        "POST /quizzes/{quiz_id}/standings/freeze",
        "POST /quizzes/{quiz_id}/standings/thaw",
        f"POST {SUBMIT.path}",
        "GET /attempts/{attempt_id}/result",
        "GET /attempts/{attempt_id}/review",
    }
    for name, operation in operations.items():
        assert operation["summary"], name
        if name.endswith("/metrics"):
            continue
        good = next(answer for code, answer in operation["responses"].items() if code.startswith("2"))
        assert has_example(document, good), name
        assert has_example(document, operation.get("requestBody", {"example": None})), name
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//[^\"]*", page) == []


async def test_refusals_are_problems_with_stable_codes(kafka: str, mongo: str) -> None:
    who, path = as_participant("wang"), "/quizzes/no-such-quiz"
    async with running(app_of_api(kafka, mongo)) as client:
        assert refusal(await client.get(path)) == (404, "quiz_unknown")
        assert refusal(await client.get(f"{path}/standings")) == (404, "quiz_unknown")
        assert refusal(await client.post(f"{path}/attempts", headers=who)) == (404, "quiz_unknown")
        assert refusal(await client.post(f"{path}/attempts")) == (401, "token_missing")
        forged = {"Authorization": "Bearer x.y.z"}
        assert refusal(await client.post(f"{path}/attempts", headers=forged)) == (401, "token_invalid")
        assert refusal(await client.put(path, json={})) == (401, "organiser_key_missing")
        wrong = {"X-Organiser-Key": "wrong"}
        assert refusal(await client.post(f"{path}/close", headers=wrong)) == (403, "organiser_key_wrong")
        assert refusal(await client.post(f"{path}/close", headers=ORGANISER)) == (404, "quiz_unknown")
        assert refusal(await client.put(path, json={}, headers=ORGANISER)) == (422, "invalid")
        unknown = f"/attempts/{uuid4()}"
        assert refusal(await client.get(f"{unknown}/result", headers=who)) == (404, "attempt_unknown")
        assert refusal(await client.get(f"{unknown}/review", headers=who)) == (404, "attempt_unknown")
        assert refusal(await client.get(f"{unknown}/review")) == (401, "token_missing")
        assert refusal(await client.get(f"{unknown}/submission"))[0] == 405
        assert refusal(await client.get("/nothing"))[0] == 404


async def test_a_quiz_is_published_once_and_changed_until_somebody_begins(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    quiz_id, of = new_id(), quiz()
    changed = of.model_copy(update={"title": "改了名的竞赛"})
    async with running(service(kafka, mongo)) as client:
        for _ in range(2):
            assert (await put(client, quiz_id, of)).status_code == 200
        assert (await put(client, quiz_id, changed)).json()["title"] == "改了名的竞赛"
        late = quiz(opens_at=of.closes_at, closes_at=of.closes_at + timedelta(hours=1))
        await put(client, f"{quiz_id}-late", late)
        begun = await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_participant("wang"))
        assert begun.status_code == 201
        assert refusal(await put(client, quiz_id, of)) == (409, "quiz_in_use")
        assert (await put(client, quiz_id, changed)).status_code == 200
        path = f"/quizzes/{quiz_id}-late/attempts"
        assert refusal(await client.post(path, headers=as_participant("wang"))) == (409, "quiz_not_open")
        path = f"/quizzes/{quiz_id}/standings/me"
        assert refusal(await client.get(path, headers=as_participant("wang"))) == (404, "standing_unknown")
        titles = []
        for _ in range(100):
            records = await read_all(kafka, QuizPublished.topic)
            told = [QuizPublished.model_validate_json(record.value or b"") for record in records]
            titles = [event.title for event in told if event.quiz_id == quiz_id]
            if len(titles) == 2:
                break
            await asyncio.sleep(0.05)
        assert titles == ["科普知识竞赛", "改了名的竞赛"]


async def test_two_changes_at_once_cannot_tell_one_and_keep_the_other(kafka: str, mongo: str) -> None:
    quiz_id = new_id()
    versions = [quiz(title=f"竞赛{n}") for n in range(6)]
    async with running(app_of_api(kafka, mongo)) as client:
        answers = await asyncio.gather(*(put(client, quiz_id, of) for of in versions))
        assert {answer.status_code for answer in answers} <= {200, 409}
        kept = (await client.get(f"/quizzes/{quiz_id}")).json()["title"]
        said = [of.title for of, answer in zip(versions, answers, strict=True) if answer.status_code == 200]
        assert kept in said
        assert {refusal(answer) for answer in answers if answer.status_code == 409} <= {(409, "quiz_changed")}


async def test_a_quiz_too_large_for_an_event_is_refused(kafka: str, mongo: str) -> None:
    long = tuple(question(n).model_copy(update={"text": f"{n:03d}" + "题" * 3997}) for n in range(100))
    async with running(app_of_api(kafka, mongo)) as client:
        answer = await put(client, new_id(), quiz(questions=long, blueprint={"天文": 3}))
        assert refusal(answer) == (422, "quiz_too_large")


async def test_another_process_knows_a_quiz_at_once(kafka: str, mongo: str) -> None:
    quiz_id, database = new_id(), f"quiz_{uuid4().hex[:12]}"
    one, other = (app_of_api(kafka, mongo, database=database) for _ in range(2))
    async with running(one) as here, running(other) as there:
        await put(here, quiz_id, quiz())
        begun = await there.post(f"/quizzes/{quiz_id}/attempts", headers=as_participant("wang"))
        assert begun.status_code == 201
        resumed = await here.post(f"/quizzes/{quiz_id}/attempts", headers=as_participant("wang"))
        assert resumed.json()["attempt_id"] == begun.json()["attempt_id"]
        # Told ahead, so that the other process refuses as soon as it matters.
        closing = await here.post(f"/quizzes/{quiz_id}/close", headers=ORGANISER)
        assert closing.json()["status"] == "closing"
        assert datetime.fromisoformat(closing.json()["closes_at"]) > datetime.now(UTC)
        answer = await here.post(f"/quizzes/{quiz_id}/attempts", headers=as_participant("li"))
        assert refusal(answer) == (409, "quiz_closed")
        await asyncio.sleep(1.3)
        answer = await there.post(f"/quizzes/{quiz_id}/attempts", headers=as_participant("li"))
        assert refusal(answer) == (409, "quiz_closed")


async def test_an_organiser_freezes_the_standings_that_everyone_sees_and_thaws_them(
    kafka: str, mongo: str
) -> None:
    async with workshop(kafka, mongo) as shop:
        await shop.grading.grade_submissions(batch(shop.submission("wang", right=3)))
        database, path = shop.stores.database.name, f"/quizzes/{shop.quiz_id}/standings"
        wang, li = as_participant("wang"), as_participant("li")
        async with running(app_of_api(kafka, mongo, database=database)) as client:
            for act in ("freeze", "thaw"):
                assert refusal(await client.post(f"{path}/{act}")) == (401, "organiser_key_missing")
                unknown = await client.post(f"/quizzes/no-such-quiz/standings/{act}", headers=ORGANISER)
                assert refusal(unknown) == (404, "quiz_unknown")
            assert (await client.get(path)).json()["frozen_at"] is None
            begun = await client.post(f"{path}/freeze", headers=ORGANISER)
            frozen_at = begun.json()["frozen_at"]
            # Told ahead, so that every grader knows it.
            assert datetime.fromisoformat(frozen_at) > datetime.now(UTC) + timedelta(seconds=1)
            assert (await client.post(f"{path}/freeze", headers=ORGANISER)).json() == begun.json()
            after = datetime.now(UTC) + timedelta(seconds=3)
            await shop.grading.grade_submissions(batch(shop.submission("li", right=5, submitted_at=after)))
            await asyncio.sleep(FRESH_SECONDS)
            page = (await client.get(path)).json()
            assert (page["frozen_at"], page["participants"]) == (frozen_at, 1)
            assert [one["participant_id"] for one in page["standings"]] == ["wang"]
            own = (await client.get(f"{path}/me", headers=wang)).json()
            assert (own["frozen_at"], own["rank"]) == (frozen_at, 1)
            assert refusal(await client.get(f"{path}/me", headers=li)) == (404, "standing_unknown")
            for _ in range(2):
                thawed = await client.post(f"{path}/thaw", headers=ORGANISER)
                assert thawed.json() == {"quiz_id": shop.quiz_id, "frozen_at": None}
            await shop.upkeep.turn()
            await asyncio.sleep(FRESH_SECONDS)
            page = (await client.get(path)).json()
            assert (page["frozen_at"], page["participants"]) == (None, 2)
            assert [one["participant_id"] for one in page["standings"]] == ["li", "wang"]
            assert (await client.get(f"{path}/me", headers=wang)).json()["rank"] == 2
            await client.post(f"/quizzes/{shop.quiz_id}/close", headers=ORGANISER)
            closing = await client.post(f"{path}/freeze", headers=ORGANISER)
            assert refusal(closing) == (409, "quiz_closed")
            assert (await client.post(f"{path}/thaw", headers=ORGANISER)).status_code == 200


async def test_a_review_opens_to_its_owner_when_the_quiz_is_closed(kafka: str, mongo: str) -> None:
    explained = tuple(
        question(n, key="B" if n == 0 else "A").model_copy(
            update={"explanation": f"因为{n}", "source": "教材"}
        )
        for n in range(10)
    )
    changes = {"questions": explained, "blueprint": {"天文": 10}}
    async with workshop(kafka, mongo, **changes) as shop:
        sent = shop.submission("wang", right=10)
        await shop.grading.grade_submissions(batch(sent))
        begun = attempt(shop.quiz_id, shop.quiz, "li")
        await shop.stores.attempts.add([begun])
        database = shop.stores.database.name
        async with running(app_of_api(kafka, mongo, database=database)) as client:
            path = f"/attempts/{sent.attempt_id}/review"
            answer = await client.get(path, headers=as_participant("wang"))
            assert refusal(answer) == (409, "quiz_not_closed")
            answer = await client.get(path, headers=as_participant("li"))
            assert refusal(answer) == (404, "attempt_unknown")
            await shop.close()
            await client.get("/health")
            await asyncio.sleep(1.3)
            review = (await client.get(path, headers=as_participant("wang"))).json()
            assert review["score_percent"] == 90
            by_id = {one["id"]: one for one in review["questions"]}
            assert by_id.keys() == sent.answers.keys()
            wrong, right = by_id["q0"], by_id["q1"]
            assert (wrong["answer"], wrong["key"], wrong["right"], wrong["points"]) == ("A", "B", False, 0)
            assert (right["right"], right["explanation"], right["source"]) == (True, "因为1", "教材")
            answer = await client.get(path, headers=as_participant("li"))
            assert refusal(answer) == (404, "attempt_unknown")
            path = f"/attempts/{begun.attempt_id}/review"
            empty = (await client.get(path, headers=as_participant("li"))).json()
            assert empty["score_percent"] is None
            assert {one["answer"] for one in empty["questions"]} == {None}


async def test_what_cannot_be_in_time_or_large_is_refused_by_the_submission_route(
    kafka: str, mongo: str
) -> None:
    """Every refusal of intake, as a problem, though its route is Starlette's own."""
    quiz_id, of = new_id(), quiz()
    async with running(app_of_api(kafka, mongo)) as client:
        await put(client, quiz_id, of)
        mine = attempt(quiz_id, of, "wang")
        path = f"/attempts/{mine.attempt_id}/submission"

        async def refused(
            headers: dict[str, str], content: bytes = b'{"answers": {}}', to: str = path
        ) -> Any:
            return refusal(await client.post(to, content=content, headers=headers))

        assert await refused({}) == (401, "attempt_token_missing")
        assert await refused({"Authorization": "Basic x"}) == (401, "attempt_token_missing")
        assert await refused({"Authorization": "Bearer "}) == (401, "attempt_token_missing")
        assert await refused({"Authorization": "Bearer x"}) == (401, "attempt_token_invalid")
        assert await refused(as_participant("wang")) == (401, "attempt_token_invalid")
        assert await refused(token(mine, key="another-key" * 4)) == (401, "attempt_token_invalid")
        assert await refused(token(attempt(quiz_id, of, "li"))) == (403, "attempt_foreign")
        gone = attempt("no-such-quiz", of, "wang")
        to = f"/attempts/{gone.attempt_id}/submission"
        assert await refused(token(gone), to=to) == (404, "quiz_unknown")
        old = attempt(quiz_id, of, "wang", started_at=datetime.now(UTC) - timedelta(minutes=21))
        to = f"/attempts/{old.attempt_id}/submission"
        assert await refused(token(old), to=to) == (409, "attempt_late")
        for bad in (b"", b"{", b"[]", b'{"answers": {"q1": "a"}}', b"\xff", b'{"answers": {}, "note": 1}'):
            assert await refused(token(mine), bad) == (422, "submission_malformed")
        assert await refused(token(mine), b'{"answers": {"q99": "A"}}') == (422, "question_unknown")
        assert await refused(token(mine), b" " * 4_194_305) == (413, "too_large")
        metrics = (await client.get("/metrics")).text.splitlines()
        problems = [line for line in metrics if line.startswith("kepu_http_problems_total")]
        refusals = [line for line in problems if 'code="attempt_late"' in line]
        assert refusals
        assert all(f'route="{SUBMIT.path}"' in line for line in refusals)


async def test_a_quiz_read_back_is_what_a_put_takes_and_putting_it_changes_nothing(
    kafka: str, mongo: str
) -> None:
    quiz_id, of = new_id(), quiz(timezone="Europe/Berlin")
    path = f"/quizzes/{quiz_id}/definition"
    async with running(app_of_api(kafka, mongo)) as client:
        assert refusal(await client.get(path, headers=ORGANISER)) == (404, "quiz_unknown")
        body = definition(of) | {"opens_at": "2026-01-01T08:00:00.123456+08:00", "title": " 竞赛 "}
        assert (await client.put(f"/quizzes/{quiz_id}", json=body, headers=ORGANISER)).status_code == 200
        assert refusal(await client.get(path)) == (401, "organiser_key_missing")
        read = await client.get(path, headers=ORGANISER)
        assert {"key", "explanation", "source"} <= read.json()["questions"][0].keys()
        assert (
            await client.put(f"/quizzes/{quiz_id}", json=read.json(), headers=ORGANISER)
        ).status_code == 200
        store = client_store(client)
        assert await store.quizzes.revisions() == {quiz_id: (1, 1)}
        assert (await client.get(path, headers=ORGANISER)).json() == read.json()
        unknown = read.json() | {"surprise": 1}
        assert refusal(await client.put(f"/quizzes/{quiz_id}", json=unknown, headers=ORGANISER)) == (
            422,
            "invalid",
        )


async def test_quizzes_are_listed_page_by_page_the_latest_opening_first(kafka: str, mongo: str) -> None:
    of = quiz()
    # Two open at the same moment.
    hours = [1, 2, 2, 3, 4]
    async with running(app_of_api(kafka, mongo)) as client:
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
        assert refusal(await client.get("/quizzes", params={"after": "x"})) == (422, "after_invalid")
        assert refusal(await client.get("/quizzes", params={"limit": "0"})) == (422, "invalid")


async def test_what_cannot_be_is_refused_and_leaves_nothing(kafka: str, mongo: str) -> None:
    quiz_id, of = new_id(), quiz()
    over = quiz(opens_at=of.opens_at - timedelta(days=2), closes_at=of.opens_at - timedelta(days=1))
    later = quiz(opens_at=of.closes_at, closes_at=of.closes_at + timedelta(hours=1))
    async with running(app_of_api(kafka, mongo)) as client:
        assert refusal(await put(client, quiz_id, over)) == (422, "quiz_over")
        assert refusal(await client.get(f"/quizzes/{quiz_id}")) == (404, "quiz_unknown")
        await put(client, quiz_id, later)
        close = await client.post(f"/quizzes/{quiz_id}/close", headers=ORGANISER)
        assert refusal(close) == (409, "quiz_not_open")
        assert (await client.get(f"/quizzes/{quiz_id}")).json()["status"] == "open"


async def test_an_attempt_ends_in_a_state_that_says_what_became_of_it(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        people = ("graded", "refused", "missed", "both")
        begun = {who: attempt(shop.quiz_id, shop.quiz, who) for who in people}
        await shop.stores.attempts.add([*begun.values()])
        late = [shop.submission(who, seconds=1300) for who in ("refused", "both")]
        await shop.grading.grade_submissions(batch(*(shop.submission(who) for who in ("graded", "both"))))
        await shop.grading.grade_submissions(batch(*late))
        database = shop.stores.database.name
        async with running(app_of_api(kafka, mongo, database=database)) as client:

            async def state(who: str) -> tuple[str, str | None, float | None]:
                path = f"/attempts/{begun[who].attempt_id}/result"
                found = (await client.get(path, headers=as_participant(who))).json()
                return found["status"], found["code"], found["points"]

            async def states() -> list[tuple[str, str | None, float | None]]:
                return [await state(who) for who in people]

            refused = ("refused", "attempt_late", None)
            graded = ("graded", None, 5)
            assert await states() == [graded, refused, ("pending", None, None), graded]
            await shop.close()

            async def missed() -> bool:
                return await state("missed") == ("missed", None, None)

            await eventually(missed)
            assert (await states())[:2] == [graded, refused]

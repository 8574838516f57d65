"""A published quiz ends later, is opened again, gets other words, and is removed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.quiz.lifecycle.alter import Alterations
from services.quiz.quizzes.changes import ChangedError, QuizChanges
from services.quiz.quizzes.publish import VERSIONS_MAX
from services.quiz.saving.rules import HAND_IN_AFTER
from shared.contracts.events import QuizCancelled, QuizCompleted
from shared.messaging.create_topics import create_missing
from shared.runtime.errors import Conflict
from shared.runtime.versions import always
from shared.storage.unit_of_work import save_together
from tests.quiz.builders import as_resident, attempt, quiz, service
from tests.quiz.http import put
from tests.quiz.parts import new_parts
from tests.quiz.quizzes.test_api import published_of
from tests.quiz.saving.builders import saves, sheet
from tests.support.kafka import read_all
from tests.support.service import ORGANISER, bearer, code_of, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def soon(seconds: float = 6) -> dict[str, Any]:
    """A quiz that ends in a few seconds, and lets nobody be late."""
    return {"closes_at": datetime.now(UTC) + timedelta(seconds=seconds), "grace_seconds": 0}


async def extend(
    client: httpx.AsyncClient, quiz_id: str, closes_at: datetime, **headers: str
) -> httpx.Response:
    body = {"closes_at": closes_at.isoformat()}
    return await client.post(f"/quizzes/{quiz_id}/extend", json=body, headers=ORGANISER | headers)


async def submit(client: httpx.AsyncClient, begun: dict[str, Any]) -> httpx.Response:
    return await client.post(
        f"/attempts/{begun['attempt_id']}/submission",
        json={"answers": {one["id"]: "A" for one in begun["questions"]}},
        headers=bearer(begun["attempt_token"]),
    )


async def test_an_attempt_that_the_old_end_cut_short_has_its_whole_time(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    quiz_id, of = new_id(), quiz(**soon())
    start = f"/quizzes/{quiz_id}/attempts"
    async with service(mongo, kafka=kafka) as ([client], _):
        await put(client, quiz_id, of)
        begun = (await client.post(start, headers=as_resident("wang"))).json()
        assert datetime.fromisoformat(begun["deadline_at"]) == of.closes_at
        later = of.closes_at + timedelta(hours=1)
        answer = await extend(client, quiz_id, later)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        assert datetime.fromisoformat(answer.json()["closes_at"]) == later
        resumed = (await client.post(start, headers=as_resident("wang"))).json()
        assert resumed["attempt_id"] == begun["attempt_id"]
        started_at = datetime.fromisoformat(begun["started_at"])
        deadline_at = datetime.fromisoformat(resumed["deadline_at"])
        assert abs(deadline_at - started_at - timedelta(minutes=20)) < timedelta(seconds=1)
        await eventually(_now, lambda now: now > of.closes_at + timedelta(seconds=0.2))
        # With the token of before.
        assert (await submit(client, begun)).status_code == 202
        result = f"/attempts/{begun['attempt_id']}/result"
        graded = await eventually(
            lambda: client.get(result, headers=as_resident("wang")),
            lambda answer: answer.json()["status"] == "graded",
        )
        assert graded.json()["points"] == 5
        events = await eventually(lambda: published_of(kafka, quiz_id), lambda them: len(them) == 2)
        assert [(event.version, event.closes_at) for _, event in events] == [(1, of.closes_at), (2, later)]


async def _now() -> datetime:
    return datetime.now(UTC)


async def test_the_end_moves_only_later_and_only_while_the_quiz_is_open(mongo: str) -> None:
    quiz_id, of = new_id(), quiz()
    async with service(mongo, role="api") as ([client], _):
        assert code_of(await extend(client, quiz_id, of.closes_at)) == (404, "quiz_unknown")
        await put(client, quiz_id, of)
        same = await extend(client, quiz_id, of.closes_at)
        assert (same.status_code, same.headers["etag"]) == (200, '"1"')
        earlier = await extend(client, quiz_id, of.closes_at - timedelta(minutes=1))
        assert code_of(earlier) == (422, "end_not_later")
        far = await extend(client, quiz_id, of.closes_at + timedelta(days=366))
        assert code_of(far) == (422, "quiz_too_long")
        later = of.closes_at + timedelta(hours=1)
        differs = await extend(client, quiz_id, later, **{"If-Match": '"7"'})
        assert code_of(differs) == (412, "quiz_differs")
        await client.post(f"/quizzes/{quiz_id}/close", headers=ORGANISER)
        assert code_of(await extend(client, quiz_id, later)) == (409, "quiz_closed")
        await put(client, ending := new_id(), quiz(**soon(1.5)))
        assert code_of(await extend(client, ending, later)) == (409, "quiz_closed")


async def test_of_two_organisers_one_moves_the_end_and_a_close_at_the_same_moment_holds(mongo: str) -> None:
    async with service(mongo, role="api", copies=2) as ([here, there], _):
        for _ in range(8):
            quiz_id, of = new_id(), quiz()
            await put(here, quiz_id, of)
            later = [of.closes_at + timedelta(hours=n) for n in (1, 2)]
            both = await asyncio.gather(
                *(
                    extend(one, quiz_id, at, **{"If-Match": '"1"'})
                    for one, at in zip((here, there), later, strict=True)
                )
            )
            assert sorted(answer.status_code for answer in both)[0] == 200
            assert sorted(answer.status_code for answer in both)[1] in (409, 412)
            extended, closed = await asyncio.gather(
                extend(here, quiz_id, of.closes_at + timedelta(hours=5)),
                there.post(f"/quizzes/{quiz_id}/close", headers=ORGANISER),
            )
            assert closed.status_code == 202
            assert extended.status_code == 200 or code_of(extended)[1] in ("quiz_closed", "quiz_changed")
            after = (await here.get(f"/quizzes/{quiz_id}")).json()
            if after["status"] == "open":
                after = (await there.get(f"/quizzes/{quiz_id}")).json()
            assert after["status"] == "closing"
            ends = datetime.fromisoformat(after["closes_at"])
            assert ends < datetime.now(UTC) + timedelta(seconds=3)


async def test_a_close_that_looked_before_the_end_moved_does_not_close(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        quizzes, over = parts.stores.quizzes, parts.quiz.closes_at + timedelta(minutes=1)
        assert await quizzes.over(over) == [parts.quiz_id]
        changes = QuizChanges(parts.stores.database)
        altering = Alterations(quizzes, changes, parts.catalogue)
        await altering.extend(parts.quiz_id, parts.quiz.closes_at + timedelta(hours=1), always)
        assert not await quizzes.end_freezes(parts.quiz_id, over, datetime.now(UTC))
        record = await quizzes.read(parts.quiz_id)
        assert record is not None
        assert (record.status, record.version) == ("open", 2)


async def test_what_was_saved_waits_for_the_later_end_before_it_is_handed_in(kafka: str, mongo: str) -> None:
    now = datetime.now(UTC)
    async with new_parts(kafka, mongo, closes_at=now + timedelta(seconds=60)) as parts:
        of = attempt(parts.quiz_id, parts.quiz, "wang", started_at=now - timedelta(seconds=30))
        saved = saves(sheet(parts, of, saved_at=now - timedelta(seconds=10)))
        await parts.grading.saved.keep_saved(saved)
        assert saved.rejected == []
        altering = Alterations(parts.stores.quizzes, QuizChanges(parts.stores.database), parts.catalogue)
        await altering.extend(parts.quiz_id, parts.quiz.closes_at + timedelta(hours=1), always)
        handed = parts.stores.database["saved_answers"]
        # By the end of before it would be due now.
        before = of.deadline_at + HAND_IN_AFTER + timedelta(seconds=5)
        assert await parts.grading.hand_in.hand_in_due(before) == 1
        assert await handed.count_documents({"handed": {"$exists": True}}) == 0
        assert await parts.grading.hand_in.hand_in_due(before + timedelta(seconds=10)) == 0
        due = of.started_at + timedelta(minutes=21)
        assert await parts.grading.hand_in.hand_in_due(due) == 1
        assert await handed.count_documents({"handed": 1}) == 1


async def test_a_quiz_closed_by_mistake_is_opened_again_with_its_own_end(kafka: str, mongo: str) -> None:
    quiz_id, of = new_id(), quiz()
    async with service(mongo, kafka=kafka, role="api") as ([client], _):
        await put(client, quiz_id, of)
        reopen = f"/quizzes/{quiz_id}/reopen"
        assert (await client.post(reopen, headers=ORGANISER)).json()["status"] == "open"
        begun = (await client.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident("wang"))).json()
        await client.post(f"/quizzes/{quiz_id}/close", headers=ORGANISER)
        path = f"/quizzes/{quiz_id}/attempts"
        assert code_of(await client.post(path, headers=as_resident("li"))) == (409, "quiz_closed")
        opened = (await client.post(reopen, headers=ORGANISER)).json()
        assert opened["status"] == "open"
        assert datetime.fromisoformat(opened["closes_at"]) == of.closes_at
        assert (await client.post(path, headers=as_resident("li"))).status_code == 201
        again = (await client.post(path, headers=as_resident("wang"))).json()
        assert again["deadline_at"] == begun["deadline_at"]


async def test_a_quiz_is_not_opened_again_once_saved_answers_are_handed_in(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        quizzes, now = parts.stores.quizzes, datetime.now(UTC)
        changes = QuizChanges(parts.stores.database)
        altering = Alterations(quizzes, changes, parts.catalogue)
        await quizzes.begin_closing(parts.quiz_id, now, now - timedelta(seconds=20))
        with pytest.raises(Conflict) as late:
            await altering.reopen(parts.quiz_id)
        assert late.value.code == "quiz_is_final"
        await parts.close()
        with pytest.raises(Conflict) as closed:
            await altering.reopen(parts.quiz_id)
        assert closed.value.code == "quiz_is_final"

        async def whatever(unit: Any) -> None:
            far = now - timedelta(days=1)
            await changes.reopen(unit, parts.quiz_id, parts.quiz, 1, far)

        with pytest.raises(ChangedError):
            await save_together(parts.stores.database, whatever)


async def test_words_are_corrected_after_the_beginning_and_papers_stay(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    quiz_id, of = new_id(), quiz(papers=1, **soon(12))
    path, wording = f"/quizzes/{quiz_id}/attempts", f"/quizzes/{quiz_id}/wording"
    async with service(mongo, kafka=kafka) as ([client], _):
        await put(client, quiz_id, of)
        before = (await client.post(path, headers=as_resident("wang"))).json()
        asked = before["questions"][0]["id"]
        body = {"title": "新名称", "questions": {asked: {"explanation": "新解析", "source": "新来源"}}}
        unknown = {"questions": {"q-other": {"source": "x"}}}
        refused = await client.post(wording, json=unknown, headers=ORGANISER)
        assert code_of(refused) == (404, "question_not_in_quiz")
        for _ in range(2):
            answer = await client.post(wording, json=body, headers=ORGANISER)
            assert (answer.status_code, answer.json()["title"]) == (200, "新名称")
            assert answer.headers["etag"] == '"2"'
        assert (await client.get(f"/quizzes/{quiz_id}")).json()["title"] == "新名称"
        after = (await client.post(path, headers=as_resident("li"))).json()
        assert after["questions"] == before["questions"]
        for begun in (before, after):
            assert (await submit(client, begun)).status_code == 202
        resumed = await client.post(path, headers=as_resident("zhao"))
        assert resumed.status_code == 201

        async def titles() -> dict[str, str]:
            records = await read_all(kafka, QuizCompleted.topic)
            found = [QuizCompleted.model_validate_json(one.value or b"") for one in records]
            return {one.participant_id: one.quiz_title for one in found if one.quiz_id == quiz_id}

        said = await eventually(titles, lambda them: len(them) == 2)
        assert said == {"wang": of.title, "li": "新名称"}
        await client.post(f"/quizzes/{quiz_id}/close", headers=ORGANISER)
        review = f"/attempts/{before['attempt_id']}/review"
        shown = await eventually(
            lambda: client.get(review, headers=as_resident("wang")),
            lambda answer: answer.status_code == 200,
            seconds=60,
        )
        first = next(one for one in shown.json()["questions"] if one["id"] == asked)
        assert (first["explanation"], first["source"]) == ("新解析", "新来源")
        # After the close too.
        last = await client.post(wording, json={"title": "最后的名称"}, headers=ORGANISER)
        assert (last.json()["title"], last.json()["status"]) == ("最后的名称", "closed")


async def test_the_end_can_still_be_moved_when_no_other_version_is_allowed(mongo: str) -> None:
    quiz_id, of = new_id(), quiz()
    async with service(mongo, role="api") as ([client], _):
        await put(client, quiz_id, of)
        wording = f"/quizzes/{quiz_id}/wording"
        for n in range(1, VERSIONS_MAX):
            answer = await client.post(wording, json={"title": f"名称{n}"}, headers=ORGANISER)
            assert answer.status_code == 200
        refused = await client.post(wording, json={"title": "太多了"}, headers=ORGANISER)
        assert code_of(refused) == (409, "too_many_versions")
        assert (await extend(client, quiz_id, of.closes_at + timedelta(hours=1))).status_code == 200


async def cancelled_of(kafka: str, quiz_id: str) -> list[QuizCancelled]:
    """What `quiz.cancelled` says of this quiz."""
    records = await read_all(kafka, QuizCancelled.topic)
    events = [QuizCancelled.model_validate_json(one.value or b"") for one in records]
    return [one for one in events if one.quiz_id == quiz_id]


async def test_a_quiz_that_nobody_has_begun_is_removed_and_its_name_may_come_again(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    quiz_id, of = new_id(), quiz()
    path = f"/quizzes/{quiz_id}"
    async with service(mongo, kafka=kafka, copies=2) as ([here, there], database):
        assert code_of(await here.delete(path, headers=ORGANISER)) == (404, "quiz_unknown")
        await put(here, quiz_id, of)
        assert (await there.get(path)).status_code == 200
        wrong = await here.delete(path, headers=ORGANISER | {"If-Match": '"9"'})
        assert code_of(wrong) == (412, "quiz_differs")
        assert (await here.delete(path, headers=ORGANISER)).status_code == 204
        assert code_of(await here.get(path)) == (404, "quiz_unknown")
        await eventually(lambda: there.get(path), lambda answer: answer.status_code == 404)
        assert await database["quiz_versions"].count_documents({}) == 0
        (gone,) = await eventually(lambda: cancelled_of(kafka, quiz_id))
        assert (gone.version, gone.code, gone.reason) == (1, "quiz_removed", None)

        again = await put(here, quiz_id, of)
        assert (again.status_code, again.headers["etag"]) == (200, '"2"')
        events = await eventually(lambda: published_of(kafka, quiz_id), lambda them: len(them) == 2)
        assert [event.version for _, event in events] == [1, 2]
        assert (await here.post(f"{path}/attempts", headers=as_resident("wang"))).status_code == 201
        assert code_of(await here.delete(path, headers=ORGANISER)) == (409, "quiz_in_use")


async def test_either_a_start_or_the_removal_succeeds(mongo: str) -> None:
    async with service(mongo, role="api", copies=2) as ([here, there], _):
        for nth in range(10):
            quiz_id = new_id()
            await put(here, quiz_id, quiz())
            await there.get(f"/quizzes/{quiz_id}")
            begun, gone = await asyncio.gather(
                there.post(f"/quizzes/{quiz_id}/attempts", headers=as_resident(f"p{nth}")),
                here.delete(f"/quizzes/{quiz_id}", headers=ORGANISER),
            )
            assert (begun.status_code, gone.status_code) in {(201, 409), (404, 204)}

"""What a save promises, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from services.quiz.attempts.intake import Intake
from services.quiz.attempts.rules import Attempt
from services.quiz.attempts.tokens import AttemptTokens
from services.quiz.saving.events import saved_record
from services.quiz.saving.pace import Pace
from services.quiz.saving.save import Saves
from shared.contracts.events import QuizAnswersSaved
from shared.runtime.errors import Conflict, Forbidden, NotAuthenticated, Overloaded, Rejected
from shared.web.hot import HotRequest
from shared.web.problems import NotHttp, status_of
from tests.quiz.attempts.test_intake import Slow
from tests.quiz.builders import ATTEMPT_KEY, as_resident, attempt, erased, people, service, token
from tests.quiz.http import put
from tests.quiz.parts import Parts, new_parts
from tests.quiz.saving.builders import event_of, in_the_log, minutes_ago, saves, sheet, sheet_of
from tests.support.service import code_of
from tests.support.waiting import eventually
from tests.support.web import BOTH_WAYS, answered

pytestmark = pytest.mark.stack


@dataclass
class OwnSaves:
    """Saves with a Kafka of their own."""

    parts: Parts
    kafka: Slow
    intake: Intake
    saves: Saves
    begins: bool

    def attempt(self, who: str, **changes: Any) -> Attempt:
        return attempt(self.parts.quiz_id, self.parts.quiz, who, **changes)

    async def save(
        self,
        of: Attempt,
        body: bytes = b'{"answers":{},"revision":1}',
        *,
        group_id: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        authorization = (headers or token(of, group_id=group_id))["Authorization"].encode()
        request = HotRequest(of.attempt_id, authorization, b"", body)
        status, said = await answered(request, self.saves.save, self.saves.begin if self.begins else None)
        assert status == 202
        answer: dict[str, Any] = msgspec.json.decode(said)
        return answer


@asynccontextmanager
async def own_saves(kafka: str, mongo: str, *, begins: bool = True, **bounds: Any) -> AsyncIterator[OwnSaves]:
    async with new_parts(kafka, mongo) as parts:
        slow = Slow()
        catalogue, erased_ = parts.catalogue, parts.grading.erased
        intake = Intake(AttemptTokens(ATTEMPT_KEY), catalogue, erased_, slow)
        yield OwnSaves(parts, slow, intake, Saves(intake, catalogue, erased_, slow, **bounds), begins)


async def test_answers_are_saved_in_the_log_and_read_back_on_another_device(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        database = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", copies=2, database=database) as ([one, other], _):
            start = f"/quizzes/{parts.quiz_id}/attempts"
            begun = (await one.post(start, headers=as_resident("wang"))).json()
            path = f"/attempts/{begun['attempt_id']}/answers"
            mine = {"Authorization": f"Bearer {begun['attempt_token']}"}
            nothing = (await one.get(path, headers=mine)).json()
            assert (nothing["revision"], nothing["saved_at"], nothing["answers"]) == (0, None, {})
            answers = {begun["questions"][0]["id"]: "B"}
            # Each at another copy: one copy takes one save in a second.
            saved = await one.put(path, json={"answers": answers, "revision": 2}, headers=mine)
            assert (saved.status_code, saved.json()["revision"]) == (202, 2)
            older = await other.put(path, json={"answers": {}, "revision": 1}, headers=mine)
            assert older.status_code == 202
            log = await in_the_log(kafka, parts.quiz_id)
            assert [(event.revision, event.answers) for event in log] == [(2, answers), (1, {})]
            again = (await other.post(start, headers=as_resident("wang"))).json()
            assert again["attempt_id"] == begun["attempt_id"]
            await parts.grading.saved.keep_saved(saves(*(sheet_of(event) for event in log)))
            theirs = {"Authorization": f"Bearer {again['attempt_token']}"}
            found = (await other.get(path, headers=theirs)).json()
            assert (found["revision"], found["answers"]) == (2, answers)
            assert found["saved_at"] == saved.json()["saved_at"]
            foreign = token(attempt(parts.quiz_id, parts.quiz, "li"))
            assert code_of(await one.get(path, headers=foreign)) == (403, "attempt_foreign")
            assert code_of(await one.get(path)) == (401, "attempt_token_missing")


@BOTH_WAYS
async def test_a_save_sets_every_field_of_the_event_and_the_contract_reads_the_same(
    kafka: str, mongo: str, begins: bool
) -> None:
    async with own_saves(kafka, mongo, begins=begins) as one:
        mine = one.attempt("wang")
        await one.save(mine, group_id="school-1")
        [(topic, key, value, _)] = one.kafka.written
        assert (topic, key) == (QuizAnswersSaved.topic, mine.attempt_id.encode())
        # A field that is left out has its default value: the save has forgotten it.
        assert list(msgspec.json.decode(value or b"")) == list(QuizAnswersSaved.model_fields)
        made = sheet(one.parts, mine, revision=3, district=None)
        _, _, value, _ = saved_record(made, "an-id")
        read = QuizAnswersSaved.model_validate_json(value or b"")
        assert read == event_of(made)


@BOTH_WAYS
async def test_what_cannot_be_submitted_cannot_be_saved(kafka: str, mongo: str, begins: bool) -> None:
    async with own_saves(kafka, mongo, begins=begins) as one:
        mine = one.attempt("wang")
        for body in (
            b"{",
            b'{"answers":{}}',
            b'{"answers":{},"revision":0}',
            b'{"answers":{},"revision":"1"}',
            b'{"answers":{},"revision":1,"more":1}',
            b'{"answers":{},"revision":1,"revision":2}',
            b'{"answers":{},"answers":{},"revision":1}',
            b'{"answers":{"q1":"a"},"revision":1}',
            b"\xff",
        ):
            with pytest.raises(Rejected) as why:
                await one.save(mine, body)
            assert why.value.code == "submission_malformed", body
        with pytest.raises(Rejected) as why:
            await one.save(mine, b'{"answers":{"q99":"A"},"revision":1}')
        assert why.value.code == "question_unknown"
        with pytest.raises(Conflict) as late:
            await one.save(one.attempt("wang", started_at=minutes_ago(21)))
        assert late.value.code == "attempt_late"
        with pytest.raises(Forbidden):
            await one.save(mine, headers=token(one.attempt("li")))
        await one.parts.grading.keep_participants(people(erased("wang")))
        await one.parts.grading.erased.refresh()
        with pytest.raises(NotAuthenticated):
            await one.save(mine)
        assert one.kafka.written == []


@BOTH_WAYS
async def test_one_attempt_is_saved_once_a_second_and_others_meanwhile(
    kafka: str, mongo: str, begins: bool
) -> None:
    async with own_saves(kafka, mongo, begins=begins, every_seconds=0.2) as one:
        mine = one.attempt("wang")
        await one.save(mine)
        with pytest.raises(NotHttp) as why:
            await one.save(mine, b'{"answers":{},"revision":2}')
        assert (status_of(why.value), why.value.code) == (429, "saves_too_fast")
        await one.save(one.attempt("li"))

        async def saved() -> bool:
            try:
                await one.save(mine, b'{"answers":{},"revision":2}')
            except NotHttp:
                return False
            return True

        await eventually(saved)
        assert len(one.kafka.written) == 3
        pace = Pace(60, paced_max=4)
        for n in range(100):
            pace.note(f"a{n}")
            assert pace.is_too_fast(f"a{n}")
            assert sum(pace.is_too_fast(f"a{m}") for m in range(100)) <= 5


@BOTH_WAYS
async def test_saves_that_wait_are_bounded_and_do_not_keep_a_submission_waiting(
    kafka: str, mongo: str, begins: bool
) -> None:
    async with own_saves(kafka, mongo, begins=begins, waiting_max=2) as one:
        one.kafka.let.clear()
        waiting = [asyncio.create_task(one.save(one.attempt(f"p{n}"))) for n in range(2)]
        await eventually(lambda: len(one.kafka.written) >= 1)
        with pytest.raises(Overloaded):
            await one.save(one.attempt("p3"))
        submitted = one.attempt("p4")
        head = HotRequest(submitted.attempt_id, token(submitted)["Authorization"].encode(), b"", b"")
        sent = asyncio.create_task(one.intake.submit(head._replace(body=b'{"answers":{}}')))
        await eventually(lambda: any(topic == "quiz.submitted" for topic, *_ in one.kafka.written))
        one.kafka.let.set()
        await asyncio.gather(*waiting, sent)


@BOTH_WAYS
async def test_what_is_submitted_is_not_saved_any_more(kafka: str, mongo: str, begins: bool) -> None:
    async with own_saves(kafka, mongo, begins=begins) as one:
        mine = one.attempt("wang")
        head = HotRequest(mine.attempt_id, token(mine)["Authorization"].encode(), b"", b'{"answers":{}}')
        await one.intake.submit(head)
        with pytest.raises(Conflict) as why:
            await one.save(mine)
        assert why.value.code == "attempt_submitted"
        assert len(one.kafka.written) == 1


async def test_a_save_over_http_is_refused_as_a_problem(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts, service(mongo, kafka=kafka, role="api") as ([client], _):
        await put(client, parts.quiz_id, parts.quiz)
        mine = attempt(parts.quiz_id, parts.quiz, "wang")
        path = f"/attempts/{mine.attempt_id}/answers"
        body = {"answers": {}, "revision": 1}
        assert (await client.put(path, json=body, headers=token(mine))).status_code == 202
        fast = await client.put(path, json=body, headers=token(mine))
        assert (code_of(fast), fast.headers["retry-after"]) == ((429, "saves_too_fast"), "1")
        assert code_of(await client.put(path, json=body)) == (401, "attempt_token_missing")


async def test_of_the_saves_of_an_attempt_the_highest_revision_is_kept_in_whatever_order(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        mine = attempt(parts.quiz_id, parts.quiz, "wang", started_at=minutes_ago(1))
        first, second, third = (sheet(parts, mine, revision=n, right=n) for n in (1, 2, 3))
        equal = sheet(parts, mine, revision=3, right=0)
        keep = parts.grading.saved.keep_saved
        for order in ([second], [third, first], [equal], [third], [first, second]):
            one = saves(*order)
            assert await keep(one) == ()
            assert one.rejected == []
        kept = await parts.stores.saved.of_attempts([mine.attempt_id])
        assert {id_: (found.revision, found.answers) for id_, found in kept.items()} == {
            mine.attempt_id: (3, third.answers)
        }


async def test_what_could_not_be_submitted_is_not_kept(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        old = attempt(parts.quiz_id, parts.quiz, "old", started_at=minutes_ago(22))
        other = attempt("no-such-quiz", parts.quiz, "other")
        mine = attempt(parts.quiz_id, parts.quiz, "wang")
        foreign = msgspec.structs.replace(sheet(parts, mine), participant_id="li")
        gone = sheet(parts, attempt(parts.quiz_id, parts.quiz, "gone"))
        await parts.grading.keep_participants(people(erased("gone")))
        await parts.grading.erased.refresh()
        good = sheet(parts, mine)
        wrong = [
            sheet(parts, old),
            msgspec.structs.replace(good, attempt_id=other.attempt_id, quiz_id="no-such-quiz"),
            foreign,
        ]
        one = saves(*wrong, gone, good)
        await parts.grading.saved.keep_saved(one)
        codes = [dead.why.code for dead in one.rejected]
        assert codes == ["attempt_late", "quiz_unknown", "attempt_unknown"]
        ids = [one.attempt_id for one in (*wrong, gone, good)]
        assert (await parts.stores.saved.of_attempts(ids)).keys() == {mine.attempt_id}
        # It came in time by the sender's clock only.
        late = saves(
            sheet(
                parts,
                attempt(parts.quiz_id, parts.quiz, "late", started_at=minutes_ago(22)),
                saved_at=minutes_ago(3),
            ),
            appended_at=minutes_ago(0),
        )
        await parts.grading.saved.keep_saved(late)
        assert [dead.why.code for dead in late.rejected] == ["attempt_late"]


async def test_what_the_erased_saved_is_deleted(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        begun = {who: attempt(parts.quiz_id, parts.quiz, who) for who in ("wang", "li")}
        await parts.grading.saved.keep_saved(saves(*(sheet(parts, one) for one in begun.values())))
        await parts.grading.keep_participants(people(erased("wang")))
        await parts.sweeper().turn()
        kept = await parts.stores.saved.of_attempts([one.attempt_id for one in begun.values()])
        assert kept.keys() == {begun["li"].attempt_id}

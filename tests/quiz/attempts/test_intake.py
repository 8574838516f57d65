"""What intake promises while Kafka and MongoDB go away and come back."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from ops.stack import Stack
from services.quiz.app import assemble
from services.quiz.attempts.intake import Intake
from services.quiz.attempts.late import ClockDoubtful
from services.quiz.attempts.latest import Latest
from services.quiz.attempts.receipts import AlreadySubmitted, Receipt
from services.quiz.attempts.rules import Attempt
from services.quiz.attempts.submission import submission as submissions
from services.quiz.attempts.tokens import AttemptTokens
from services.quiz.quizzes.rules import NOTICE_SECONDS
from services.quiz.quizzes.store import QuizStore
from shared.contracts.events import QuizSubmitted
from shared.messaging.appended import note
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import Publisher, Record
from shared.runtime.errors import Overloaded, Unavailable
from shared.web.hot import HotRequest
from shared.web.problems import encoded
from tests.quiz.builders import ATTEMPT_KEY, as_resident, attempt, paper, quiz, service, settings, token
from tests.quiz.parts import Parts, new_parts
from tests.support.kafka import read_all
from tests.support.servers import own_stack
from tests.support.service import ORGANISER, running
from tests.support.waiting import eventually
from tests.support.web import BOTH_WAYS, answered

pytestmark = pytest.mark.stack


def assert_outage(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"


@pytest.fixture
def own() -> Iterator[Stack]:
    """Servers that this test alone may kill."""
    with own_stack() as stack:
        yield stack


async def test_what_got_202_is_in_the_log_whatever_happened_to_kafka(own: Stack) -> None:
    await create_missing(own.kafka)
    quiz_id, of, database = "contest", quiz(), "kepu_quiz"
    promised: dict[str, dict[str, str]] = {}
    of_both = settings(mongo=own.mongo, kafka=own.kafka, role="api", database=database)
    busy, idle = assemble(of_both), assemble(of_both)
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
        own.kill("kafka")
        own.kill("mongo")
        load += [asyncio.create_task(submit(f"after-{n}")) for n in range(20)]
        # A process that was not connected yet is told at once.
        path = f"/quizzes/{quiz_id}/attempts"
        start = asyncio.create_task(other.post(path, headers=as_resident("wang")))
        assert set(await asyncio.gather(*(submit(f"first-{n}", other) for n in range(20)))) == {503}
        assert_outage(await start)
        await asyncio.to_thread(own.up)
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
        for record in await read_all(own.kafka, QuizSubmitted.topic)
    }
    assert {receipt: log[receipt].answers for receipt in promised} == promised
    assert len(promised) >= 22


class Slow(Publisher):
    """Kafka that acknowledges when it is let, and remembers what it was given."""

    def __init__(self) -> None:
        super().__init__("nowhere", "tests")
        self.written: list[Record] = []
        self.let = asyncio.Event()
        self.let.set()
        self.is_down = False
        # How far its clock is ahead of ours; None: it does not tell its time.
        self.ahead_seconds: float | None = None

    async def write(self, records: Sequence[Record]) -> None:
        self.written += records
        if self.is_down:
            raise Unavailable("Kafka did not acknowledge")
        await self.let.wait()
        if self.ahead_seconds is not None:
            note([SimpleNamespace(timestamp=int((time.time() + self.ahead_seconds) * 1000))])


@dataclass
class OwnIntake:
    """An intake with a Kafka of its own, and a quiz to submit to."""

    parts: Parts
    kafka: Slow
    intake: Intake
    begins: bool

    def attempt(self, who: str) -> Attempt:
        return attempt(self.parts.quiz_id, self.parts.quiz, who)

    async def submit(
        self, of: Attempt, body: bytes = b'{"answers":{}}', *, group_id: str | None = None
    ) -> dict[str, Any]:
        authorization = token(of, group_id=group_id)["Authorization"].encode()
        request = HotRequest(of.attempt_id, authorization, b"", body)
        begin = self.intake.begin if self.begins else None
        status, said = await answered(request, self.intake.submit, begin)
        assert status == 202
        receipt: dict[str, Any] = msgspec.json.decode(said)
        return receipt


@asynccontextmanager
async def own_intake(
    kafka: str, mongo: str, *, begins: bool = True, **bounds: Any
) -> AsyncIterator[OwnIntake]:
    async with new_parts(kafka, mongo) as parts:
        slow = Slow()
        yield OwnIntake(
            parts,
            slow,
            Intake(AttemptTokens(ATTEMPT_KEY), parts.catalogue, parts.grading.erased, slow, **bounds),
            begins,
        )


@BOTH_WAYS
async def test_intake_takes_as_many_as_may_wait_and_refuses_the_next(
    kafka: str, mongo: str, begins: bool
) -> None:
    async with own_intake(kafka, mongo, begins=begins, waiting_max=3) as one:
        one.kafka.let.clear()
        waiting = [asyncio.create_task(one.submit(one.attempt(f"p{n}"))) for n in range(3)]
        await eventually(lambda: len(one.kafka.written) >= 1)
        with pytest.raises(Overloaded):
            await one.submit(one.attempt("p4"))
        one.kafka.let.set()
        assert len({receipt["receipt_id"] for receipt in await asyncio.gather(*waiting)}) == 3
        assert len(one.kafka.written) == 3


@BOTH_WAYS
async def test_a_submission_sent_again_gets_the_receipt_of_the_first_and_is_written_once(
    kafka: str, mongo: str, begins: bool
) -> None:
    async with own_intake(kafka, mongo, begins=begins) as one:
        mine = one.attempt("wang")
        receipt = await one.submit(mine)
        assert await one.submit(mine) == receipt
        for body in (b'{"answers":{"q1":"B"}}', b"not even JSON"):
            with pytest.raises(AlreadySubmitted) as why:
                await one.submit(mine, body)
            problem = msgspec.json.decode(encoded(why.value).body)
            assert (problem["status"], problem["code"]) == (409, "attempt_submitted")
            assert problem["receipt"] == receipt
        assert len(one.kafka.written) == 1
        # While the first one is on its way nothing can be promised yet.
        other = one.attempt("li")
        one.kafka.let.clear()
        first = asyncio.create_task(one.submit(other))
        await eventually(lambda: len(one.kafka.written) == 2)
        with pytest.raises(Unavailable):
            await one.submit(other)
        one.kafka.let.set()
        receipt = await first
        assert await one.submit(other) == receipt
        assert len(one.kafka.written) == 2


async def test_intake_sets_every_field_of_the_event(kafka: str, mongo: str) -> None:
    async with own_intake(kafka, mongo) as one:
        await one.submit(one.attempt("wang"), group_id="school-1")
        [(_, _, value, _)] = one.kafka.written
        # A field that is left out has its default value: intake has forgotten it.
        # Nothing that intake takes is automatic.
        set_here = [name for name in QuizSubmitted.model_fields if name != "automatic"]
        assert list(msgspec.json.decode(value or b"")) == set_here


@BOTH_WAYS
async def test_what_is_not_in_the_log_gets_no_receipt(kafka: str, mongo: str, begins: bool) -> None:
    async with own_intake(kafka, mongo, begins=begins) as one:
        mine = one.attempt("wang")
        one.kafka.is_down = True
        for _ in range(2):
            with pytest.raises(Unavailable, match="did not acknowledge"):
                await one.submit(mine)
        one.kafka.is_down = False
        assert (await one.submit(mine))["attempt_id"] == mine.attempt_id


@BOTH_WAYS
async def test_what_kafka_did_not_acknowledge_may_be_sent_again(kafka: str, mongo: str, begins: bool) -> None:
    async with own_intake(kafka, mongo, begins=begins, accepted_seconds_max=0.2) as one:
        mine = one.attempt("wang")
        one.kafka.let.clear()
        with pytest.raises(Unavailable):
            await one.submit(mine)
        one.kafka.let.set()
        assert (await one.submit(mine))["attempt_id"] == mine.attempt_id
        assert len(one.kafka.written) == 2


async def test_receipts_are_remembered_within_a_bound(kafka: str, mongo: str) -> None:
    async with own_intake(kafka, mongo, receipts_max=4) as one:
        first = one.attempt("p0")
        await one.submit(first)
        for n in range(1, 8):
            await one.submit(one.attempt(f"p{n}"))
        await one.submit(first)
        assert len(one.kafka.written) == 9
        receipts: Latest[Receipt] = Latest(4)
        for n in range(100):
            receipts.add(f"a{n}", Receipt(b"r", n))
            assert receipts.get(f"a{n}") == Receipt(b"r", n)
            assert sum(receipts.get(f"a{m}") is not None for m in range(100)) <= 5


@BOTH_WAYS
async def test_a_process_that_stands_still_before_the_append_promises_nothing(
    kafka: str, mongo: str, begins: bool
) -> None:
    async with own_intake(kafka, mongo, begins=begins, accepted_seconds_max=0.2) as one:
        mine = one.attempt("wang")
        one.kafka.let.clear()
        sent = asyncio.create_task(one.submit(mine))
        await eventually(lambda: len(one.kafka.written) == 1)
        # Nothing runs meanwhile. Then the acknowledgement is there before the timer is looked at.
        time.sleep(0.3)  # noqa: ASYNC251
        one.kafka.let.set()
        with pytest.raises(Unavailable):
            await sent


@BOTH_WAYS
@pytest.mark.parametrize("ahead_seconds", [-90.0, 90.0])
async def test_a_process_whose_clock_is_wrong_promises_nothing_and_soon_writes_nothing(
    kafka: str, mongo: str, begins: bool, ahead_seconds: float
) -> None:
    async with own_intake(kafka, mongo, begins=begins) as one:
        one.kafka.ahead_seconds = ahead_seconds
        # It is in the log, and graders refuse it.
        with pytest.raises(ClockDoubtful):
            await one.submit(one.attempt("wang"))
        assert len(one.kafka.written) == 1
        # The next ones are refused before: otherwise each try would be one more dead letter.
        for _ in range(3):
            with pytest.raises(ClockDoubtful):
                await one.submit(one.attempt("wang"))
        assert len(one.kafka.written) == 1
        one.kafka.ahead_seconds = 0.0

        async def accepted() -> bool:
            try:
                await one.submit(one.attempt("wang"))
            except ClockDoubtful:
                return False
            return True

        await eventually(accepted)
        assert len(one.kafka.written) == 2


async def test_a_process_that_stood_still_does_not_take_what_came_after_an_early_close(
    kafka: str, mongo: str
) -> None:
    quiz_id, of = "contest", quiz(grace_seconds=0)
    async with service(mongo, kafka=kafka, role="api") as ([client], database):
        await client.put(f"/quizzes/{quiz_id}", json=of.model_dump(mode="json"), headers=ORGANISER)
        mine = attempt(quiz_id, of, "wang")
        # As another process does it, and this one is stopped meanwhile.
        now = datetime.now(UTC)
        await QuizStore(database).begin_closing(quiz_id, now, now)
        time.sleep(NOTICE_SECONDS + 0.1)  # noqa: ASYNC251 (nothing at all may run)
        path = f"/attempts/{mine.attempt_id}/submission"
        answer = await client.post(path, json={"answers": {}}, headers=token(mine))
        assert (answer.status_code, answer.json()["code"]) == (409, "attempt_late")

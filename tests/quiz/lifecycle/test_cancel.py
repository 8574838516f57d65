"""A quiz is cancelled: nothing more counts, and everybody who took part is told once, whoever dies."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from services.quiz.attempts.rules import Attempt
from services.quiz.lifecycle import events
from services.quiz.lifecycle.cancel import Cancelling
from services.quiz.lifecycle.notify import Notifier
from services.quiz.lifecycle.rules import BY_ORGANISER, TOLD_AFTER, Cancellation
from services.quiz.lifecycle.store import CancellationStore
from services.quiz.quizzes.changes import QuizChanges
from services.quiz.results.store import ResultStore
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import NotificationRequested, QuizClosed
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import Publisher, Record
from shared.runtime.errors import Conflict, Unavailable
from shared.storage.lease import Lease
from shared.storage.mongo import Database
from tests.quiz.builders import as_resident, attempt, batch, erased, people, quiz, service
from tests.quiz.http import put
from tests.quiz.lifecycle.test_alter import cancelled_of, submit
from tests.quiz.parts import Parts, new_parts
from tests.support.kafka import read_all
from tests.support.service import ORGANISER, code_of, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

REASON = {"code": "technical_failure", "text": "因试题泄露取消"}


async def requests_of(kafka: str, title: str) -> list[tuple[str, str]]:
    """The ids and people of the messages that name this quiz."""
    records = await read_all(kafka, NotificationRequested.topic)
    # Other tests write to the topic too, and not only what can be read.
    ours = [one.value for one in records if one.value and title[2:].encode() in one.value]
    found = [NotificationRequested.model_validate_json(value) for value in ours]
    return [(one.request_id, one.participant_id) for one in found if title in one.body]


async def test_after_a_cancellation_nobody_starts_or_submits_and_everybody_is_told(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    quiz_id, title = new_id(), new_id("竞赛")
    path = f"/quizzes/{quiz_id}"
    async with service(mongo, kafka=kafka, copies=2) as ([here, there], _):
        assert code_of(await here.get(f"{path}/cancellation", headers=ORGANISER)) == (404, "quiz_unknown")
        await put(here, quiz_id, quiz(title=title))
        nothing = await here.get(f"{path}/cancellation", headers=ORGANISER)
        assert code_of(nothing) == (404, "cancellation_unknown")
        begun = {
            who: (await here.post(f"{path}/attempts", headers=as_resident(who))).json()
            for who in ("wang", "li")
        }
        assert (await submit(here, begun["wang"])).status_code == 202
        said = await here.post(f"{path}/cancel", json=REASON, headers=ORGANISER)
        assert (said.status_code, said.json()["code"]) == (202, "technical_failure")
        again = await there.post(f"{path}/cancel", json={"text": "另一个理由"}, headers=ORGANISER)
        assert again.json()["text"] == "因试题泄露取消"
        assert (await here.get(path)).json()["status"] == "cancelled"
        refused = await here.post(f"{path}/attempts", headers=as_resident("zhao"))
        assert code_of(refused) == (409, "quiz_cancelled")
        for verb, body in (
            ("close", None),
            ("reopen", None),
            ("extend", {"closes_at": "2099-01-01T00:00:00Z"}),
        ):
            answer = await here.post(f"{path}/{verb}", json=body, headers=ORGANISER)
            assert code_of(answer) == (409, "quiz_cancelled"), verb
        assert code_of(await put(here, quiz_id, quiz())) == (409, "quiz_cancelled")
        ends = datetime.fromisoformat((await here.get(path)).json()["closes_at"])
        await eventually(_now, lambda now: now > ends + timedelta(seconds=0.1))
        assert code_of(await submit(there, begun["li"])) == (409, "quiz_cancelled")
        result = await here.get(f"/attempts/{begun['li']['attempt_id']}/result", headers=as_resident("li"))
        assert (result.json()["status"], result.json()["code"]) == ("refused", "quiz_cancelled")
        (event,) = await eventually(lambda: cancelled_of(kafka, quiz_id))
        assert (event.version, event.code, event.reason) == (1, "technical_failure", "因试题泄露取消")
        told = await eventually(lambda: requests_of(kafka, title), lambda them: len(them) == 2)
        assert sorted(who for _, who in told) == ["li", "wang"]
        done = await eventually(
            lambda: here.get(f"{path}/cancellation", headers=ORGANISER),
            lambda answer: answer.json()["finished"],
        )
        assert done.json()["told_percent"] == 100
        assert code_of(await here.delete(path, headers=ORGANISER)) == (409, "quiz_in_use")


async def _now() -> datetime:
    return datetime.now(UTC)


def cancelling(parts: Parts) -> Cancelling:
    database = parts.stores.database
    return Cancelling(
        parts.stores.quizzes, QuizChanges(database), CancellationStore(database), parts.catalogue
    )


async def cancel(parts: Parts) -> Cancellation:
    """Cancel the quiz; people are told at once."""
    database = parts.stores.database
    await CancellationStore(database).prepare()
    said = await cancelling(parts).cancel(parts.quiz_id, BY_ORGANISER, "取消")
    await database["quiz_cancellations"].update_one(
        {"_id": said.cancellation_id}, {"$set": {"tell_after": said.cancelled_at}}
    )
    return said


def notifier(parts: Parts, publisher: Publisher, owner: str = "one") -> Notifier:
    """One that reads ten results at a time."""
    database = parts.stores.database
    return Notifier(
        CancellationStore(database),
        parts.stores.attempts,
        ResultStore(database, portion_results=10),
        parts.grading.erased,
        publisher,
        Lease(database, "cancelling quizzes", owner=owner),
    )


class Dying(Publisher):
    """Publishes so often; then it dies before or after it has published."""

    def __init__(self, publisher: Publisher, times: int, *, publishes: bool) -> None:
        self._publisher, self._left, self._publishes = publisher, times, publishes

    async def publish(self, envelopes: Sequence[Envelope[Event] | Record]) -> None:
        self._left -= 1
        if self._left >= 0 or self._publishes:
            await self._publisher.publish(envelopes)
        if self._left < 0:
            raise Unavailable("dead")


async def taken_part(parts: Parts) -> tuple[list[str], list[Attempt]]:
    """Fifty people with results, ten of them with another attempt, and thirty with attempts under way."""
    sent = [parts.submission(f"p{n}", right=n % 6) for n in range(50)]
    await parts.grading.grade_submissions(batch(*sent))
    begun = [attempt(parts.quiz_id, parts.quiz, f"p{n}", number=1) for n in range(40, 80)]
    await parts.stores.attempts.add(begun)
    return [f"p{n}" for n in range(80)], begun


@pytest.mark.parametrize("publishes", [True, False])
async def test_another_worker_goes_on_where_one_died_and_everybody_has_one_message(
    kafka: str, mongo: str, *, publishes: bool
) -> None:
    title = new_id("竞赛")
    async with new_parts(kafka, mongo, title=title) as parts:
        everybody, _ = await taken_part(parts)
        gone = people(erased("p3"), erased("p79"))
        await parts.grading.keep_participants(gone)
        await parts.grading.erased.refresh()
        said = await cancel(parts)
        dying = notifier(parts, Dying(parts.publisher, 2, publishes=publishes))
        for _ in range(2):
            assert await dying.go_on(said.cancellation_id)
        with pytest.raises(Unavailable):
            await dying.go_on(said.cancellation_id)
        halfway = await CancellationStore(parts.stores.database).read(said.cancellation_id)
        assert halfway is not None
        assert (halfway.portions_told, halfway.portions) == (2, 5)
        other = notifier(parts, parts.publisher, "two")
        while await other.go_on(said.cancellation_id):
            pass
        told = await requests_of(kafka, title)
        by_person: dict[str, set[str]] = {}
        for request_id, who in told:
            by_person.setdefault(who, set()).add(request_id)
        assert by_person.keys() == set(everybody) - {"p3", "p79"}
        assert {len(ids) for ids in by_person.values()} == {1}, "a repeat is the same message"
        assert len({id_ for id_, _ in told}) == 78
        assert await other.pending("", 10) == []


async def test_people_are_told_when_every_process_knows_of_the_cancellation(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        database = parts.stores.database
        await CancellationStore(database).prepare()
        said = await cancelling(parts).cancel(parts.quiz_id, BY_ORGANISER, "取消")
        store = CancellationStore(database)
        assert await store.unfinished("", 10, said.cancelled_at + TOLD_AFTER) == []
        after = said.cancelled_at + TOLD_AFTER + timedelta(seconds=2)
        assert await store.unfinished("", 10, after) == [said.cancellation_id]
        # Two workers at once: only one of them has the lease.
        await database["quiz_cancellations"].update_one({}, {"$set": {"tell_after": said.cancelled_at}})
        pending = [await notifier(parts, parts.publisher, one).pending("", 10) for one in ("one", "two")]
        assert pending == [[said.cancellation_id], []]


async def test_either_the_close_or_the_cancellation_wins(kafka: str, mongo: str) -> None:
    over = {
        "closes_at": datetime.now(UTC) - timedelta(seconds=1),
        "grace_seconds": 0,
        "duration_seconds": 600,
    }
    async with new_parts(kafka, mongo, **over) as parts:
        await CancellationStore(parts.stores.database).prepare()
        outcomes = await asyncio.gather(
            parts.closer(kafka).close_due(datetime.now(UTC)),
            cancelling(parts).cancel(parts.quiz_id, BY_ORGANISER, "取消"),
            return_exceptions=True,
        )
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        if isinstance(outcomes[1], Conflict):
            assert (outcomes[1].code, record.status) == ("quiz_is_final", "closed")
        else:
            assert record.status == "cancelled"
        closed = await in_outbox_or_log(kafka, parts.stores.database, parts.quiz_id)
        assert closed == (1 if record.status == "closed" else 0)


async def in_outbox_or_log(kafka: str, database: Database, quiz_id: str) -> int:
    """How many closings of a quiz were published."""
    waiting = await database["outbox"].count_documents({"topic": QuizClosed.topic})
    written = [
        one for one in await read_all(kafka, QuizClosed.topic) if quiz_id.encode() in (one.value or b"")
    ]
    return waiting + len(written)


async def test_a_cancelled_quiz_never_closes_and_hands_nothing_in(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await cancel(parts)
        far = datetime.now(UTC) + timedelta(days=2)
        assert await parts.stores.quizzes.over(far) == []
        assert not await parts.stores.quizzes.end_freezes(parts.quiz_id, far, datetime.now(UTC))
        await parts.close()
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert record.status == "cancelled"
        assert record.withholds_scores is False


def test_a_message_to_a_person_has_one_id_for_each_cancellation() -> None:
    now = datetime.now(UTC)
    one: Any = Cancellation("q/1", "q", 1, "竞赛", BY_ORGANISER, "取消", now, now)  # type: ignore[arg-type]
    other = replace(one, version=2)
    ids = {events.requested(each, who, now).event.request_id for each in (one, other) for who in ("a", "b")}
    assert len(ids) == 4
    assert events.requested(one, "a", now).context.id == events.requested(one, "a", now).context.id

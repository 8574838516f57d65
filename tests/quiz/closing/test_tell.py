"""A quiz that shows its scores at the close: they are published then, each once, whoever dies."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from services.quiz.attempts.submission import Submission
from services.quiz.closing.tell import Teller
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.store import ResultStore
from shared.contracts.events import QuizCompleted
from shared.messaging.consuming import consuming
from shared.messaging.publisher import Publisher, Record
from shared.runtime.errors import Unavailable
from shared.storage.lease import Lease
from tests.quiz.builders import batch, envelope, erased, joined, people, quiz
from tests.quiz.closing.builders import is_closed
from tests.quiz.closing.telling_process import tell as tell_and_stop
from tests.quiz.parts import Parts, new_parts, results_in, subscriptions_of
from tests.quiz.test_worker import start, workers
from tests.support.killing import Killable
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

AT_CLOSE = "at_close"


def over(seconds: float = 1) -> dict[str, object]:
    """A quiz that closed so many seconds ago."""
    closes_at = datetime.now(UTC) - timedelta(seconds=seconds)
    return {"closes_at": closes_at, "grace_seconds": 0, "duration_seconds": 600, "shows_scores": AT_CLOSE}


def accepted(parts: Parts, number: int, district: str | None = "华龙区") -> list[Submission]:
    """Submissions of people who were in time."""
    moment = parts.quiz.closes_at - timedelta(seconds=2)
    return [
        parts.submission(f"p{n}", right=n % 6, seconds=n % 60 + 1, district=district, submitted_at=moment)
        for n in range(number)
    ]


async def grade(parts: Parts, sent: Sequence[Submission]) -> None:
    some = batch(*sent, appended_at=parts.quiz.closes_at)
    assert await parts.grading.grade_submissions(some) == []
    assert not some.rejected


def teller(parts: Parts, publisher: Publisher, *, owner: str = "one", seconds: float = 60) -> Teller:
    """One that reads ten results at a time."""
    stores = parts.stores
    return Teller(
        stores.quizzes,
        ResultStore(stores.database, portion_results=10),
        parts.catalogue,
        parts.grading.erased,
        publisher,
        Lease(stores.database, "telling", owner=owner),
        turn_seconds=seconds,
    )


async def tell(parts: Parts, by: Teller) -> bool:
    record = await parts.stores.quizzes.read(parts.quiz_id)
    assert record is not None
    return await by.tell(record)


class Dying(Publisher):
    """Writes nothing, or dies after it has written."""

    def __init__(self, publisher: Publisher, after: int, *, writes: bool) -> None:
        self._publisher, self._left, self._writes = publisher, after, writes

    async def write(self, records: Sequence[Record]) -> None:
        self._left -= 1
        if self._left >= 0 or self._writes:
            await self._publisher.write(records)
        if self._left < 0:
            raise Unavailable("dead")


async def close(parts: Parts, kafka: str) -> None:
    """Close as soon as all is graded."""
    closer = parts.closer(kafka)
    async with consuming(kafka, subscriptions_of(parts.grading), parts.publisher):

        async def closed() -> bool:
            await closer.close_due(datetime.now(UTC))
            return await is_closed(parts)

        await eventually(closed)


async def test_results_are_withheld_until_the_close_and_then_each_is_told_once(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, **over()) as parts:
        # The participants of the last ones never become known.
        known, unknown = accepted(parts, 50), accepted(parts, 53, district=None)[50:]
        await parts.publisher.publish([envelope(one) for one in (*known, *unknown)])
        async with consuming(kafka, subscriptions_of(parts.grading), parts.publisher):
            await eventually(lambda: parts.stores.standings.count(parts.quiz_id), lambda n: n == 50)
        # A batch that comes again, before the close.
        await grade(parts, [*known, *unknown])
        assert await parts.completed(kafka) == []
        await close(parts, kafka)
        told = await parts.completed(kafka)
        assert sorted(event.result_id for _, event in told) == sorted(
            one.attempt_id for one in (*known, *unknown)
        )
        assert len({id_ for id_, _ in told}) == 53
        rights = {one.attempt_id: n % 6 for n, one in enumerate(known)}
        assert all(event.points == rights[event.result_id] for _, event in told if event.result_id in rights)


async def test_what_is_told_at_the_close_is_what_would_have_been_told_at_once(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **over(), title="一") as parts:
        sent = batch(*accepted(parts, 6))
        await parts.grading.grade_submissions(sent)
        async with new_parts(kafka, mongo, **(over() | {"shows_scores": "at_once"}), title="一") as other:
            at_once = results_in(await other.grading.grade_submissions(batch(*accepted(other, 6))))
        assert await tell(parts, teller(parts, parts.publisher))
        told = await parts.completed(kafka)

        def compared(of: list[tuple[str, QuizCompleted]]) -> list[dict[str, object]]:
            ids = {"result_id", "quiz_id", "completed_at"}
            return sorted(
                (one.model_dump(exclude=ids) for _, one in of), key=lambda one: one["participant_id"]
            )

        assert compared(told) == compared(at_once)
        # If the batch comes again after the close, the same events are published again.
        await parts.close()
        await parts.catalogue.refresh()
        again = results_in(await parts.grading.grade_submissions(sent))
        assert sorted(again, key=str) == sorted(told, key=str)


@pytest.mark.parametrize("writes", [True, False])
async def test_a_worker_that_dies_while_it_tells_is_followed_by_one_that_goes_on(
    kafka: str, mongo: str, writes: bool
) -> None:
    async with new_parts(kafka, mongo, **over()) as parts:
        sent = accepted(parts, 200)
        await grade(parts, sent)
        dying = teller(parts, Dying(parts.publisher, 7, writes=writes))
        with pytest.raises(Unavailable):
            await tell(parts, dying)
        some = await parts.completed(kafka)
        assert 0 < len(some) < 200
        # As long as the dead one has the lease, nobody else tells.
        after = teller(parts, parts.publisher, owner="other")
        assert not await tell(parts, after)
        assert await parts.completed(kafka) == some
        await eventually(lambda: tell(parts, after))
        told = await parts.completed(kafka)
        assert len(set(map(str, told))) == len({id_ for id_, _ in told}) == 200, "a repeat says the same"
        assert {event.result_id for _, event in told} == {one.attempt_id for one in sent}
        # Only the portion that was not noted comes again.
        assert len(told) - 200 <= (40 if writes else 0)
        assert await tell(parts, after)
        assert len(await parts.completed(kafka)) == len(told)


async def test_telling_takes_turns_and_each_turn_tells_something(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **over()) as parts:
        await grade(parts, accepted(parts, 50))
        slow = teller(parts, parts.publisher, seconds=0)
        turns = 1
        while not await tell(parts, slow):
            turns += 1
        assert turns == 5
        assert len(await parts.completed(kafka)) == 50


async def test_the_erased_are_not_told_of(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **over()) as parts:
        await grade(parts, accepted(parts, 6))
        await parts.grading.keep_participants(people(joined("p3"), erased("p3")))
        await parts.grading.erased.refresh()
        assert await tell(parts, teller(parts, parts.publisher))
        assert {event.participant_id for _, event in await parts.completed(kafka)} == {
            "p0",
            "p1",
            "p2",
            "p4",
            "p5",
        }


async def test_an_early_close_tells_what_was_graded_and_nothing_is_told_before(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, shows_scores=AT_CLOSE, grace_seconds=0) as parts:
        sent = [parts.submission(f"p{n}", right=n % 6) for n in range(20)]
        await parts.publisher.publish([envelope(one) for one in sent])
        async with consuming(kafka, subscriptions_of(parts.grading), parts.publisher):
            await eventually(lambda: parts.stores.standings.count(parts.quiz_id), lambda n: n == 20)
        now = datetime.now(UTC)
        await parts.closer(kafka).close_due(now)
        assert await parts.completed(kafka) == []
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
        await parts.catalogue.refresh()
        # It is refused now, and was graded before: it is told at the close, as all others are.
        late = batch(sent[0], appended_at=now + timedelta(seconds=60))
        assert await parts.grading.grade_submissions(late) == []
        await close(parts, kafka)
        assert sorted(event.result_id for _, event in await parts.completed(kafka)) == sorted(
            one.attempt_id for one in sent
        )


async def test_after_a_worker_that_was_killed_while_it_told_others_tell_the_rest_and_close(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, **over(20)) as parts:
        sent = accepted(parts, 1_000)
        await grade(parts, sent)
        name = parts.stores.database.name
        async with workers() as started:
            started.append(Killable.working(tell_and_stop, kafka, mongo, name, parts.quiz_id))
            await started[0].start()
            assert await started[0].line() == "written"
            await started[0].kill()
            assert 0 < len(await parts.completed(kafka)) < 1_000
            assert not await is_closed(parts)
            started += [await start(kafka, mongo, name, one) for one in ("w1", "w2")]
            await eventually(lambda: is_closed(parts))
            # All is told before the quiz is closed.
            told = await parts.completed(kafka)
        said: dict[str, set[str]] = {}
        for id_, event in told:
            said.setdefault(event.result_id, set()).add(f"{id_} {event.model_dump_json()}")
        assert said.keys() == {one.attempt_id for one in sent}
        assert {len(ways) for ways in said.values()} == {1}
        assert 0 < len(told) - 1_000 < 200, "only the portion that was not noted comes again"


def test_a_definition_that_says_nothing_shows_scores_at_once_and_an_open_one_keeps_what_it_says() -> None:
    said = quiz().model_dump(mode="json", exclude={"shows_scores"})
    assert Quiz.model_validate(said).shows_scores == "at_once"
    assert not quiz(shows_scores=AT_CLOSE).keeps_to(quiz())

"""What was saved and not submitted is handed in, once, and never before a submission that came in time."""

from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import pytest

from services.quiz.attempts.rules import Attempt
from services.quiz.attempts.submission import Submission, decode
from services.quiz.quizzes.rules import LOG_DELAY_SECONDS_MAX
from services.quiz.results.rules import Result
from services.quiz.saving.hand_in import HANDED_AGAIN, HANDED_MAX, HandIn, Looking, hand_in_id
from services.quiz.saving.handlers import subscriptions as saving_subscriptions
from services.quiz.saving.log_states import KeptSaves
from services.quiz.saving.rules import HAND_IN_AFTER, Sheet, handed_in, latest
from services.quiz.saving.store import SavedStore
from shared.contracts.envelope import enclose, from_headers
from shared.contracts.events import QuizSubmitted
from shared.contracts.topics import QUIZ_SAVING
from shared.messaging.consuming import consuming
from shared.messaging.received import Batch, Received
from shared.runtime import clock
from tests.quiz.builders import as_resident, attempt, batch, erased, joined, people, service
from tests.quiz.grading.test_repeats import DiedError, Life, MortalPublisher
from tests.quiz.parts import Parts, new_parts, results_in, subscriptions_of
from tests.quiz.saving.builders import minutes_ago, saves, sheet
from tests.quiz.test_worker import start, workers
from tests.support.kafka import read_all, skip_to_end
from tests.support.service import received
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

POINTS_MAX = 30


@pytest.fixture(autouse=True)
async def nothing_else_is_saved(kafka: str) -> None:
    """What other tests have left in the log of saves is not waited for."""
    await skip_to_end(kafka, QUIZ_SAVING)


def over(parts: Parts, who: str) -> Attempt:
    """An attempt whose time was over a minute ago; it may take twenty minutes."""
    return attempt(parts.quiz_id, parts.quiz, who, started_at=minutes_ago(22))


async def save(parts: Parts, *of: Attempt, **changes: Any) -> None:
    """Each attempt is saved while it is under way."""
    one = saves(*(sheet(parts, each, saved_at=minutes_ago(5), **changes) for each in of))
    await parts.grading.saved.keep_saved(one)
    assert one.rejected == []


async def in_the_log(kafka: str, quiz_id: str) -> list[Received[Submission]]:
    """The submissions of this quiz, in the order of the log."""
    found = []
    for record in await read_all(kafka, QuizSubmitted.topic):
        # Other tests write to the topic too, and not only what can be read.
        if quiz_id.encode() not in (record.value or b""):
            continue
        at = datetime.fromtimestamp(record.timestamp / 1000, clock.now().tzinfo)
        context = from_headers(
            record.headers,
            appended_at=lambda at=at: at,  # type: ignore[misc]
            key=record.key,
        )
        found.append(Received(decode([record.value or b""])[0], context, record))
    return found


async def grade(parts: Parts, kafka: str) -> list[Any]:
    """Grade what the log has; returns what is said."""
    one = Batch(await in_the_log(kafka, parts.quiz_id))
    said = results_in(await parts.grading.grade_submissions(one))
    assert one.rejected == []
    return said


async def results(parts: Parts, *of: Attempt) -> dict[str, Result]:
    return await parts.stores.results.of_attempts([one.attempt_id for one in of])


def automatic(parts: Parts, of: Attempt, *, appended_at: datetime, right: int = 2) -> Received[Submission]:
    """The hand-in of an attempt, as it comes from the log."""
    saved = sheet(parts, of, right=right, saved_at=of.started_at)
    sent = handed_in(saved, parts.catalogue.find(parts.quiz_id).schedule)
    event = QuizSubmitted.model_validate(sent, from_attributes=True)
    told = enclose(event, source="kepu/quiz", cause=f"{of.attempt_id}/saved", now=appended_at)
    assert told.context.id == hand_in_id(of.attempt_id)
    return received(told, sent, appended_at)


async def test_what_was_saved_is_handed_in_once_at_the_deadline_and_the_rest_is_left_alone(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        silent, submitted, nothing = (over(parts, who) for who in ("silent", "submitted", "nothing"))
        under_way = attempt(parts.quiz_id, parts.quiz, "under-way", started_at=minutes_ago(10))
        await parts.stores.attempts.add([silent, submitted, nothing, under_way])
        await save(parts, silent, submitted, under_way, right=2)
        in_time = parts.submission("submitted", right=5, submitted_at=minutes_ago(4), seconds=18 * 60)
        assert in_time.attempt_id == submitted.attempt_id
        await parts.grading.grade_submissions(batch(in_time, appended_at=minutes_ago(4)))

        hand_in = parts.grading.hand_in
        for _ in range(3):
            await hand_in.hand_in_due(clock.now())
        [one] = await in_the_log(kafka, parts.quiz_id)
        deadline_at = silent.deadline_at - timedelta(seconds=parts.quiz.grace_seconds)
        assert (one.event.attempt_id, one.event.automatic) == (silent.attempt_id, True)
        assert abs(one.event.submitted_at - deadline_at) < timedelta(milliseconds=1)
        [(_, event)] = await grade(parts, kafka)
        assert (event.participant_id, event.points, event.automatic) == ("silent", 2, True)
        assert event.time_used_seconds == parts.quiz.duration_seconds
        assert [again for _, again in await grade(parts, kafka)] == [event], "a repeat says the same"

        async def settled() -> bool:
            await hand_in.hand_in_due(clock.now())
            due = await parts.stores.saved.due([parts.quiz_id], clock.now() + timedelta(hours=1))
            return [one.sheet.participant_id for one in due] == ["under-way"]

        await eventually(settled)
        database = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):

            async def result(of: Attempt) -> dict[str, Any]:
                path = f"/attempts/{of.attempt_id}/result"
                found: dict[str, Any] = (
                    await client.get(path, headers=as_resident(of.participant_id))
                ).json()
                return found

            told = await result(silent)
            assert (told["status"], told["points"], told["automatic"]) == ("graded", 2, True)
            assert told["receipt_id"] == hand_in_id(silent.attempt_id)
            told = await result(submitted)
            assert (told["points"], told["automatic"]) == (5, False)
            told = await result(nothing)
            assert (told["status"], told["automatic"], told["receipt_id"]) == ("pending", None, None)


async def test_a_sheet_of_a_version_that_is_gone_keeps_nobody_from_being_handed_in(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        honest, lost = over(parts, "honest"), over(parts, "lost")
        await parts.stores.attempts.add([honest])
        await save(parts, honest)
        of_before = msgspec.structs.replace(sheet(parts, lost, saved_at=lost.started_at), quiz_version=9)
        await parts.stores.saved.keep([of_before], [minutes_ago(1)])
        await parts.grading.hand_in.hand_in_due(clock.now())
        assert [one.event.participant_id for one in await in_the_log(kafka, parts.quiz_id)] == ["honest"]
        await grade(parts, kafka)
        await eventually(lambda: parts.grading.hand_in.hand_in_due(clock.now()))
        assert not await parts.stores.saved.is_any_open(parts.quiz_id)


async def test_a_submission_in_time_counts_whenever_the_hand_in_was_written(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        mine = over(parts, "wang")
        last = mine.deadline_at + timedelta(seconds=LOG_DELAY_SECONDS_MAX)
        in_time = parts.submission("wang", right=5, submitted_at=mine.started_at + timedelta(minutes=1))
        assert in_time.attempt_id == mine.attempt_id
        # The worker's clock is ahead of the broker's: the submission comes after the hand-in.
        early = Batch([automatic(parts, mine, appended_at=last)])
        await parts.grading.grade_submissions(early)
        assert [dead.why.code for dead in early.rejected] == ["times_impossible"]
        assert await results(parts, mine) == {}
        both = Batch([*batch(in_time, appended_at=last), automatic(parts, mine, appended_at=minutes_ago(0))])
        await parts.grading.grade_submissions(both)
        assert both.rejected == []
        found = (await results(parts, mine))[mine.attempt_id]
        assert (found.half_points, found.automatic) == (10, False)


async def test_a_submission_after_its_time_does_not_replace_what_was_handed_in(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        mine = over(parts, "wang")
        late = batch(parts.submission("wang", right=5, submitted_at=minutes_ago(0), seconds=22 * 60))
        assert late.events[0].event.attempt_id == mine.attempt_id
        await parts.stores.attempts.add([mine])
        await save(parts, mine, right=2)
        await parts.grading.grade_submissions(late)
        assert [dead.why.code for dead in late.rejected] == ["attempt_late"]
        await parts.grading.hand_in.hand_in_due(clock.now())
        [(_, event)] = await grade(parts, kafka)
        assert (event.points, event.automatic) == (2, True)


async def test_a_hand_in_without_a_result_is_repeated_with_the_same_id_and_not_for_ever(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        mine = over(parts, "wang")
        await save(parts, mine)
        now = clock.now()
        for n in range(HANDED_MAX + 3):
            await parts.grading.hand_in.hand_in_due(now + n * HANDED_AGAIN)
            await parts.grading.hand_in.hand_in_due(now + n * HANDED_AGAIN + HANDED_AGAIN / 2)
        log = await in_the_log(kafka, parts.quiz_id)
        assert [one.context.id for one in log] == [hand_in_id(mine.attempt_id)] * HANDED_MAX
        assert not await parts.stores.saved.is_any_open(parts.quiz_id)


async def test_nothing_is_handed_in_for_the_erased_and_a_stranger_waits_for_the_profile(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        gone, stranger = over(parts, "gone"), over(parts, "stranger")
        await save(parts, gone, stranger, right=3, district=None)
        await parts.grading.keep_participants(people(erased("gone")))
        await parts.grading.erased.refresh()
        await parts.grading.hand_in.hand_in_due(clock.now())
        assert await grade(parts, kafka) == []
        assert not (await results(parts, gone, stranger))

        async def settled() -> bool:
            await parts.grading.hand_in.hand_in_due(clock.now())
            return not await parts.stores.saved.is_any_open(parts.quiz_id)

        await eventually(settled)
        await parts.grading.keep_participants(people(joined("stranger")))
        assert [one.automatic for one in (await results(parts, gone, stranger)).values()] == [True]
        [(_, event)] = await parts.completed(kafka)
        assert (event.participant_id, event.points, event.automatic) == ("stranger", 3, True)


async def test_after_an_early_close_what_was_saved_is_handed_in_at_its_time(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, grace_seconds=0) as parts:
        mine = attempt(parts.quiz_id, parts.quiz, "wang", started_at=minutes_ago(10))
        await save(parts, mine)
        await parts.grading.hand_in.hand_in_due(clock.now())
        assert await in_the_log(kafka, parts.quiz_id) == []
        closed_at = minutes_ago(1)
        await parts.stores.quizzes.begin_closing(parts.quiz_id, closed_at, closed_at)
        await parts.catalogue.refresh()
        await parts.grading.hand_in.hand_in_due(clock.now())
        [(_, event)] = await grade(parts, kafka)
        assert (event.automatic, event.time_used_seconds) == (True, 9 * 60)


class EndedError(BaseException):
    """The process ends here. A loop that goes on after any exception must not go on after this one."""


class Mortal(Life):
    """Dies also under those who go on after an exception."""

    async def around(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await super().around(work)
        except DiedError as end:
            raise EndedError from end


class MortalSaved(SavedStore):
    life: Life

    async def note_handed_in(self, attempt_ids: Sequence[str], now: datetime) -> None:
        await self.life.around(super().note_handed_in(attempt_ids, now))

    async def settle(self, attempt_ids: Sequence[str]) -> None:
        await self.life.around(super().settle(attempt_ids))

    async def look_again(self, attempt_ids: Sequence[str], now: datetime) -> None:
        await self.life.around(super().look_again(attempt_ids, now))


def mortal(parts: Parts, kafka: str, life: Life) -> tuple[HandIn, MortalPublisher]:
    saved, publisher = MortalSaved(parts.stores.database), MortalPublisher(kafka, "tests")
    saved.life = publisher.life = life
    stores = parts.stores
    looking = Looking(saved, stores.attempts, stores.results, stores.waiting)
    hand_in = HandIn(
        looking, stores.quizzes, parts.catalogue, parts.grading.erased, publisher, KeptSaves(kafka)
    )
    return hand_in, publisher


async def test_a_death_between_any_two_steps_of_a_hand_in_leaves_one_result(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        died, begun = 0, []
        for dies_at in range(1, POINTS_MAX):
            mine = over(parts, f"p{dies_at}")
            begun.append(mine)
            await save(parts, mine)
            hand_in, publisher = mortal(parts, kafka, Mortal(dies_at))
            try:
                for _ in range(2):
                    await hand_in.hand_in_due(clock.now())
            except EndedError:
                died += 1
                # Another worker goes on, and a third one at the same moment.
                await parts.grading.hand_in.hand_in_due(clock.now() + timedelta(seconds=2))
                await parts.grading.hand_in.hand_in_due(clock.now() + timedelta(seconds=2))
            else:
                break
            finally:
                await publisher.stop()
        assert died >= 4
        log = await in_the_log(kafka, parts.quiz_id)
        assert {one.context.id for one in log} == {hand_in_id(one.attempt_id) for one in begun}
        await parts.publisher.publish(await parts.grading.grade_submissions(Batch(log)))
        assert (await results(parts, *begun)).keys() == {one.attempt_id for one in begun}
        told = await parts.completed(kafka)
        assert len({event.model_dump_json() for _, event in told}) == len(begun)


async def test_workers_that_are_killed_hand_everything_in_once(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        begun = [over(parts, f"p{n}") for n in range(700)]
        await save(parts, *begun, right=3)
        submitted = begun[::7]
        in_time = [
            parts.submission(one.participant_id, submitted_at=one.started_at + timedelta(minutes=1))
            for one in submitted
        ]
        await parts.grading.grade_submissions(batch(*in_time, appended_at=minutes_ago(3)))
        silent = {one.attempt_id for one in begun} - {one.attempt_id for one in submitted}
        database = parts.stores.database.name

        async def told() -> set[str]:
            return {event.result_id for _, event in await parts.completed(kafka)}

        async def some() -> bool:
            return bool(await in_the_log(kafka, parts.quiz_id))

        async with workers() as started:
            started.append(await start(kafka, mongo, database, "w1"))
            await eventually(some, seconds=30)
            await started[0].kill()
            started += [await start(kafka, mongo, database, name) for name in ("w1", "w2")]

            async def all_told() -> bool:
                return await told() >= silent

            await eventually(all_told, seconds=60)

            async def settled() -> bool:
                return not await parts.stores.saved.is_any_open(parts.quiz_id)

            await eventually(settled, seconds=30)
        found = await results(parts, *begun)
        assert {id_ for id_, one in found.items() if one.automatic} == silent
        assert {one.half_points for id_, one in found.items() if id_ in silent} == {6}
        assert found.keys() == {one.attempt_id for one in begun}
        said: dict[str, set[tuple[str, str]]] = {}
        for id_, event in await parts.completed(kafka):
            said.setdefault(event.result_id, set()).add((id_, event.model_dump_json()))
        assert {len(ways) for ways in said.values()} == {1}, "a repeat says the same"


async def test_a_quiz_closes_after_everything_that_was_saved_is_handed_in_and_graded(
    kafka: str, mongo: str
) -> None:
    closes_at = minutes_ago(1)
    async with new_parts(kafka, mongo, closes_at=closes_at, grace_seconds=0) as parts:
        mine = attempt(parts.quiz_id, parts.quiz, "wang", started_at=minutes_ago(10))
        await save(parts, mine, right=4)
        closer = parts.closer(kafka)

        async def is_closed() -> bool:
            record = await parts.stores.quizzes.read(parts.quiz_id)
            return record is not None and record.status == "closed"

        async with consuming(kafka, subscriptions_of(parts.grading), parts.publisher):
            for _ in range(3):
                await closer.close_due(clock.now())
            assert not await is_closed(), "the sheet is not handed in"

            async def closed() -> bool:
                await parts.grading.hand_in.hand_in_due(clock.now())
                await closer.close_due(clock.now())
                return await is_closed()

            await eventually(closed, seconds=30)
        assert await parts.stores.standings.count(parts.quiz_id) == 1
        assert (await results(parts, mine))[mine.attempt_id].half_points == 8


async def test_a_quiz_does_not_close_before_the_saves_in_the_log_are_kept(kafka: str, mongo: str) -> None:
    closes_at = minutes_ago(0) - timedelta(seconds=1)
    async with new_parts(kafka, mongo, closes_at=closes_at, grace_seconds=0) as parts:
        mine = attempt(parts.quiz_id, parts.quiz, "wang", started_at=minutes_ago(10))
        (one,) = saves(sheet(parts, mine, saved_at=minutes_ago(2)))
        await parts.publisher.publish([enclose(one.event, source="kepu/quiz", cause="x", now=clock.now())])
        closer = parts.closer(kafka)
        for _ in range(3):
            await closer.close_due(clock.now())
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert record.status != "closed"


async def test_a_worker_that_is_behind_hands_in_what_was_acknowledged_last_and_nothing_older(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        mine = attempt(parts.quiz_id, parts.quiz, "wang", started_at=minutes_ago(10))
        await parts.stores.attempts.add([mine])
        await save(parts, mine, right=0, revision=1)
        # Acknowledged, and in the log; the worker that keeps it was away.
        (newer,) = saves(sheet(parts, mine, right=5, revision=2, saved_at=minutes_ago(1)))
        await parts.publisher.publish([enclose(newer.event, source="kepu/quiz", cause="x", now=clock.now())])
        later = mine.deadline_at + HAND_IN_AFTER + timedelta(seconds=1)
        for n in range(3):
            await parts.grading.hand_in.hand_in_due(later + n * timedelta(seconds=1))
        assert await in_the_log(kafka, parts.quiz_id) == []

        handed: list[Received[Submission]] = []

        async def handed_in_now() -> bool:
            await parts.grading.hand_in.hand_in_due(later + timedelta(seconds=5))
            handed[:] = await in_the_log(kafka, parts.quiz_id)
            return bool(handed)

        async with consuming(kafka, saving_subscriptions(parts.grading.saved), parts.publisher):
            await eventually(handed_in_now, seconds=30)
        assert [one.event.answers for one in handed] == [newer.event.answers]


async def test_saves_that_come_all_the_time_do_not_keep_others_from_being_handed_in(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        mine = over(parts, "wang")
        other = attempt(parts.quiz_id, parts.quiz, "li", started_at=minutes_ago(5))
        await parts.stores.attempts.add([mine, other])
        await save(parts, mine, right=3)
        revisions = count(1)

        async def others_save() -> None:
            (one,) = saves(sheet(parts, other, revision=next(revisions), saved_at=minutes_ago(1)))
            await parts.publisher.publish(
                [enclose(one.event, source="kepu/quiz", cause=f"{one.event.revision}", now=clock.now())]
            )

        async def handed_in_now() -> bool:
            # A save is on its way at each look.
            await others_save()
            await parts.grading.hand_in.hand_in_due(clock.now())
            return bool(await in_the_log(kafka, parts.quiz_id))

        async with consuming(kafka, saving_subscriptions(parts.grading.saved), parts.publisher):
            await eventually(handed_in_now, seconds=30)


async def test_whose_network_dies_at_the_deadline_has_a_result_with_what_was_saved(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, duration_seconds=10, grace_seconds=0) as parts:
        database = parts.stores.database.name
        async with workers() as started:
            started.append(await start(kafka, mongo, database, "w1"))
            async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):
                who = as_resident("wang")
                begun = (await client.post(f"/quizzes/{parts.quiz_id}/attempts", headers=who)).json()
                path = f"/attempts/{begun['attempt_id']}"
                mine = {"Authorization": f"Bearer {begun['attempt_token']}"}
                answers = {one["id"]: "A" for one in begun["questions"][:3]}
                body = {"answers": answers, "revision": 1}
                saved = await client.put(f"{path}/answers", json=body, headers=mine)
                assert saved.status_code == 202

                # Nothing more is heard of this client.
                async def graded() -> bool:
                    found = (await client.get(f"{path}/result", headers=who)).json()
                    return bool(found["status"] == "graded")

                await eventually(graded, seconds=90)
                found = (await client.get(f"{path}/result", headers=who)).json()
                assert (found["points"], found["automatic"]) == (3, True)
                assert found["time_used_seconds"] == 10


def test_of_equal_revisions_the_first_is_the_latest() -> None:
    now = clock.now()

    def one(revision: int, answer: str, who: str = "a") -> Any:
        return Sheet(who, "q", "p", 1, now, now, revision, {"q1": answer})

    found = latest([one(2, "A"), one(1, "B"), one(2, "C"), one(1, "D", "b")])
    assert [(each.attempt_id, each.answers["q1"]) for each in found] == [("a", "A"), ("b", "D")]
    assert timedelta(seconds=LOG_DELAY_SECONDS_MAX) < HAND_IN_AFTER

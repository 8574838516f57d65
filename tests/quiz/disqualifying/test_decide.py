"""Disqualified results count nowhere, whatever is graded at the same moment, and count again afterwards."""

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from services.quiz.attempts.submission import Submission
from services.quiz.results.rules import Result
from services.quiz.results.store import OrdersOf, ResultStore
from services.quiz.standings.writes import Orders
from shared.runtime.errors import Conflict, NotFound, Rejected
from shared.storage.expiry import all_ended_after
from tests.quiz.builders import batch, erased, joined, people
from tests.quiz.disqualifying.builders import Deciding, graded
from tests.quiz.parts import Grading, new_parts
from tests.quiz.regrading.builders import Correcting
from tests.quiz.standings.builders import assert_counted

pytestmark = pytest.mark.stack

MINUTE = timedelta(minutes=1)


def points_of(sent: Sequence[Submission], without: Sequence[str] = ()) -> dict[str, float]:
    """By participant, the best points of attempts that count; A is right."""
    best: dict[str, float] = {}
    for one in sent:
        if one.participant_id not in without and one.attempt_id not in without:
            points = float(sum(answer == "A" for answer in one.answers.values()))
            best[one.participant_id] = max(points, best.get(one.participant_id, 0))
    return best


async def test_a_disqualified_person_has_no_standing_until_reinstated(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        at = Deciding(parts)
        sent = [parts.submission(f"p{n}", right=n % 6, number=k) for n in range(8) for k in (1, 2)]
        await graded(parts, sent)
        state = await at.out("p5")
        assert (state.version, state.whole) == (1, True)
        await at.assert_standings(points_of(sent, ["p5"]))
        # The same again changes nothing, and a later result does not count either.
        assert await at.out("p5") == state
        third = parts.submission("p5", right=5, number=3)
        await graded(parts, [third])
        await at.assert_standings(points_of(sent, ["p5"]))
        await at.back("p5")
        await at.assert_standings(points_of([*sent, third]))
        assert (await at.back("p5")).version == 2
        said = [(one.version, one.disqualified, one.result_ids, one.reason) for one in await at.decided()]
        assert said == [(1, True, (), "two devices"), (2, False, (), "a mistake")]


async def test_single_attempts_do_not_count(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        at = Deciding(parts)
        sent = [parts.submission("wang", right=right, number=k) for k, right in ((1, 5), (2, 3))]
        await graded(parts, sent)
        await at.out("wang", sent[0].attempt_id)
        await at.assert_standings({"wang": 3})
        await at.out("wang", sent[1].attempt_id)
        await at.assert_standings({})
        third = parts.submission("wang", right=2, number=3)
        await graded(parts, [third])
        await at.assert_standings({"wang": 2})
        await at.back("wang", sent[0].attempt_id)
        await at.assert_standings({"wang": 5})
        *_, last = await at.decided()
        assert (last.version, last.disqualified, last.result_ids) == (3, False, (sent[1].attempt_id,))
        with pytest.raises(Rejected) as foreign:
            await at.out("wang", parts.submission("li").attempt_id)
        assert foreign.value.code == "attempts_not_theirs"
        with pytest.raises(NotFound) as unknown:
            await at.out("nobody")
        assert unknown.value.code == "participant_unknown"


async def test_held_back_results_of_the_disqualified_are_never_shown(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=2) as parts:
        at, now = Deciding(parts), datetime.now(UTC).replace(microsecond=0)
        await parts.freeze(now - 5 * MINUTE)
        shown = [parts.submission(who, right=2, submitted_at=now - 10 * MINUTE) for who in ("li", "wang")]
        held = [parts.submission(who, right=4, number=2, submitted_at=now - MINUTE) for who in ("li", "wang")]
        await graded(parts, [*shown, *held])
        await at.out("wang")
        await at.assert_standings({"li": 2})
        assert await at.held() == {"li": 4}
        await at.back("wang")
        await at.assert_standings({"li": 2, "wang": 2})
        assert await at.held() == {"li": 4, "wang": 4}
        await at.out("wang", held[1].attempt_id)
        await parts.stores.quizzes.thaw(parts.quiz_id)
        await parts.upkeep.turn()
        await at.assert_standings({"li": 4, "wang": 2})


class SlowResults(ResultStore):
    """A transaction that has read the quiz waits before it writes standings."""

    has_read: threading.Event
    may_go_on: threading.Event

    async def add(
        self, results: Sequence[Result], orders: OrdersOf, corrected: Mapping[str, int] | None = None
    ) -> dict[str, Result]:
        def slowly(some: Iterable[Result], frozen: Mapping[str, datetime]) -> Orders:
            self.has_read.set()
            self.may_go_on.wait(10)
            return orders(some, frozen)

        return await super().add(results, slowly, corrected or {})


@pytest.mark.parametrize("earlier", [0, 1])
async def test_a_grader_that_does_not_know_the_decision_yet_brings_no_standing_back(
    kafka: str, mongo: str, earlier: int
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        at = Deciding(parts)
        sent = [parts.submission("wang", right=3 + k, number=1 + k) for k in (0, 1)]
        await parts.grading.keep_participants(people(joined("wang")))
        await graded(parts, sent[:earlier])
        slow = SlowResults(at.database)
        slow.has_read, slow.may_go_on = threading.Event(), threading.Event()
        parts.stores.results = slow
        grader = Grading(parts.stores, parts.catalogue, parts.publisher)
        grading = asyncio.create_task(grader.grade_submissions(batch(sent[1])))
        await asyncio.to_thread(slow.has_read.wait, 10)
        await at.out("wang")
        slow.may_go_on.set()
        await grading
        await at.assert_standings({})
        assert await at.settle() == 1
        await at.assert_standings({})


async def test_settling_finds_what_a_grader_stored_at_the_same_moment(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        at = Deciding(parts)
        best = parts.submission("wang", right=5)
        worse = parts.submission("wang", right=3, number=2)
        await graded(parts, [best])
        # The grader stores a worse attempt and writes no standing. The decision does not see this attempt.
        slow = SlowResults(at.database)
        slow.has_read, slow.may_go_on = threading.Event(), threading.Event()
        parts.stores.results = slow
        grader = Grading(parts.stores, parts.catalogue, parts.publisher)
        grading = asyncio.create_task(grader.grade_submissions(batch(worse)))
        await asyncio.to_thread(slow.has_read.wait, 10)
        await at.out("wang", best.attempt_id)
        slow.may_go_on.set()
        await grading
        await at.settle()
        await at.assert_standings({"wang": 3})
        assert (await at.statistics.state(parts.quiz_id)).due


async def test_a_decision_is_settled_only_when_no_earlier_transaction_lives(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at = Deciding(parts, settle=None)
        await graded(parts, [parts.submission("p1", right=1)])
        begun = datetime.now(UTC) + await all_ended_after(at.database)
        await at.out("p1")
        assert await parts.stores.disqualified.due(begun) == []
        assert await parts.stores.disqualified.due(begun + MINUTE) == [f"{parts.quiz_id}/p1"]


async def test_the_close_waits_until_decisions_are_settled(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, now = Deciding(parts), datetime.now(UTC)
        await graded(parts, [parts.submission(f"p{n}", right=n) for n in range(6)])
        await at.out("p5")
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
        await parts.closer(kafka).close_due(now + MINUTE)
        assert await at.closings() == []
        await at.settle()
        await parts.closer(kafka).close_due(now + MINUTE)
        [closing] = await at.closings()
        assert closing.participants == 5
        assert [one.participant_id for one in closing.standings] == ["p4", "p3", "p2", "p1", "p0"]


async def test_under_load_of_graders_and_decisions_standings_are_right_in_the_end(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        at, chance = Deciding(parts), Random(5)  # noqa: S311 (no secret)
        sent = [
            parts.submission(f"p{n}", right=chance.randint(0, 5), number=k)
            for k in (1, 2, 3)
            for n in range(40)
        ]
        await graded(parts, sent[:40])
        graders = [Grading(parts.stores, parts.catalogue, parts.publisher) for _ in range(2)]

        async def grade(grader: Grading, mine: Sequence[Submission]) -> None:
            for begin in range(0, len(mine), 5):
                await grader.grade_submissions(batch(*mine[begin : begin + 5]))

        out = {f"p{n}" for n in range(0, 40, 3)}
        firsts = {one.participant_id: one.attempt_id for one in sent[:40]}

        async def decide() -> None:
            for who in sorted(out):
                await at.out(who)
            for n in range(1, 40, 3):
                await at.out(f"p{n}", firsts[f"p{n}"])
            for who in ("p0", "p9"):
                await at.back(who)

        async with asyncio.TaskGroup() as group:
            group.create_task(decide())
            for nth, grader in enumerate(graders):
                group.create_task(grade(grader, sent[40 + nth :: 2]))
        await at.settle()
        gone = [*(out - {"p0", "p9"}), *(firsts[f"p{n}"] for n in range(1, 40, 3))]
        await at.assert_standings(points_of(sent, gone))


async def test_a_correction_gives_the_disqualified_no_standing(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=2) as parts:
        at, correcting = Deciding(parts), Correcting(parts)
        await correcting.prepare()
        sent = [parts.submission(f"p{n}", right=n % 6, number=k) for n in range(10) for k in (1, 2)]
        await graded(parts, sent)
        await at.out("p4")
        first = next(one for one in sent if one.participant_id == "p5")
        await at.out("p5", first.attempt_id)
        await correcting.correct("q1", None)
        await correcting.regrade()
        points = await correcting.points()
        expected: dict[str, float] = {}
        for one in sent:
            if one.participant_id != "p4" and one.attempt_id != first.attempt_id:
                who = one.participant_id
                expected[who] = max(points[one.attempt_id], expected.get(who, 0))
        await at.assert_standings(expected)


async def test_of_erased_people_nothing_that_was_decided_is_left(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at = Deciding(parts)
        await graded(parts, [parts.submission("wang"), parts.submission("li")])
        await at.out("wang")
        await parts.grading.keep_participants(people(erased("wang")))
        await parts.sweeper().turn()
        assert await at.database["disqualifications"].count_documents({}) == 0
        with pytest.raises(NotFound):
            await at.back("wang")
        await at.assert_standings({"li": 5})


async def test_after_the_close_standings_are_published_again_in_the_next_version(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, now = Deciding(parts), datetime.now(UTC)
        await graded(parts, [parts.submission(f"p{n}", right=n) for n in range(6)])
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
        await parts.closer(kafka).close_due(now + MINUTE)
        await at.out("p5")
        await at.out("p4")
        # Decisions of a few seconds are gathered.
        assert await at.reviser().pending("", 10) == []
        await at.revise()
        await at.revise()
        first, second = await at.closings()
        assert (first.version, first.participants) == (1, 6)
        assert (second.version, second.participants, second.closed_at) == (2, 4, first.closed_at)
        assert [(one.rank, one.participant_id) for one in second.standings] == [
            (1, "p3"), (2, "p2"), (3, "p1"), (4, "p0"),
        ]  # fmt: skip
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert record.final.version == 2
        assert record.final.revised_at is not None
        await at.back("p5")
        await at.revise()
        assert [one.participants for one in await at.closings()] == [6, 4, 5]
        await at.settle()
        await at.revise()
        assert len(await at.closings()) == 3, "settling has changed nothing"


async def test_a_closed_quiz_is_corrected_and_says_its_standings_again(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, shows_scores="at_close") as parts:
        at, correcting, now = Deciding(parts), Correcting(parts), datetime.now(UTC)
        await correcting.prepare()
        sent = [parts.submission(f"p{n}", right=n % 6, seconds=60 + n) for n in range(12)]
        await graded(parts, sent)
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
        await parts.closer(kafka).close_due(now + MINUTE)
        await correcting.correct("q1", "B")
        assert await at.reviser().pending("", 10) == []
        await correcting.regrade()
        await at.revise()
        first, second = await at.closings()
        assert (first.version, second.version) == (1, 2)
        points = await correcting.points()
        assert {one.participant_id: one.points for one in second.standings} == {
            one.participant_id: points[one.attempt_id] for one in sent
        }
        assert {event.version for _, event in await correcting.events()} == {2}, "they were told at the close"
        await assert_counted(at.database, parts.quiz_id)


async def test_nothing_changes_long_after_the_close(kafka: str, mongo: str) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=200)
    times = {"opens_at": long_ago - MINUTE, "closes_at": long_ago}
    async with new_parts(kafka, mongo, **times) as parts:
        await parts.close()
        await parts.catalogue.refresh()
        with pytest.raises(Conflict) as final:
            await Deciding(parts).out("wang")
        assert final.value.code == "quiz_is_final"

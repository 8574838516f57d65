"""A closed quiz is corrected, or somebody in it disqualified, and workers die: the last version is right."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.quiz.attempts.submission import Submission
from services.quiz.quizzes.decided import GATHER
from services.quiz.regrading.question_changes import Change
from services.quiz.standings.store import StandingStore
from tests.quiz.builders import erased, people
from tests.quiz.disqualifying.builders import Deciding, graded
from tests.quiz.parts import Parts, new_parts
from tests.quiz.regrading.builders import Correcting, best_of
from tests.quiz.regrading.test_preview import ranks
from tests.quiz.regrading.test_regrade import DiedError, MortalRegradings
from tests.quiz.standings.builders import assert_counted

pytestmark = pytest.mark.stack

MINUTE = timedelta(minutes=1)


async def closed_quiz(parts: Parts, kafka: str) -> tuple[Correcting, Deciding, list[Submission]]:
    correcting, deciding = Correcting(parts), Deciding(parts)
    await correcting.prepare()
    sent = [parts.submission(f"p{n}", right=n % 6, seconds=60 + n) for n in range(14)]
    await graded(parts, sent)
    now = datetime.now(UTC)
    await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
    await parts.closer(kafka).close_due(now + MINUTE)
    return correcting, deciding, sent


async def assert_last_is_right(at: Deciding, expected: dict[str, float], versions: int) -> None:
    closings = await at.closings()
    assert [one.version for one in closings] == list(range(1, versions + 1))
    said = {one.participant_id: one.points for one in closings[-1].standings}
    assert said == expected == await at.standings()
    await assert_counted(at.database, at.parts.quiz_id)


async def test_a_correction_of_a_closed_quiz_that_dies_between_any_two_steps_is_finished_by_others(
    kafka: str, mongo: str
) -> None:
    for dies_at in range(1, 200, 3):
        async with new_parts(kafka, mongo) as parts:
            correcting, at, sent = await closed_quiz(parts, kafka)
            await correcting.correct("q1", "B")
            mortal = MortalRegradings(at.database)
            mortal.dies_at = dies_at
            try:
                await correcting.regrade(correcting.regrader(regradings=mortal, people_max=3))
            except DiedError:
                # Half of the results are graded again, and nobody says that this is final.
                await at.revise()
                await correcting.regrade()
            else:
                assert dies_at > 6
                return
            await asyncio.gather(*(at.revise() for _ in range(3)))
            await assert_last_is_right(at, best_of(sent, await correcting.points()), 2)


async def test_who_is_erased_after_the_close_is_ranked_by_the_corrected_points_and_told_nothing(
    kafka: str, mongo: str
) -> None:
    # Every paper has every question.
    async with new_parts(kafka, mongo, blueprint={"天文": 6, "健康": 4}) as parts:
        correcting, at = Correcting(parts), Deciding(parts)
        await correcting.prepare()
        sent = [parts.submission(f"p{n}", right=10 - n // 2, seconds=60 + n) for n in range(8)]
        await graded(parts, sent)
        now = datetime.now(UTC)
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
        await parts.closer(kafka).close_due(now + MINUTE)
        await parts.catalogue.refresh()
        await parts.grading.keep_participants(people(erased("p0")))
        await parts.grading.erased.refresh()
        await parts.sweeper().turn()
        points, before = await correcting.points(), await ranks(correcting)
        preview = await correcting.preview("q1", Change(taken_out=True))
        await correcting.correct("q1", Change(taken_out=True))
        await correcting.regrade()
        await at.revise()
        # Without the question, p0 cannot have 10 points of 9.
        last = (await at.closings())[-1]
        first = next(one for one in last.standings if one.participant_id == "p0")
        assert (last.version, last.points_max, first.points, first.rank) == (2, 9, 9, 1)
        left = {one.attempt_id: float(list(one.answers.values()).count("A")) for one in sent}
        for one in sent:
            left[one.attempt_id] -= one.answers["q1"] == "A"
        await assert_last_is_right(at, best_of(sent, left), 2)
        after = await ranks(correcting)
        assert preview.ranks == sum(before[who] != after[who] for who in before)
        assert preview.figures == (await correcting.regradings.of_quiz(parts.quiz_id))[1].figures
        # The result stays as it was told, and nothing is said of it.
        [erased_one] = [one.attempt_id for one in sent if one.participant_id == "p0"]
        assert (await correcting.points())[erased_one] == points[erased_one] == 10
        assert erased_one not in {event.result_id for _, event in await correcting.events()}


class Interrupted(StandingStore):
    """After the standings are read, somebody is disqualified."""

    at: Deciding | None

    async def count(self, quiz_id: str, at_least: int = 0, below: int | None = None) -> int:
        deciding, self.at = self.at, None
        if deciding is not None:
            await deciding.out("p5")
        return await super().count(quiz_id, at_least, below)


async def test_a_decision_while_the_standings_are_read_is_in_the_last_version(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        correcting, at, sent = await closed_quiz(parts, kafka)
        await at.out("p4")
        standings = parts.stores.standings
        parts.stores.standings = interrupted = Interrupted(at.database)
        interrupted.at = at
        await at.revise()
        assert len(await at.closings()) == 1, "what was read is not final any more"
        parts.stores.standings = standings
        await at.revise()
        left = [one for one in sent if one.participant_id not in ("p4", "p5")]
        await assert_last_is_right(at, best_of(left, await correcting.points()), 2)


async def test_a_correction_and_a_decision_of_a_closed_quiz_at_once_end_in_the_right_standings(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        correcting, at, sent = await closed_quiz(parts, kafka)
        await at.out("p3")
        await at.out("p5")
        await correcting.correct("q1", "B")

        async def decide() -> None:
            await at.back("p3")
            await at.out("p4")

        workers = [correcting.regrader(people_max=2) for _ in range(2)]
        await asyncio.gather(decide(), *(correcting.regrade(worker) for worker in workers))
        await at.revise()
        await at.settle()
        await at.revise()
        left = [one for one in sent if one.participant_id not in ("p4", "p5")]
        points = best_of(left, await correcting.points())
        last = (await at.closings())[-1]
        assert {one.participant_id: one.points for one in last.standings} == points
        await at.assert_standings(points)


async def test_decisions_are_gathered_for_some_seconds_and_not_put_off_by_later_ones(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        _, at, _ = await closed_quiz(parts, kafka)
        before = datetime.now(UTC)
        await at.out("p1")
        quizzes = at.database["quizzes"]
        first = (await quizzes.find_one({"_id": parts.quiz_id}) or {})["revise_at"]
        await at.out("p2")
        again = (await quizzes.find_one({"_id": parts.quiz_id}) or {})["revise_at"]
        assert before < first == again <= datetime.now(UTC) + GATHER

"""A quiz is examined in the background: each thing is flagged once, and no address is kept in clear."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.quiz.attempts.rules import Attempt
from services.quiz.attempts.traces import Tracer
from services.quiz.fair_play.examination import Reads
from services.quiz.fair_play.examine import LOOP, Examiner
from services.quiz.fair_play.rules import (
    TRACES_KEPT,
    AlikeFigures,
    CrowdFigures,
    JudgedFlag,
    Judgement,
    Kind,
    TimeFigures,
)
from services.quiz.participants.erased import Erased
from services.quiz.participants.rules import ParticipantId, Profile, ProfileChange
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import Quiz, QuizId
from services.quiz.results.rules import AttemptId, Portion, Result, Sheet
from services.quiz.results.store import ResultStore
from shared.runtime import clock, metrics
from shared.storage.lease import Lease
from shared.storage.unit_of_work import save_together
from tests.quiz.builders import ATTEMPT_KEY
from tests.quiz.fair_play.builders import QUIZ, Crowd, contest
from tests.quiz.parts import FAR, Stores
from tests.support.kafka import fresh_database

pytestmark = pytest.mark.stack

ADDRESS, DEVICE = "203.0.113.7", "a-device-of-a-school-0001"


@dataclass
class Room:
    stores: Stores
    catalogue: Catalogue
    erased: Erased
    quiz: Quiz
    crowd: Crowd
    began: datetime = field(default_factory=clock.now)

    def worker(self, results: ResultStore | None = None, **changes: Any) -> Examiner:
        """A worker that stores its progress after each piece of work, and never rests."""
        stores = self.stores
        reads = Reads(
            results or ResultStore(stores.database, portion_results=20),
            stores.attempts,
            stores.participants,
            self.catalogue,
            self.erased,
        )
        lease = Lease(stores.database, LOOP, owner="tests")
        return Examiner(stores.flags, reads, lease, rests=0, turn_seconds=0, **changes)

    async def store(self, sheets: Sequence[Sheet], quiz_id: str = QUIZ) -> None:
        """Store results as grading does, without standings."""
        results = [
            Result(
                AttemptId(one.attempt_id),
                f"submission of {one.attempt_id}",
                QuizId(quiz_id),
                one.quiz_version,
                ParticipantId(one.participant_id),
                one.group_id,
                None,
                one.half_points,
                one.half_points_max,
                passed=True,
                time_used_seconds=one.seconds,
                submitted_at=self.began,
                answers=one.answers,
            )
            for one in sheets
        ]
        await self.stores.results.add(results, lambda _, __: {})

    async def start(
        self, sheets: Sequence[Sheet], address: str = ADDRESS, device: str | None = None, every: float = 1.0
    ) -> None:
        """Store attempts as starts do, one after the other."""
        trace = Tracer(ATTEMPT_KEY).trace(QUIZ, address, device)
        await self.stores.attempts.add(
            [
                Attempt(
                    AttemptId(one.attempt_id),
                    QuizId(QUIZ),
                    ParticipantId(one.participant_id),
                    1,
                    at := self.began + timedelta(seconds=every * number),
                    at,
                    1,
                    None,
                    *trace,
                )
                for number, one in enumerate(sheets)
            ]
        )

    async def examine(self, worker: Examiner | None = None) -> None:
        await self.stores.flags.ask(QUIZ)
        await turns(worker or self.worker())

    async def flags(self, kind: Kind | None = None) -> list[JudgedFlag]:
        return await self.stores.flags.page(QUIZ, kind, None, None, 1_000)

    async def close(self) -> None:
        await self.stores.quizzes.end_freezes(QUIZ, FAR, datetime.now(UTC))
        await save_together(self.stores.database, lambda unit: self.stores.quizzes.finish_closing(unit, QUIZ))
        await self.catalogue.refresh()


async def turns(worker: Examiner, most: int = 10_000) -> int:
    """Let a worker do all that is due; returns the number of its turns."""
    for done in range(most):
        due = await worker.pending("", 1)
        if not due:
            return done
        await worker.go_on(due[0])
    raise AssertionError("it does not end")


@asynccontextmanager
async def room(mongo: str, of: Quiz | None = None) -> AsyncIterator[Room]:
    async with fresh_database(mongo) as database:
        stores, of = Stores(database), of or contest(questions=60, a_paper=30, papers=4)
        await stores.prepare()
        await publish(stores.quizzes, QUIZ, of, clock.now())
        catalogue, erased_ = Catalogue(stores.quizzes), Erased(stores.participants)
        await catalogue.refresh()
        yield Room(stores, catalogue, erased_, of, Crowd(of, seed=11))


def middling(of: Room, sheets: Sequence[Sheet]) -> Sheet:
    """One with about half of the points."""
    return min(sheets, key=lambda one: abs(one.half_points / one.half_points_max - 0.5))


def named(flag: JudgedFlag) -> set[str]:
    return {one.participant_id for one in flag.flag.who}


async def test_a_planted_pair_is_flagged_and_judged_once_however_often_it_is_examined(mongo: str) -> None:
    async with room(mongo) as of:
        sheets = [of.crowd.sheet() for _ in range(300)]
        source = middling(of, sheets)
        copy = of.crowd.copy(source)
        await of.store([*sheets, copy])
        assert await turns(of.worker()) == 0, "nobody has asked"
        await of.examine()
        [flag] = await of.flags()
        assert named(flag) == {source.participant_id, copy.participant_id}
        figures = flag.flag.figures
        assert isinstance(figures, AlikeFigures)
        assert figures.identical == figures.wrong[0] == figures.wrong[1]
        assert (figures.questions, figures.shares, figures.is_class) == (30, "nothing", False)
        assert figures.chance < figures.chance_max < figures.expected
        await of.stores.flags.judge(QUIZ, flag.flag.flag_id, Judgement("unfair", "", "wang", clock.now()))
        await of.examine()
        [again] = await of.flags()
        assert again.flag == flag.flag
        assert again.flagged_at == flag.flagged_at
        assert again.judgement is not None
        assert again.judgement.verdict == "unfair"


async def test_flags_that_do_not_hold_any_more_go_unless_somebody_has_judged_them(mongo: str) -> None:
    async with room(mongo) as of:
        sheets = [of.crowd.sheet() for _ in range(200)]
        source = middling(of, sheets)
        copies = [of.crowd.copy(source), of.crowd.copy(source)]
        await of.store([*sheets, *copies])
        await of.examine()
        flags = await of.flags()
        assert len(flags) == 3
        judged = flags[0].flag.flag_id
        await of.stores.flags.judge(QUIZ, judged, Judgement("fair", "", "wang", clock.now()))
        ids = [one.attempt_id for one in (source, *copies)]
        await of.stores.database["results"].update_many(
            {"_id": {"$in": ids}}, {"$set": {"answers": "," * 29}}
        )
        await of.examine()
        assert [one.flag.flag_id for one in await of.flags()] == [judged]


async def test_an_attempt_faster_than_plausible_is_flagged_and_nothing_else_happens(mongo: str) -> None:
    least = contest(questions=60, a_paper=30, papers=4).model_copy(update={"least_plausible_seconds": 60})
    async with room(mongo, least) as of:
        slow, fast, all_right = (of.crowd.sheet() for _ in range(3))
        all_right = of.crowd.sheet(lambda one: one.key)._replace(seconds=29)
        right_in_time = of.crowd.sheet(lambda one: one.key)._replace(seconds=60)
        await of.store([slow, fast._replace(seconds=59), all_right, right_in_time])
        await of.examine()
        found = {(flag.flag.kind, *named(flag)) for flag in await of.flags()}
        assert found == {
            ("too_fast", fast.participant_id),
            ("too_fast", all_right.participant_id),
            ("all_right_too_fast", all_right.participant_id),
        }
        [right] = await of.flags("all_right_too_fast")
        assert right.flag.figures == TimeFigures(29, 30, 100)


async def test_many_strangers_at_one_address_are_flagged_and_a_school_is_not(mongo: str) -> None:
    async with room(mongo) as of:
        strangers = [of.crowd.sheet() for _ in range(25)]
        school = [of.crowd.sheet(group_id="school") for _ in range(60)]
        slowly = [of.crowd.sheet() for _ in range(60)]
        await of.store([*strangers, *school, *slowly])
        await of.start(strangers)
        await of.start(school, "2001:db8:1:2::1")
        await of.start(slowly, "198.51.100.9", every=60)
        profile = Profile("school", None)
        await of.stores.participants.save({one.participant_id: ProfileChange(1, profile) for one in school})
        await of.examine()
        [flag] = await of.flags()
        assert flag.flag.kind == "same_address"
        assert named(flag) == {one.participant_id for one in strangers}
        figures = flag.flag.figures
        assert isinstance(figures, CrowdFigures)
        assert (figures.people, figures.unexplained, figures.unexplained_min) == (25, 25, 20)


async def test_many_people_with_one_device_are_flagged(mongo: str) -> None:
    async with room(mongo) as of:
        family, class_ = ([of.crowd.sheet() for _ in range(number)] for number in (3, 5))
        await of.store([*family, *class_])
        await of.start(family, "198.51.100.1", "b" * 20)
        await of.start(class_, "198.51.100.2", DEVICE, every=6_000)
        await of.examine()
        [flag] = await of.flags()
        assert flag.flag.kind == "same_device"
        assert named(flag) == {one.participant_id for one in class_}


async def test_at_one_address_less_is_enough_since_fewer_pairs_are_compared(mongo: str) -> None:
    """Two neighbours with papers of their own copy what they have in common."""
    async with room(mongo, contest(questions=40, a_paper=30, papers=64)) as of:
        sheets = [of.crowd.sheet() for _ in range(300)]
        source = middling(of, sheets)
        copied = dict(
            zip(
                [one.id for one in drawn(of, source)],
                source.answers.split(","),
                strict=True,
            )
        )
        copy = of.crowd.sheet(lambda one: copied.get(one.id) or "A")
        assert copied.keys() != {one.id for one in drawn(of, copy)}
        await of.store([*sheets, copy])
        await of.examine()
        assert await of.flags() == []
        await of.start([sheets[0], source, copy, sheets[1]])
        await of.examine()
        [flag] = await of.flags()
        assert named(flag) == {source.participant_id, copy.participant_id}
        figures = flag.flag.figures
        assert isinstance(figures, AlikeFigures)
        assert figures.shares == "address"
        assert figures.pairs < 10
        assert figures.questions < 30


def drawn(of: Room, sheet: Sheet) -> Any:
    from services.quiz.quizzes.papers import draw, paper_number

    return draw(QUIZ, of.quiz, paper_number(sheet.attempt_id, of.quiz.papers))


async def test_in_parts_the_same_is_found_as_in_one(mongo: str) -> None:
    async with room(mongo, contest(questions=40, a_paper=30, papers=16)) as of:
        sheets = [of.crowd.sheet() for _ in range(200)]
        source = middling(of, sheets)
        copy = of.crowd.copy(source)
        await of.store([*sheets, copy])
        await of.start([*sheets[:40], source, copy])
        await of.examine()
        whole = [(one.flag, one.flagged_at) for one in await of.flags()]
        assert {flag.kind for flag, _ in whole} == {"answers_alike", "same_address"}
        await of.examine(of.worker(sheets_max=30))
        assert [(one.flag, one.flagged_at) for one in await of.flags()] == whole
        found = (await of.stores.flags.state(QUIZ)).found
        assert found is not None
        assert (found.attempts, found.not_compared) == (201, 0)


async def test_nothing_personal_is_stored_and_no_address_in_clear(mongo: str) -> None:
    async with room(mongo) as of:
        sheets = [of.crowd.sheet() for _ in range(30)]
        await of.store(sheets)
        await of.start(sheets, ADDRESS, DEVICE)
        await of.examine()
        assert {one.flag.kind for one in await of.flags()} == {"same_address", "same_device"}
        for name in ("flags", "examinations", "attempts"):
            text = repr(await of.stores.database[name].find().to_list(None))
            assert ADDRESS not in text
            assert DEVICE not in text
        trace = Tracer(ATTEMPT_KEY).trace(QUIZ, ADDRESS, DEVICE)
        flags = repr(await of.stores.database["flags"].find().to_list(None))
        for hash_ in trace:
            assert hash_ is not None
            assert hash_.hex() not in flags
            assert repr(hash_) not in flags


async def test_what_is_flagged_of_the_erased_goes_and_where_they_started(mongo: str) -> None:
    async with room(mongo) as of:
        sheets = [of.crowd.sheet() for _ in range(200)]
        source = middling(of, sheets)
        copy = of.crowd.copy(source)
        # Attempts with ids as starts make them, so that an erasure finds them.
        await of.store([*sheets, copy])
        here = [*sheets[:30], copy]
        await of.start(here)
        await of.examine()
        gone = copy.participant_id
        [pair], [crowd] = await of.flags("answers_alike"), await of.flags("same_address")
        assert gone in named(pair)
        assert gone in named(crowd)
        await of.stores.flags.forget(QUIZ, gone)
        await of.stores.flags.forget(QUIZ, gone)
        [left] = await of.flags()
        assert left.flag.flag_id == crowd.flag.flag_id
        assert named(left) == named(crowd) - {gone}
        await of.stores.database["participants"].insert_one(
            {"_id": gone, "erased": True, "group_id": None, "district": None, "erased_at": clock.now()}
        )
        await of.erased.refresh()
        await of.examine()
        assert all(gone not in named(flag) for flag in await of.flags())


async def test_flags_of_somebody_who_is_erased_meanwhile_are_not_stored(mongo: str) -> None:
    async with room(mongo) as of:
        sheets = [of.crowd.sheet() for _ in range(200)]
        source = middling(of, sheets)
        copy = of.crowd.copy(source)
        await of.store([*sheets, copy])
        await of.stores.flags.ask(QUIZ)
        worker = of.worker()
        assert await worker.pending("", 1) == [QUIZ]
        await worker.go_on(QUIZ)
        assert worker._under_way is not None
        of.erased.ids.add(copy.participant_id)
        await turns(worker)
        assert await of.flags() == []


class DiesOnce(ResultStore):
    asked = 0

    async def sheets(self, quiz_id: str, portion: Portion) -> list[Sheet]:
        self.asked += 1
        if self.asked == 12:
            raise RuntimeError
        return await super().sheets(quiz_id, portion)


async def test_an_examination_whose_worker_died_is_made_by_another_and_flags_nothing_twice(
    mongo: str,
) -> None:
    async with room(mongo) as of:
        sheets = [of.crowd.sheet() for _ in range(200)]
        source = middling(of, sheets)
        copy = of.crowd.copy(source)
        await of.store([*sheets, copy])
        await of.stores.flags.ask(QUIZ)
        dead = of.worker(DiesOnce(of.stores.database, portion_results=20))
        with pytest.raises(RuntimeError):
            await turns(dead)
        await dead._lease.give_up()
        # Stopped, not dead: its lease ends, another one examines, and then it wakes up.
        stopped = of.worker()
        assert await stopped.pending("", 1) == [QUIZ]
        await stopped.go_on(QUIZ)
        await stopped._lease.give_up()
        await turns(of.worker())
        state, flags = await of.stores.flags.state(QUIZ), await of.flags()
        assert len(flags) == 1
        while stopped._under_way is not None:
            await stopped.go_on(QUIZ)
        assert (await of.stores.flags.state(QUIZ), await of.flags()) == (state, flags)


async def test_a_closed_quiz_is_examined_once_more_and_weeks_later_where_attempts_began_is_deleted(
    mongo: str,
) -> None:
    async with room(mongo) as of:
        sheets = [of.crowd.sheet() for _ in range(30)]
        await of.store(sheets)
        await of.start(sheets, ADDRESS, DEVICE)
        await of.examine()
        assert not (await of.stores.flags.state(QUIZ)).final
        await of.close()
        worker = of.worker()
        assert await turns(worker) > 0
        state = await of.stores.flags.state(QUIZ)
        assert (state.final, state.forgotten) == (True, False)
        assert await turns(worker) == 0
        attempts = of.stores.database["attempts"]
        assert await attempts.count_documents({"address_hash": {"$exists": True}}) == 30
        # Its definition closes in an hour: so the time that they are kept is over after that.
        later = of.worker(kept=-(timedelta(hours=1) + timedelta(minutes=1)))
        assert await turns(later) > 0
        assert (await of.stores.flags.state(QUIZ)).forgotten
        traces = {"$or": [{"address_hash": {"$exists": True}}, {"device_hash": {"$exists": True}}]}
        assert await attempts.count_documents(traces) == 0
        assert await attempts.count_documents({}) == 30
        assert len(await of.flags()) == 2
        assert await turns(later) == 0
        assert timedelta(weeks=1) < TRACES_KEPT < timedelta(weeks=26)


async def test_a_closed_quiz_is_examined_again_whenever_its_results_have_changed(mongo: str) -> None:
    async with room(mongo) as of:
        sheets = [of.crowd.sheet() for _ in range(30)]
        quick = of.crowd.sheet(lambda one: one.key)._replace(seconds=3)
        await of.store([*sheets, quick])
        await of.start(sheets, ADDRESS, DEVICE)
        await of.close()
        worker, crowds = of.worker(), {"same_address", "same_device"}
        await turns(worker)
        assert {one.flag.kind for one in await of.flags()} == crowds | {"all_right_too_fast"}
        assert await turns(worker) == 0

        async def revise(half_points: int) -> None:
            quizzes, results = (of.stores.database[name] for name in ("quizzes", "results"))
            await results.update_one({"_id": quick.attempt_id}, {"$set": {"halves": half_points}})
            change = {"$set": {"revised_at": clock.now()}, "$inc": {"closing_version": 1, "revision": 1}}
            await quizzes.update_one({"_id": QUIZ}, change)
            await of.catalogue.refresh()

        # A correction has made one of its answers wrong.
        await revise(2)
        assert await turns(worker) > 0
        assert {one.flag.kind for one in await of.flags()} == crowds
        assert await turns(worker) == 0
        # What was found by where attempts were started stays when that is deleted.
        await of.stores.flags.forgotten(QUIZ)
        traces = {"$unset": {"address_hash": "", "device_hash": ""}}
        await of.stores.database["attempts"].update_many({}, traces)
        await revise(quick.half_points)
        assert await turns(worker) > 0
        assert {one.flag.kind for one in await of.flags()} == crowds | {"all_right_too_fast"}


async def test_open_flags_are_counted_by_kind(mongo: str) -> None:
    async with room(mongo) as of:
        sheets = [of.crowd.sheet(lambda one: one.key)._replace(seconds=3) for _ in range(4)]
        await of.store(sheets)
        await of.examine()
        first, *_ = await of.flags()
        await of.stores.flags.judge(QUIZ, first.flag.flag_id, Judgement("fair", "", "wang", clock.now()))
        await of.worker().pending("", 1)
        shown = {
            kind: metrics.FLAGS_OPEN.labels(kind)._value.get()
            for kind in ("all_right_too_fast", "too_fast", "answers_alike")
        }
        assert shown == {"all_right_too_fast": 3, "too_fast": 0, "answers_alike": 0}

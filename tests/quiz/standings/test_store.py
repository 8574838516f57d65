"""Standings and ranks on the real database: exact whatever is repeated, late, at once or cut off."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random

import pytest

from services.quiz.attempts.store import ATTEMPT_DAYS_KEPT
from services.quiz.grading.store import WAITING_DAYS_KEPT
from services.quiz.quizzes.rules import QUIZ_DAYS_MAX
from services.quiz.results.rules import Result
from services.quiz.standings.ranks import Ranks
from services.quiz.standings.rules import least_better
from services.quiz.standings.store import FOLD_CHANGES_MIN, StandingStore
from services.quiz.standings.tally import EXACT_SECONDS
from services.quiz.standings.upkeep import IDLE_LOOK_SECONDS, Upkeep
from services.quiz.standings.writes import Orders
from shared.storage.mongo import Database, connect
from tests.quiz.parts import Stores, new_parts
from tests.quiz.standings.builders import (
    QUIZ,
    all_of,
    assert_counted,
    assert_ranks,
    database_of,
    graded,
    on_time,
    orders,
    result,
)
from tests.support.kafka import fresh_database

pytestmark = pytest.mark.stack


async def test_ranks_are_those_of_brute_force_whatever_comes_twice_or_late(mongo: str) -> None:
    random = Random(4)  # noqa: S311 (no secret)
    # Few different marks, so that ties abound; some so slow that they share a wide cell.
    seconds = [60, 61, 62, EXACT_SECONDS, EXACT_SECONDS + 1, EXACT_SECONDS + 63, EXACT_SECONDS + 64]
    results = [
        result(n, f"p{random.randrange(120)}", random.choice([60, 80, 100]), random.choice(seconds), n)
        for n in range(300)
    ]
    best = {place.participant_id: order for place, order in orders(results).items()}
    batches = [results[n : n + 20] for n in range(0, 300, 20)]
    again = batches + batches[::3]
    random.shuffle(again)
    async with fresh_database(mongo) as database:
        store = Stores(database)
        await store.prepare()
        for number, some in enumerate(again):
            await store.results.add(some, orders)
            if number % 5 == 0:
                await store.standings.fold(QUIZ, changes_min=1)
        await assert_ranks(database, QUIZ, best)
        top = await store.standings.top(QUIZ, 10)
        assert top == sorted(best.items(), key=lambda one: (-one[1], one[0]))[:10]


async def test_three_graders_at_once_on_the_same_and_on_different_participants(mongo: str) -> None:
    random = Random(5)  # noqa: S311 (no secret)
    results = [
        result(n, f"p{n % 40}", random.randrange(101), random.randrange(60, 70), n) for n in range(360)
    ]
    batches = [results[n : n + 30] for n in range(0, 360, 30)]
    async with fresh_database(mongo) as database:
        await Stores(database).prepare()

        async def grade(mine: Sequence[list[Result]], looks: int = 0) -> None:
            async with connect(mongo, database.name) as own:
                store = Stores(own)
                store.results._batches_to_look = looks
                for some in mine:
                    await store.results.add(some, orders)

        async def fold() -> None:
            for _ in range(10):
                await StandingStore(database).fold(QUIZ, changes_min=1)

        # Different batches with the same participants; then all three the same batches, folded meanwhile.
        await all_of(grade(batches[n:6:3]) for n in range(3))
        await assert_counted(database, QUIZ)
        await all_of([*(grade(batches, looks) for looks in (0, 1, 99)), fold(), fold()])
        assert await database["results"].count_documents({}) == 360
        best = {place.participant_id: order for place, order in orders(results).items()}
        await assert_ranks(database, QUIZ, best)


async def test_repeats_are_found_though_they_are_not_looked_for(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        store = Stores(database)
        await store.prepare()
        results = [result(n, f"p{n}", n, 60) for n in range(60)]
        assert await store.results.add(results[:40], orders) == {}
        for _ in range(3):
            store.results._batches_to_look = 0
            # An attempt that another submission has come of: what counted counts.
            other = [result(n, f"p{n}", 100, 1) for n in range(30)] + results[30:]
            earlier = await store.results.add(other, orders)
            assert [earlier[one.attempt_id] for one in results[:40]] == results[:40]
        best = {place.participant_id: order for place, order in orders(results).items()}
        await assert_ranks(database, QUIZ, best)


class CutOffError(Exception):
    """The process ends here."""


async def test_a_crash_between_any_two_steps_leaves_all_or_nothing(mongo: str) -> None:
    first, second = (
        [result(n, f"p{n}", 80, 60) for n in (1, 2)],
        [result(3, "p1", 90, 60), result(4, "p4", 70, 60)],
    )

    def cut_off(results: Iterable[Result], frozen: Mapping[str, datetime]) -> Orders:
        raise CutOffError

    async with fresh_database(mongo) as database:
        store = Stores(database)
        await store.prepare()
        await store.results.add(first, orders)

        async def everything() -> Mapping[str, object]:
            names = ("results", "standings", "rank_changes", "rank_counts")
            return {name: await database[name].find().sort("_id", 1).to_list(None) for name in names}

        before = await everything()
        # With the results written and no standing yet.
        with pytest.raises(CutOffError):
            await store.results.add(second, cut_off)
        assert await everything() == before
        # With the standings written, one raised and one new, and their change refused by the server.
        refuse = {"validator": {"cells": {"$exists": False}}}
        await database.command({"collMod": "rank_changes", **refuse})
        with pytest.raises(Exception, match=r"failed validation|rank_changes: code 121"):
            await store.results.add(second, orders)
        assert await everything() == before
        # With the changes added up, and the counts refused.
        await database.command({"collMod": "rank_counts", **refuse})
        with pytest.raises(Exception, match="failed validation"):
            await store.standings.fold(QUIZ, changes_min=1)
        assert await everything() == before
        for name in ("rank_changes", "rank_counts"):
            await database.command({"collMod": name, "validator": {}})
        for _ in range(2):
            await store.results.add(second, orders)
        best = {place.participant_id: order for place, order in orders(first + second).items()}
        await assert_ranks(database, QUIZ, best)
        await store.standings.fold(QUIZ, changes_min=1)
        await assert_ranks(database, QUIZ, best)


async def test_counts_are_folded_when_there_are_enough_changes(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        store = Stores(database)
        await store.prepare()
        for n in range(FOLD_CHANGES_MIN):
            assert await store.standings.fold(QUIZ) == 0
            await store.results.add([result(n, f"p{n}", n % 101, n)], orders)
        await all_of(Upkeep(store.standings).turn() for _ in range(3))
        assert await database["rank_changes"].count_documents({}) == 0
        await assert_counted(database, QUIZ)


async def test_few_changes_are_folded_too_but_later(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        store = Stores(database)
        await store.prepare()
        await store.results.add([result(1, "p1", 80, 60)], orders)
        changes = database["rank_changes"]
        await Upkeep(store.standings).turn()
        assert await changes.count_documents({}) == 1
        await Upkeep(store.standings, fold_seconds=0).turn()
        assert await changes.count_documents({}) == 0
        await assert_counted(database, QUIZ)


async def test_the_looks_of_a_worker_without_work_examine_nothing(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await graded(parts, *(on_time(parts, f"p{n}", 5, datetime.now(UTC)) for n in range(100)))
        upkeep = Upkeep(parts.stores.standings, fold_seconds=0)
        closer = parts.closer(kafka, 15)
        await upkeep.turn()

        async def look() -> None:
            assert await upkeep.turn() == IDLE_LOOK_SECONDS
            await closer.turn()
            await parts.sweeper().turn()
            await parts.grading.erased.refresh()
            assert not await parts.stores.waiting.any()

        database = database_of(parts)
        await examined(database, look)
        seen = [one async for one in database["system.profile"].find({"ns": {"$regex": f"^{database.name}"}})]
        mine = [
            one
            for one in seen
            if not one["ns"].endswith((".quizzes", ".system.profile", ".leases", ".outbox"))
        ]
        assert len(mine) >= 4
        assert {(one.get("docsExamined", 0), one.get("hasSortStage", False)) for one in mine} == {(0, False)}


async def test_what_may_be_forgotten_has_a_term(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        await Stores(database).prepare()
        terms = {
            name: index.get("expireAfterSeconds")
            for name in ("attempts", "parked")
            for index in (await database[name].index_information()).values()
            if "expireAfterSeconds" in index
        }
        assert terms == {"attempts": ATTEMPT_DAYS_KEPT * 86_400, "parked": WAITING_DAYS_KEPT * 86_400}
        assert min(ATTEMPT_DAYS_KEPT, WAITING_DAYS_KEPT) > QUIZ_DAYS_MAX


async def test_counting_anew_while_graders_are_at_work_misses_nothing(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        store = Stores(database)
        await store.prepare()
        await store.results.add([result(n, f"p{n}", n % 101, n * 7, n) for n in range(200)], orders)
        await database["rank_changes"].delete_many({})
        await store.standings.recount(QUIZ)
        await assert_counted(database, QUIZ)
        # Counting anew while graders are at work misses nothing and counts nothing twice.
        more = [[result(n, f"p{n}", 50, 60, n)] for n in range(200, 240)]
        await all_of([*(store.results.add(one, orders) for one in more), store.standings.recount(QUIZ)])
        await assert_counted(database, QUIZ)


async def test_several_processes_that_start_at_once_make_the_collections_once(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        await all_of(Stores(database).prepare() for _ in range(8))
        assert {"results", "rank_changes", "rank_counts"} <= {*await database.list_collection_names()}


async def examined(database: Database, work: Callable[[], Awaitable[object]]) -> int:
    """Documents and index keys that the database looks at for this."""
    await database.command("profile", 2)
    await work()
    await database.command("profile", 0)
    seen = database["system.profile"].find({"ns": {"$ne": f"{database.name}.system.profile"}})
    return sum([one.get("docsExamined", 0) + one.get("keysExamined", 0) async for one in seen])


@pytest.mark.parametrize("seconds", [700, EXACT_SECONDS + 10_000])
async def test_a_rank_among_twenty_thousand_looks_at_few_documents(mongo: str, seconds: int) -> None:
    random = Random(6)  # noqa: S311 (no secret)
    async with fresh_database(mongo) as database:
        store = Stores(database)
        await store.prepare()
        for n in range(0, 20_000, 1_000):
            some = [
                result(k, f"p{k}", random.randrange(40, 100), seconds + random.randrange(600), k)
                for k in range(n, n + 1_000)
            ]
            await store.results.add(some, orders)
        own = max(orders([some[0]]).values())
        better = await store.standings.count(QUIZ, least_better(own))

        async def rank() -> None:
            assert await store.standings.order_of(QUIZ, some[0].participant_id) == own
            assert await Ranks(store.standings).rank(QUIZ, own) == better + 1

        # 20 changes, one standing by its id, and those of the own cell where that is a wide one.
        assert 0 < await examined(database, rank) < 100

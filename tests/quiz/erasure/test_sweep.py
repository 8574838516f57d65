"""The erased: nothing is started, taken in, graded, ranked or told for them, and their traces go."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.quiz.attempts.traces import Tracer
from services.quiz.fair_play.rules import CrowdFigures, Flag, Person, TimeFigures
from services.quiz.fair_play.store import Found
from services.quiz.participants.rules import Profile
from services.quiz.results.rules import AttemptId
from services.quiz.results.store import ResultStore
from services.quiz.standings.ranks import Ranks
from shared.runtime import metrics
from shared.storage.mongo import Database
from tests.quiz.builders import (
    ATTEMPT_KEY,
    as_resident,
    attempt,
    batch,
    erased,
    joined,
    people,
    service,
    token,
)
from tests.quiz.parts import Grading, Parts, Stores, new_parts, results_in, sweeper
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def graded(parts: Parts, *who: str, **changes: Any) -> list[str]:
    one = batch(*(parts.submission(name, **changes) for name in who))
    events = results_in(await parts.grading.grade_submissions(one))
    assert one.rejected == []
    return [event.participant_id for _, event in events]


async def erase(parts: Parts, *who: str, version: int = 2) -> None:
    await parts.grading.keep_participants(people(*(erased(name, version) for name in who)))


async def due(parts: Parts) -> int:
    return len(await parts.stores.participants.to_sweep(datetime.now(UTC) + timedelta(days=1)))


async def profile(parts: Parts, who: str) -> Profile | None:
    return (await parts.stores.participants.profiles([who])).get(who)


async def personal(database: Database, who: str) -> list[str]:
    """Where group or district of somebody stand."""
    found = []
    for name in await database.list_collection_names():
        if name.startswith("system."):
            continue
        async for one in database[name].find({"$or": [{"_id": who}, {"participant_id": who}]}):
            found += [f"{name}.{field}" for field in ("group_id", "district", "value") if one.get(field)]
    return sorted(found)


def count(outcome: str) -> float:
    graded = metrics.SUBMISSIONS_GRADED
    return sum(float(graded.labels(*one)._value.get()) for one in graded.begun() if one[1] == outcome)


async def test_profiles_are_changed_by_higher_versions_only_in_whatever_order(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        keep = parts.grading.keep_participants
        await keep(people(joined("li", "school-3", version=3)))
        # A zombie, a replay or a clock that is behind brings old ones, at once and one by one.
        await keep(people(joined("li", "school-1", version=1), joined("li", "school-2", version=2)))
        await keep(people(joined("li", "school-1", version=1)))
        assert await profile(parts, "li") == Profile("school-3", "范县", audience="youth")
        await keep(people(joined("li", "school-5", "$范县", version=5), joined("li", "school-4", version=4)))
        assert await profile(parts, "li") == Profile("school-5", "$范县", audience="youth")


@pytest.mark.parametrize("order", ["joined first", "erased first", "at once", "erased at once first"])
async def test_nothing_brings_the_profile_of_the_erased_back(kafka: str, mongo: str, order: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        keep, come, gone = parts.grading.keep_participants, joined("li", version=1), erased("li", 2)
        if order == "joined first":
            await keep(people(come))
            await keep(people(gone))
        elif order == "erased first":
            await keep(people(gone))
            await keep(people(come))
        else:
            await keep(people(*((come, gone) if order == "at once" else (gone, come))))
        await keep(people(joined("li", version=9)))
        assert await profile(parts, "li") == Profile(None, None, True)


async def test_submissions_of_the_erased_are_dropped_in_the_open(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        # One waits already, and one is known by its profile alone.
        assert await graded(parts, "waits", district=None) == []
        await parts.grading.keep_participants(people(joined("known"), joined("late")))
        before = count("erased")
        await erase(parts, "waits", "known", "sent")
        # Of a grader that has not heard of it yet, the one that has a profile is dropped all the same.
        assert await graded(parts, "known", district=None) == []
        await parts.grading.erased.refresh()
        assert await graded(parts, "sent", "known", "late") == ["late"]
        assert count("erased") == before + 4
        assert await parts.stores.waiting.of_quiz(parts.quiz_id) == []
        assert await parts.completed(kafka) == []
        assert await parts.stores.standings.count(parts.quiz_id) == 1


async def test_traces_go_from_results_standings_counts_and_what_is_held(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=2) as parts:
        await graded(parts, "wang", "li", right=5)
        now = datetime.now(UTC)
        await parts.freeze(now - timedelta(minutes=1))
        await graded(parts, "wang", "mei", number=2, right=4, submitted_at=now)
        await erase(parts, "wang", "mei")
        sweep = parts.sweeper(0)
        await sweep.turn()
        database = parts.stores.database
        assert await personal(database, "wang") == await personal(database, "mei") == []
        assert await personal(database, "li") == ["results.district"]
        assert [who for who, _ in await parts.stores.standings.top(parts.quiz_id, 10)] == ["li"]
        assert await database["held"].count_documents({}) == 0
        assert await Ranks(parts.stores.standings).participants(parts.quiz_id) == 1
        assert await database["results"].count_documents({}) == 4, "pseudonymous ids and points stay"
        assert await due(parts) == 0


async def test_results_are_looked_for_in_slices(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        await graded(parts, "wang")
        await graded(parts, "wang", number=3)
        await erase(parts, "wang")
        looked_for: list[int] = []

        class Watched(ResultStore):
            async def forget_profiles(self, attempt_ids: Sequence[AttemptId]) -> None:
                looked_for.append(len(attempt_ids))
                await super().forget_profiles(attempt_ids)

        stores = Stores(parts.stores.database)
        stores.results = Watched(stores.database)
        await sweeper(stores, parts.catalogue, ids_at_once=2).turn()
        assert await personal(parts.stores.database, "wang") == []
        assert max(looked_for) == 2
        assert sum(looked_for) >= 3


async def test_what_a_grader_stores_that_hears_of_it_late_is_swept_again(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        # Another process, whose look at the erased is a moment old.
        late = Grading(parts.stores, parts.catalogue, parts.publisher)
        await late.erased.refresh()
        await erase(parts, "wang")
        sweep = parts.sweeper(0.5)
        await sweep.turn()
        following = await late.grade_submissions(batch(parts.submission("wang")))
        assert len(results_in(following)) == 1
        assert await personal(parts.stores.database, "wang") == ["results.district"]

        async def swept() -> bool:
            await sweep.turn()
            return not await personal(parts.stores.database, "wang")

        await eventually(swept)
        assert await parts.stores.standings.count(parts.quiz_id) == 0
        assert await due(parts) == 0
        await erase(parts, "wang")
        assert await due(parts) == 0, "told again, nothing is due again"


async def test_final_standings_keep_the_pseudonymous_id(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await graded(parts, "wang")
        await parts.close()
        await parts.catalogue.refresh()
        await erase(parts, "wang")
        await parts.sweeper(120).turn()
        assert [who for who, _ in await parts.stores.standings.top(parts.quiz_id, 10)] == ["wang"]
        assert await personal(parts.stores.database, "wang") == []


async def test_the_erased_neither_start_nor_submit_nor_look(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        database = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):
            mine, who = attempt(parts.quiz_id, parts.quiz, "wang"), as_resident("wang")
            await erase(parts, "wang")

            async def refused(method: str, path: str, headers: dict[str, str], **body: Any) -> bool:
                answer = await client.request(method, path, headers=headers, **body)
                return (answer.status_code, answer.json().get("code")) == (401, "participant_erased")

            start = f"/quizzes/{parts.quiz_id}/attempts"
            await eventually(lambda: refused("POST", start, who))
            path = f"/attempts/{mine.attempt_id}"
            assert await refused("POST", f"{path}/submission", token(mine), json={"answers": {}})
            assert await refused("GET", f"{path}/result", who)
            assert await refused("GET", f"{path}/review", who)
            assert await refused("GET", f"/quizzes/{parts.quiz_id}/standings/me", who)
            assert not await refused("POST", start, as_resident("li"))


async def test_one_erasure_that_cannot_be_swept_keeps_no_other_waiting(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await graded(parts, "an", "bo")
        await erase(parts, "an", "bo")
        # A standing that nobody can read.
        await parts.stores.database["standings"].update_one(
            {"_id": f"{parts.quiz_id}/an"}, {"$set": {"order": "x"}}
        )
        await parts.sweeper(0).turn()
        assert await personal(parts.stores.database, "bo") == []
        assert await due(parts) == 1, "put off, not forgotten"


async def test_where_the_erased_started_and_what_was_flagged_of_them_goes(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        trace = Tracer(ATTEMPT_KEY).trace(parts.quiz_id, "203.0.113.7", "a-device-0000001")
        begun = [
            replace(
                attempt(parts.quiz_id, parts.quiz, who),
                address_hash=trace.address_hash,
                device_hash=trace.device_hash,
            )
            for who in ("wang", "li")
        ]
        await parts.stores.attempts.add(begun)
        flags = parts.stores.flags
        people_ = tuple(Person(one.participant_id, one.attempt_id) for one in begun)
        time, now = TimeFigures(3, 60, 100), datetime.now(UTC)
        crowd = CrowdFigures(25, 25, 20, now, now)
        await flags.begin(parts.quiz_id, "examination", now)
        await flags.finish(
            parts.quiz_id,
            "examination",
            [
                Flag("1", parts.quiz_id, "too_fast", 57.0, people_[:1], time),
                Flag("2", parts.quiz_id, "too_fast", 57.0, people_[1:], time),
                Flag("3", parts.quiz_id, "same_address", 25.0, people_, crowd),
            ],
            Found(attempts=2),
            now,
            final=False,
        )
        await erase(parts, "wang")
        await parts.sweeper(0).turn()
        left = await flags.page(parts.quiz_id, None, None, None, 10)
        named = {one.flag.flag_id: [who.participant_id for who in one.flag.who] for one in left}
        assert named == {"2": ["li"], "3": ["li"]}
        stored = {one["participant_id"]: one async for one in parts.stores.database["attempts"].find()}
        assert "address_hash" not in stored["wang"]
        assert "device_hash" not in stored["wang"]
        assert stored["li"]["address_hash"] == trace.address_hash

"""The erased: nothing is started, taken in, graded, ranked or told for them, and their traces go."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.quiz.participants.rules import Profile
from services.quiz.standings.ranks import Ranks
from shared.runtime import metrics
from shared.storage.mongo import Database
from tests.quiz.builders import as_resident, attempt, batch, erased, joined, people, service, token
from tests.quiz.workshop import Grading, Workshop, results_in, workshop
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def graded(shop: Workshop, *who: str, **changes: Any) -> list[str]:
    one = batch(*(shop.submission(name, **changes) for name in who))
    events = results_in(await shop.grading.grade_submissions(one))
    assert one.rejected == []
    return [event.participant_id for _, event in events]


async def erase(shop: Workshop, *who: str, version: int = 2) -> None:
    await shop.grading.keep_participants(people(*(erased(name, version) for name in who)))


async def due(shop: Workshop) -> int:
    return len(await shop.stores.participants.to_sweep(datetime.now(UTC) + timedelta(days=1)))


async def profile(shop: Workshop, who: str) -> Profile | None:
    return (await shop.stores.participants.profiles([who])).get(who)


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
    value = metrics.SUBMISSIONS_GRADED.labels(outcome)._value.get()
    assert isinstance(value, float)
    return value


async def test_profiles_are_changed_by_higher_versions_only_in_whatever_order(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        keep = shop.grading.keep_participants
        await keep(people(joined("li", "school-3", version=3)))
        # A zombie, a replay or a clock that is behind brings old ones, at once and one by one.
        await keep(people(joined("li", "school-1", version=1), joined("li", "school-2", version=2)))
        await keep(people(joined("li", "school-1", version=1)))
        assert await profile(shop, "li") == Profile("school-3", "范县")
        await keep(people(joined("li", "school-5", "$范县", version=5), joined("li", "school-4", version=4)))
        assert await profile(shop, "li") == Profile("school-5", "$范县")


@pytest.mark.parametrize("order", ["joined first", "erased first", "at once", "erased at once first"])
async def test_nothing_brings_the_profile_of_the_erased_back(kafka: str, mongo: str, order: str) -> None:
    async with workshop(kafka, mongo) as shop:
        keep, come, gone = shop.grading.keep_participants, joined("li", version=1), erased("li", 2)
        if order == "joined first":
            await keep(people(come))
            await keep(people(gone))
        elif order == "erased first":
            await keep(people(gone))
            await keep(people(come))
        else:
            await keep(people(*((come, gone) if order == "at once" else (gone, come))))
        await keep(people(joined("li", version=9)))
        assert await profile(shop, "li") == Profile(None, None, True)


async def test_submissions_of_the_erased_are_dropped_in_the_open(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        # One waits already, and one is known by its profile alone.
        assert await graded(shop, "waits", district=None) == []
        await shop.grading.keep_participants(people(joined("known"), joined("late")))
        before = count("erased")
        await erase(shop, "waits", "known", "sent")
        # Of a grader that has not heard of it yet, the one that has a profile is dropped all the same.
        assert await graded(shop, "known", district=None) == []
        await shop.grading.erased.refresh()
        assert await graded(shop, "sent", "known", "late") == ["late"]
        assert count("erased") == before + 4
        assert await shop.stores.waiting.of_quiz(shop.quiz_id) == []
        assert await shop.completed(kafka) == []
        assert await shop.stores.standings.count(shop.quiz_id) == 1


async def test_traces_go_from_results_standings_counts_and_what_is_held(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo, attempts_per_day=2) as shop:
        await graded(shop, "wang", "li", right=5)
        now = datetime.now(UTC)
        await shop.freeze(now - timedelta(minutes=1))
        await graded(shop, "wang", "mei", number=2, right=4, submitted_at=now)
        await erase(shop, "wang", "mei")
        sweep = shop.sweeper(0)
        await sweep.turn()
        database = shop.stores.database
        assert await personal(database, "wang") == await personal(database, "mei") == []
        assert await personal(database, "li") == ["results.district"]
        assert [who for who, _ in await shop.stores.standings.top(shop.quiz_id, 10)] == ["li"]
        assert await database["held"].count_documents({}) == 0
        assert await Ranks(shop.stores.standings).participants(shop.quiz_id) == 1
        assert await database["results"].count_documents({}) == 4, "pseudonymous ids and points stay"
        assert await due(shop) == 0


async def test_what_a_grader_stores_that_hears_of_it_late_is_swept_again(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        # Another process, whose look at the erased is a moment old.
        late = Grading(shop.stores, shop.catalogue, shop.publisher)
        await late.erased.refresh()
        await erase(shop, "wang")
        sweep = shop.sweeper(0.5)
        await sweep.turn()
        following = await late.grade_submissions(batch(shop.submission("wang")))
        assert len(results_in(following)) == 1
        assert await personal(shop.stores.database, "wang") == ["results.district"]

        async def swept() -> bool:
            await sweep.turn()
            return not await personal(shop.stores.database, "wang")

        await eventually(swept)
        assert await shop.stores.standings.count(shop.quiz_id) == 0
        assert await due(shop) == 0
        await erase(shop, "wang")
        assert await due(shop) == 0, "told again, nothing is due again"


async def test_final_standings_keep_the_pseudonymous_id(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        await graded(shop, "wang")
        await shop.close()
        await shop.catalogue.refresh()
        await erase(shop, "wang")
        await shop.sweeper(120).turn()
        assert [who for who, _ in await shop.stores.standings.top(shop.quiz_id, 10)] == ["wang"]
        assert await personal(shop.stores.database, "wang") == []


async def test_the_erased_neither_start_nor_submit_nor_look(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        database = shop.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):
            mine, who = attempt(shop.quiz_id, shop.quiz, "wang"), as_resident("wang")
            await erase(shop, "wang")

            async def refused(method: str, path: str, headers: dict[str, str], **body: Any) -> bool:
                answer = await client.request(method, path, headers=headers, **body)
                return (answer.status_code, answer.json().get("code")) == (401, "participant_erased")

            start = f"/quizzes/{shop.quiz_id}/attempts"
            await eventually(lambda: refused("POST", start, who))
            path = f"/attempts/{mine.attempt_id}"
            assert await refused("POST", f"{path}/submission", token(mine), json={"answers": {}})
            assert await refused("GET", f"{path}/result", who)
            assert await refused("GET", f"{path}/review", who)
            assert await refused("GET", f"/quizzes/{shop.quiz_id}/standings/me", who)
            assert not await refused("POST", start, as_resident("li"))


async def test_one_erasure_that_cannot_be_swept_keeps_no_other_waiting(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        await graded(shop, "an", "bo")
        await erase(shop, "an", "bo")
        # A standing that nobody can read.
        await shop.stores.database["standings"].update_one(
            {"_id": f"{shop.quiz_id}/an"}, {"$set": {"order": "x"}}
        )
        await shop.sweeper(0).turn()
        assert await personal(shop.stores.database, "bo") == []
        assert await due(shop) == 1, "put off, not forgotten"

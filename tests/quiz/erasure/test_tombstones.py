"""An erased participant is remembered until no older record about them can come, in memory too."""

from datetime import timedelta

import pytest

from services.quiz.participants.erased import Erased
from services.quiz.participants.store import ERASED_AT_ONCE, ParticipantStore
from shared.contracts.topics import TOMBSTONES_KEPT
from shared.runtime import clock
from shared.runtime.errors import NotAuthenticated
from shared.storage.mongo import ASCENDING, Database
from tests.quiz.builders import erased, joined, people
from tests.quiz.parts import new_parts
from tests.support.kafka import fresh_database
from tests.support.steps import largest_step

pytestmark = pytest.mark.stack


async def expiry(database: Database) -> list[float | None]:
    indexes = await database["participants"].index_information()
    return [one.get("expireAfterSeconds") for one in indexes.values() if one["key"] == [("erased_at", 1)]]


async def test_mongodb_deletes_tombstones_also_of_an_earlier_release(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        # As the release before made it.
        await database["participants"].create_index(
            [("erased_at", ASCENDING)], partialFilterExpression={"erased": True}
        )
        store = ParticipantStore(database)
        await store.prepare()
        await store.prepare()
        assert await expiry(database) == [TOMBSTONES_KEPT.total_seconds()]


async def test_a_process_forgets_the_erased_when_the_database_does(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        participants = parts.stores.participants
        await parts.grading.keep_participants(people(joined("stays"), erased("early"), erased("late")))
        now = clock.now()
        for who, days in (("early", 700), ("late", 5)):
            at = {"$set": {"erased_at": now - timedelta(days=days)}}
            await parts.stores.database["participants"].update_one({"_id": who}, at)
        fresh = Erased(participants)
        await fresh.turn()
        assert fresh.ids == {"late"}, "what the database is about to delete is not read"
        # News are read again for a while, and stand once.
        await fresh.turn()
        fresh.forget_before(now - timedelta(days=6))
        with pytest.raises(NotAuthenticated):
            fresh.check("late")
        fresh.forget_before(now - timedelta(days=4))
        assert fresh.ids == set()
        fresh.check("late")


async def test_a_turn_forgets_whose_time_is_over(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.keep_participants(people(erased("one"), erased("other")))
        held = Erased(parts.stores.participants, kept=timedelta(0))
        await held.refresh()
        assert held.ids == {"one", "other"}
        await held.turn()
        assert held.ids == set()


async def test_many_who_were_erased_are_learned_in_small_steps(mongo: str) -> None:
    number = 5 * ERASED_AT_ONCE
    async with fresh_database(mongo) as database:
        gone = [
            {"_id": f"p-{one}", "erased": True, "erased_at": clock.now() - timedelta(days=5)}
            for one in range(number)
        ]
        await database["participants"].insert_many(gone, ordered=False)
        fresh = Erased(ParticipantStore(database))
        assert await largest_step(fresh.refresh(), lambda: len(fresh.ids)) <= ERASED_AT_ONCE
        assert len(fresh.ids) == number

"""The ids of erased people are forgotten at last, unless a registration or a shift names them."""

from datetime import timedelta

import pytest

from services.registration.erasure.forget import Forgetting
from services.registration.wiring import leavers
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.registration.builders import activity, ask, erase, erase_whole, parts_of, put, service
from tests.support.service import bearer

pytestmark = pytest.mark.stack


def forgetting(database: Database) -> Forgetting:
    return leavers.forgetting(parts_of(database))


async def test_the_erased_are_forgotten_unless_a_registration_or_a_shift_names_them(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("street", capacity=9))
        alive, visitor, gone, worker = [(await ask(client, "street")).json() for _ in range(4)]
        people, ids = database["participants"], [one["participant_id"] for one in (gone, worker)]
        # Two of whom no registration is left, and one of them is still named by a rota.
        await database["registrations"].delete_many({"participant_id": {"$in": ids}})
        await database["assignments"].insert_one(
            {"_id": "shift", "participant_id": ids[1], "status": "ended"}
        )
        for one in (visitor, gone, worker):
            assert (await erase_whole(client, database, one)).status_code == 200
        assert await forgetting(database).forget_before(clock.now() - timedelta(days=1)) == 0
        assert await people.count_documents({}) == 4

        assert await forgetting(database).forget_before(clock.now() + timedelta(seconds=1)) == 1
        left = {one["_id"] async for one in people.find()}
        assert left == {one["participant_id"] for one in (alive, visitor, worker)}
        # Their tokens have ended long before; one that did not would still be refused.
        assert (await erase(client, gone)).json()["code"] == "participant_unknown"
        assert (await client.get("/me", headers=bearer(gone["token"]))).status_code == 401
        assert (await client.get("/me", headers=bearer(alive["token"]))).status_code == 200


async def test_looking_for_the_erased_reads_an_index_of_nobody_else(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("street", capacity=60))
        everybody = [(await ask(client, "street")).json() for _ in range(20)]
        await erase(client, everybody[0])
        explained = await database.command(
            "explain",
            {
                "find": "participants",
                "filter": {"_id": {"$gt": ""}, "erased_at": {"$lt": clock.now(), "$type": "date"}},
                "projection": {"_id": 1},
                "hint": "erased",
                "sort": {"_id": 1},
            },
            verbosity="executionStats",
        )
    assert explained["executionStats"]["totalKeysExamined"] <= 2

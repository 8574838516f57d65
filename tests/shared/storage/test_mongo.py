import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from prometheus_client import REGISTRY
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandListener, CommandStartedEvent
from pymongo.read_concern import ReadConcern

from shared.runtime.errors import TookTooLong, Unavailable
from shared.storage.mongo import (
    Client,
    Database,
    DuplicateKeyError,
    Session,
    SyncDatabase,
    SyncSession,
    delete_after,
    in_sync_transaction,
    in_transaction,
    insert_all,
    insert_in,
    insert_new,
    outages_named,
    ping,
)
from tests.support.kafka import fresh_database
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

# So many documents are looked at for longer than the server of the tests lets a transaction live.
SLEEPERS = 200
SLEEPS = "sleep(100) || false"


async def test_insert_new_leaves_alone_what_is_there_and_says_which(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        assert (
            await insert_new(database["x"], [{"_id": 1, "by": "first"}, {"_id": 3, "by": "first"}]) == set()
        )
        again = [{"_id": number, "by": "second"} for number in range(5)]
        assert await insert_new(database["x"], again) == {1, 3}
        by = {document["_id"]: document["by"] async for document in database["x"].find()}
        assert by == {0: "second", 1: "first", 2: "second", 3: "first", 4: "second"}


async def test_insert_new_of_nothing_does_nothing(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        assert await insert_new(database["x"], []) == set()


async def test_insert_new_hides_no_other_error(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        await database.create_collection("x", validator={"n": {"$gte": 0}})
        with pytest.raises(OperationFailure):
            await insert_new(database["x"], [{"_id": 1, "n": 1}, {"_id": 1, "n": 1}, {"_id": 2, "n": -1}])


async def test_what_should_be_new_and_is_not_ends_the_transaction(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        await database["x"].insert_one({"_id": 2, "old": True})

        async def work(session: Session) -> None:
            await insert_in(database["x"], [{"_id": 1}, {"_id": 2}], session)

        def plain(names: SyncDatabase, session: SyncSession) -> None:
            insert_all(names["x"], [{"_id": 1}, {"_id": 2}], session)

        with pytest.raises(DuplicateKeyError):
            await in_transaction(database, work)
        with pytest.raises(DuplicateKeyError):
            await in_sync_transaction(database, plain)
        assert await database["x"].find().to_list(None) == [{"_id": 2, "old": True}]


async def test_transaction_that_conflicts_is_run_again_as_a_whole(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        await database["places"].insert_one({"_id": "opening", "taken": 0})
        runs = 0

        async def take(session: Session) -> int:
            nonlocal runs
            runs += 1
            found = await database["places"].find_one({"_id": "opening"}, session=session)
            assert found is not None
            taken = int(found["taken"]) + 1
            await database["places"].update_one(
                {"_id": "opening"}, {"$set": {"taken": taken}}, session=session
            )
            return taken

        outcomes = await asyncio.gather(*(in_transaction(database, take) for _ in range(10)))
        assert sorted(outcomes) == list(range(1, 11))
        assert runs > 10


async def test_transaction_whose_commit_fails_is_run_again_as_a_whole(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        tries = 0

        async def work(session: Session) -> None:
            nonlocal tries
            tries += 1
            await insert_in(database["x"], [{"_id": tries}], session)
            if tries == 1:
                # The server forgets the transaction, as it does when its cache is full.
                await database.client.admin.command("killSessions", [session.session_id])

        def plain(names: SyncDatabase, session: SyncSession) -> None:
            nonlocal tries
            tries += 1
            insert_all(names["x"], [{"_id": tries}], session)
            if tries == 1:
                names.client.admin.command("killSessions", [session.session_id])

        await in_transaction(database, work)
        assert [one["_id"] async for one in database["x"].find()] == [2]

        await database["x"].delete_many({})
        tries = 0
        await in_sync_transaction(database, plain)
        assert [one["_id"] async for one in database["x"].find()] == [2]


async def test_a_transaction_that_others_keep_from_ending_took_too_long_and_is_no_outage(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        await database["x"].insert_one({"_id": 1})

        async def work(session: Session) -> None:
            await database["x"].update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)

        def plain(names: SyncDatabase, session: SyncSession) -> None:
            names["x"].update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)

        async with await database.client.start_session() as holding, holding.start_transaction():
            await work(holding)
            with pytest.raises(TookTooLong):
                await in_transaction(database, work, timeout_seconds=0.2)
            with pytest.raises(TookTooLong):
                await in_sync_transaction(database, plain, timeout_seconds=0.2)


async def test_a_transaction_without_a_server_is_an_outage() -> None:
    nowhere: Client = AsyncIOMotorClient("mongodb://127.0.0.1:1", serverSelectionTimeoutMS=50)

    async def work(session: Session) -> None:
        await nowhere["kepu"]["x"].insert_one({"_id": 1}, session=session)

    with pytest.raises(Unavailable) as raised:
        # The driver looks for a server for half a second at least.
        await in_transaction(nowhere["kepu"], work, timeout_seconds=0.8)
    assert not isinstance(raised.value, TookTooLong)


async def _lives_too_long(database: Database) -> None:
    async def work(session: Session) -> None:
        await database["x"].find_one({"$where": SLEEPS}, session=session)

    await in_transaction(database, work)


async def _interrupted(database: Database) -> None:
    looking = asyncio.ensure_future(database["x"].find_one({"$where": SLEEPS}))
    admin = database.client.admin.with_options(read_concern=ReadConcern("local"))
    stages: list[dict[str, Any]] = [{"$currentOp": {}}, {"$match": {"ns": f"{database.name}.x"}}]
    found = await eventually(lambda: admin.aggregate(stages).to_list(1))
    await admin.command({"killOp": 1, "op": found[0]["opid"]})
    await looking


async def _cursor_gone(database: Database) -> None:
    cursor = database["x"].find(batch_size=1)
    await cursor.next()
    await database.command({"killCursors": "x", "cursors": [cursor.delegate.cursor_id]})
    await cursor.to_list(None)


@pytest.mark.parametrize("broken_off", [_lives_too_long, _interrupted, _cursor_gone])
async def test_what_the_server_breaks_off_is_tried_again_and_holds_up_nothing_else(
    mongo: str, broken_off: Callable[[Database], Awaitable[None]]
) -> None:
    async with fresh_database(mongo) as database:
        await database["x"].insert_many([{"_id": n} for n in range(SLEEPERS)])
        # For a loop it is the fault of this piece of work; for a batch of events, of none of them.
        with pytest.raises(TookTooLong), outages_named():
            await broken_off(database)


async def test_transaction_that_is_cancelled_ends_though_its_client_is_closed(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        begun = asyncio.Event()

        async def work(session: Session) -> None:
            await insert_in(database["x"], [{"_id": 1}], session)
            begun.set()
            await asyncio.sleep(60)

        running = asyncio.create_task(in_transaction(database, work, timeout_seconds=60))
        await begun.wait()
        database.client.close()
        running.cancel()
        done, _ = await asyncio.wait([running], timeout=10)
        assert done
        assert running.cancelled()


async def test_transaction_that_raises_leaves_nothing(mongo: str) -> None:
    async with fresh_database(mongo) as database:

        async def change_mind(session: Session) -> None:
            await database["x"].insert_one({"_id": 1}, session=session)
            raise LookupError("changed its mind")

        with pytest.raises(LookupError):
            await in_transaction(database, change_mind)
        assert await database["x"].count_documents({}) == 0


async def test_times_come_back_with_their_zone(mongo: str) -> None:
    now = datetime(2023, 5, 20, 9, 0, tzinfo=UTC)
    async with fresh_database(mongo) as database:
        await ping(database)
        await database["x"].insert_one({"_id": 1, "at": now})
        found = await database["x"].find_one({"_id": 1})
        assert found is not None
        assert found["at"] == now


async def test_mistake_in_a_query_is_no_outage(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        with pytest.raises(Exception, match="unknown operator") as found, outages_named():
            await database["x"].find_one({"n": {"$nonsense": 1}})
        assert not isinstance(found.value, Unavailable)


async def test_what_is_written_is_acknowledged_by_a_majority_and_journalled(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        concerns: list[tuple[str, object]] = []

        class Watching(CommandListener):
            def started(self, event: CommandStartedEvent) -> None:
                concerns.append((event.command_name, event.command.get("writeConcern")))

            def succeeded(self, event: object) -> None: ...

            def failed(self, event: object) -> None: ...

        # Whatever a database handle of ours writes with, in and out of transactions.
        for handle in (database, database.client[database.name], database["x"]):
            assert handle.write_concern.document == {"w": "majority", "j": True}
        assert database.read_concern.level == "majority"
        watching: Client = AsyncIOMotorClient(mongo, event_listeners=[Watching()])
        try:
            own = watching[database.name]

            async def insert(session: Session) -> None:
                await own["x"].insert_one({"_id": 1}, session=session)

            await in_transaction(own, insert)
            await in_sync_transaction(
                own, lambda plain, session: plain["x"].insert_one({"_id": 2}, session=session)
            )
        finally:
            watching.close()
        commits = [concern for name, concern in concerns if name == "commitTransaction"]
        assert commits == [{"w": "majority", "j": True}] * 2


async def test_a_release_may_change_how_long_documents_are_kept(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        for days in (30, 30, 7):
            await delete_after(database["seen"], "at", timedelta(days=days))
        indexes = await database["seen"].index_information()
    assert [index.get("expireAfterSeconds") for index in indexes.values()] == [None, 7 * 86_400]


async def test_commands_and_connections_are_shown_as_metrics(mongo: str) -> None:
    def shown(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    async with fresh_database(mongo) as database:
        found = shown("kepu_mongo_command_seconds_count", command="find")
        others = shown("kepu_mongo_command_seconds_count", command="other")
        failed = shown("kepu_mongo_failures_total", command="other")
        await database["x"].find_one({})
        with pytest.raises(OperationFailure):
            await database.command("made_up")
        await database.command("buildInfo")
        assert shown("kepu_mongo_command_seconds_count", command="find") == found + 1
        assert shown("kepu_mongo_command_seconds_count", command="other") == others + 1
        assert shown("kepu_mongo_failures_total", command="other") == failed + 1
        assert shown("kepu_mongo_pool_connections", state="open") >= 1
    assert shown("kepu_mongo_pool_connections", state="used") == 0

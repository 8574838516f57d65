"""
MongoDB: the client, transactions, and inserts that can be repeated without harm.

The only module that imports the driver (docs/decisions/0001-motor.md). Stores get a `Database` and use the
names below. So this module has more than 350 lines.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument, UpdateOne, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as DriversCollection
from pymongo.database import Database as DriversDatabase
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from shared.runtime import mongo_url
from shared.runtime.errors import TookTooLong, Unavailable
from shared.storage.mongo_signals import Commands, Connections

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "Client",
    "Collection",
    "Database",
    "Document",
    "DuplicateKeyError",
    "IndexModel",
    "PyMongoError",
    "ReadConcern",
    "ReturnDocument",
    "Session",
    "SyncCollection",
    "SyncDatabase",
    "SyncSession",
    "UpdateOne",
    "WriteConcern",
    "connect",
    "create_missing",
    "delete_after",
    "in_snapshot",
    "in_sync_transaction",
    "in_transaction",
    "insert_all",
    "insert_in",
    "insert_new",
    "insert_unless_taken",
    "outages_named",
    "ping",
]

Document: TypeAlias = dict[str, Any]
Client: TypeAlias = AsyncIOMotorClient[Document]
Database: TypeAlias = AsyncIOMotorDatabase[Document]
Collection: TypeAlias = AsyncIOMotorCollection[Document]
Session: TypeAlias = AsyncIOMotorClientSession
# `in_sync_transaction` gives these synchronous classes of the driver to its work.
SyncDatabase: TypeAlias = DriversDatabase[Document]
SyncCollection: TypeAlias = DriversCollection[Document]
SyncSession: TypeAlias = ClientSession
T = TypeVar("T")

SELECTION_TIMEOUT_MS = 5_000
# The driver waits for ever by default. A server that hangs must not delay a request so long.
SOCKET_TIMEOUT_MS = 20_000
CONNECTIONS_MAX = 50
# Shorter than the limit of a health check, so that this check can say what is wrong.
PING_SECONDS_MAX = 1.5
# Longer than the server lets one live (ops/stack/mongo.py): what a killed process has locked is free before.
TRANSACTION_SECONDS_MAX = 15.0
CONFLICT_SECONDS_MAX = 0.01
DUPLICATE_KEY = 11_000
NAMESPACE_EXISTS = 48
INDEX_OPTIONS_CONFLICT = 85

_OUTAGES = (
    ConnectionFailure,
    ServerSelectionTimeoutError,
    NetworkTimeout,
    ExecutionTimeout,
    WTimeoutError,
    WriteConcernError,
)
# Codes of a server that is starting, stopping or electing, is too busy, does not reach another one, or has a
# full disk.
_OUTAGE_CODES = frozenset({6, 7, 50, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 14031})
# Codes of one operation that a server breaks off, which may be well: its cursor is gone, its plan was ended,
# its transaction lived too long (290, which has no label) or fills the cache, or an operator interrupted it.
_BROKEN_OFF_CODES = frozenset({43, 175, 237, 290, 365, 11601})


@contextmanager
def outages_named() -> Iterator[None]:
    """
    Turn the driver's errors about a database that is down into `Unavailable`.

    Raises:
        TookTooLong: the database broke off this operation. Others may go on.
        Unavailable: the database does not answer, or has no primary.
    """
    try:
        yield
    except _OUTAGES as error:
        raise Unavailable(f"MongoDB does not answer: {mongo_url.cause(error)}") from error
    except PyMongoError as error:
        if why := mongo_url.refusal(error):
            raise Unavailable(why) from error
        code = getattr(error, "code", None)
        if code in _BROKEN_OFF_CODES:
            raise TookTooLong(f"MongoDB broke off an operation: code {code}") from error
        if code in _OUTAGE_CODES or error.has_error_label("TransientTransactionError"):
            raise Unavailable(f"MongoDB cannot serve now: {type(error).__name__}") from error
        raise


@asynccontextmanager
async def connect(url: str, database: str) -> AsyncIterator[Database]:
    """
    A database whose writes are acknowledged by a majority and journalled; closed at the end of the block.

    Must be called inside the running event loop.
    """
    client: Client = AsyncIOMotorClient(
        url,
        tz_aware=True,
        serverSelectionTimeoutMS=SELECTION_TIMEOUT_MS,
        socketTimeoutMS=SOCKET_TIMEOUT_MS,
        maxPoolSize=CONNECTIONS_MAX,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        appname=database,
        event_listeners=[Commands(), Connections()],
    )
    try:
        yield client[database]
    finally:
        client.close()


async def ping(database: Database) -> None:
    """
    Ask whether a primary answers.

    Raises:
        Unavailable: none does within `PING_SECONDS_MAX`.
    """
    try:
        with outages_named():
            async with asyncio.timeout(PING_SECONDS_MAX):
                await database.command("ping")
    except TimeoutError:
        raise Unavailable(f"MongoDB does not answer within {PING_SECONDS_MAX:g} s") from None


async def in_transaction(
    database: Database,
    work: Callable[[Session], Coroutine[Any, Any, T]],
    *,
    timeout_seconds: float = TRANSACTION_SECONDS_MAX,
) -> T:
    """
    Run `work` in one transaction. If it conflicts with another one, run it again completely.

    `work` may run more than once. So it may only read and write with its session.
    `timeout_seconds` is the limit for all tries together.

    Motor's own `with_transaction` tries again only if `work` fails: it commits where nothing catches the
    error. But the commit can fail too, for example if the server's cache is full.

    Raises:
        TookTooLong: it did not end in this time. It may have committed or not.
        Unavailable: the database does not answer. The transaction may have committed or not.
    """
    with outages_named():
        async with _bounded(timeout_seconds) as failures, await database.client.start_session() as session:
            while True:
                try:
                    session.start_transaction(
                        ReadConcern("snapshot"), WriteConcern("majority", j=True), ReadPreference.PRIMARY
                    )
                    result = await work(session)
                    await session.commit_transaction()
                except PyMongoError as error:
                    # A client that was closed in the middle never serves again, whatever its errors say.
                    again = error.has_error_label("TransientTransactionError")
                    if not again or isinstance(error, InvalidOperation):
                        raise
                    failures[:] = [error]
                else:
                    return result
                finally:
                    # Leaving it to the session would block the loop until the server has answered.
                    with suppress(PyMongoError):
                        if session.in_transaction:  # type: ignore[truthy-function]  # a property
                            await session.abort_transaction()


@asynccontextmanager
async def _bounded(seconds: float) -> AsyncIterator[list[PyMongoError]]:
    # The driver would try a transaction for two minutes, even when no server answers.
    failures: list[PyMongoError] = []
    try:
        async with asyncio.timeout(seconds):
            yield failures
    except TimeoutError as error:
        raise _given_up(seconds, failures[-1] if failures else None) from error


def _given_up(seconds: float, last: PyMongoError | None) -> Unavailable:
    """The error of a transaction that was given up, by what its last try met."""
    kind = Unavailable if isinstance(last, _OUTAGES) else TookTooLong
    return kind(f"MongoDB did not finish a transaction within {seconds:.0f} s")


async def insert_new(collection: Collection, documents: Sequence[Document]) -> frozenset[int]:
    """
    Insert the documents whose unique key is new, and do not change the others.

    A repeat does no harm, and this is cheaper than upserts. This is one plain command, because the driver's
    bulk write takes twice as long. So the driver does not repeat it when the primary changes: the caller
    does.

    Returns: the positions in `documents` of those that existed already.
    Raises:
        Unavailable: the database does not answer. Some may have been inserted.
    """
    if not documents:
        return frozenset()
    command = {
        "insert": collection.name,
        "documents": documents,
        "ordered": False,
        "writeConcern": collection.write_concern.document,
    }
    with outages_named():
        answer = await collection.database.command(command)
        failed = answer.get("writeErrors", ())
        for failure in failed:
            if failure["code"] != DUPLICATE_KEY:
                raise OperationFailure(f"{collection.name}: code {failure['code']}", failure["code"])
    # Without the write concern the documents may not survive, so do not go on.
    if answer.get("writeConcernError"):
        raise Unavailable("MongoDB did not confirm a bulk write")
    return frozenset(failure["index"] for failure in failed)


async def in_sync_transaction(
    database: Database,
    work: Callable[[SyncDatabase, SyncSession], T],
    *,
    timeout_seconds: float = TRANSACTION_SECONDS_MAX,
) -> T:
    """
    `in_transaction` for work of many small steps: synchronous calls, all in one thread.

    Motor sends each step to a thread and back, which costs more than the step itself: for a batch of a
        hundred, a third of the time. `work` may run more than once, and may still commit after the caller was
        cancelled. `timeout_seconds` bounds all tries together, and the socket's timeout bounds each step.

    Raises:
        TookTooLong: it did not end in this time.
        Unavailable: the database does not answer. The transaction may have committed or not.
    """
    plain: SyncDatabase = database.delegate
    deadline = time.monotonic() + timeout_seconds

    def run() -> T:
        with plain.client.start_session() as session:
            while True:
                try:
                    with session.start_transaction(
                        ReadConcern("snapshot"), WriteConcern("majority", j=True), ReadPreference.PRIMARY
                    ):
                        return work(plain, session)
                except PyMongoError as error:
                    if not error.has_error_label("TransientTransactionError"):
                        raise
                    if time.monotonic() > deadline:
                        raise _given_up(timeout_seconds, error) from error
                # Random, so that two transactions that conflicted do not meet again.
                time.sleep(random.uniform(0, CONFLICT_SECONDS_MAX))  # noqa: S311 (no secret)

    with outages_named():
        return await asyncio.get_running_loop().run_in_executor(None, run)


def insert_all(collection: SyncCollection, documents: Sequence[Document], session: SyncSession) -> None:
    """
    Insert documents that are known to be new, in this transaction.

    This is one plain command, because the driver's bulk write takes half as long again. The server gives an
    `_id` to documents that have none.

    Raises:
        DuplicateKeyError: one is there already. The transaction cannot go on.
    """
    if not documents:
        return
    answer = collection.database.command(_insertion(collection.name, documents), session=session)
    _check_inserted(collection.name, answer)


async def insert_in(collection: Collection, documents: Sequence[Document], session: Session) -> None:
    """`insert_all` for a transaction of `in_transaction`."""
    if documents:
        answer = await collection.database.command(_insertion(collection.name, documents), session=session)
        _check_inserted(collection.name, answer)


async def insert_unless_taken(
    collection: Collection, documents: Sequence[Document], session: Session
) -> None:
    """
    `insert_in` for keys that another transaction may take at the same moment.

    If one is taken, the transaction runs again completely, and then reads it. So read the keys first, and do
    not insert those that are there.
    """
    try:
        await insert_in(collection, documents, session)
    except DuplicateKeyError as error:
        # By this label the driver knows that another try may succeed, as after a conflict of writes.
        again = {"errorLabels": ["TransientTransactionError"]}
        raise OperationFailure(f"{collection.name}: a key was taken", DUPLICATE_KEY, again) from error


def _insertion(name: str, documents: Sequence[Document]) -> Document:
    return {"insert": name, "documents": documents, "ordered": True}


def _check_inserted(name: str, answer: Document) -> None:
    if failed := answer.get("writeErrors"):
        code = failed[0]["code"]
        kind = DuplicateKeyError if code == DUPLICATE_KEY else OperationFailure
        raise kind(f"{name}: code {code}", code)


@asynccontextmanager
async def in_snapshot(database: Database) -> AsyncIterator[Session]:
    """A session whose reads all see the database as it was at the first of them."""
    async with await database.client.start_session(snapshot=True) as session:
        yield session


async def create_missing(database: Database, names: Iterable[str], **options: Any) -> None:
    """Create collections now: creating one in a transaction causes conflicts."""
    for name in names:
        try:
            await database.create_collection(name, check_exists=False, **options)
        except OperationFailure as error:
            if error.code != NAMESPACE_EXISTS:
                raise


async def delete_after(collection: Collection, field: str, kept: timedelta, **options: Any) -> None:
    """
    Let the server delete documents when the moment in `field` is this long ago.

    An index that exists with another time gets this time: the bound may change with a release.
    """
    seconds = round(kept.total_seconds())
    with outages_named():
        try:
            await collection.create_index([(field, ASCENDING)], expireAfterSeconds=seconds, **options)
        except OperationFailure as error:
            if error.code != INDEX_OPTIONS_CONFLICT:
                raise
            change = {"keyPattern": {field: ASCENDING}, "expireAfterSeconds": seconds}
            await collection.database.command("collMod", collection.name, index=change)

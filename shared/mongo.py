"""
MongoDB: the client, transactions, bulk writes that a repeat does not double.

The only file that imports the driver (docs/decisions/0001-motor.md): stores get a
`Database` and use the names below.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias, TypeVar

from motor.motor_asyncio import (
    AsyncIOMotorChangeStream,
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument, UpdateOne, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from shared.errors import Unavailable

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "ChangeStream",
    "Client",
    "Collection",
    "Database",
    "Document",
    "DuplicateKeyError",
    "IndexModel",
    "PyMongoError",
    "ReturnDocument",
    "Session",
    "UpdateOne",
    "connect",
    "in_transaction",
    "insert_new",
    "outages_named",
    "ping",
]

Document: TypeAlias = dict[str, Any]
Client: TypeAlias = AsyncIOMotorClient[Document]
Database: TypeAlias = AsyncIOMotorDatabase[Document]
Collection: TypeAlias = AsyncIOMotorCollection[Document]
ChangeStream: TypeAlias = AsyncIOMotorChangeStream[Document]
Session: TypeAlias = AsyncIOMotorClientSession
T = TypeVar("T")

SELECTION_TIMEOUT_MS = 5_000
# A server that is stopped, not closed, must not hold a request for the driver's default: for ever.
SOCKET_TIMEOUT_MS = 20_000
CONNECTIONS_MAX = 50
PING_TIMEOUT_MS = 2_000
TRANSACTION_SECONDS_MAX = 15.0
DUPLICATE_KEY = 11_000

_OUTAGES = (
    ConnectionFailure,
    ServerSelectionTimeoutError,
    NetworkTimeout,
    ExecutionTimeout,
    WTimeoutError,
    WriteConcernError,
)
# Codes of a server that is starting, stopping or electing: not primary, shutting down, interrupted.
_OUTAGE_CODES = frozenset({91, 189, 10107, 11600, 11602, 13435, 13436, 50, 262})


@contextmanager
def outages_named() -> Iterator[None]:
    """
    Turn what the driver raises when the database is away into `Unavailable`.

    Raises:
        Unavailable: the database does not answer, or has no primary.
    """
    try:
        yield
    except _OUTAGES as error:
        raise Unavailable(f"MongoDB does not answer: {type(error).__name__}") from error
    except PyMongoError as error:
        if getattr(error, "code", None) in _OUTAGE_CODES or error.has_error_label(
            "TransientTransactionError"
        ):
            raise Unavailable(f"MongoDB cannot serve now: {type(error).__name__}") from error
        raise


@asynccontextmanager
async def connect(url: str, database: str) -> AsyncIterator[Database]:
    """
    A database whose writes are acknowledged by a majority and journalled.

    Built inside the running loop, closed at the end.
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
    )
    try:
        yield client[database]
    finally:
        client.close()


async def ping(database: Database) -> None:
    """
    Ask whether a primary answers.

    Raises:
        Unavailable: none does within `PING_TIMEOUT_MS`.
    """
    with outages_named():
        await database.command("ping", maxTimeMS=PING_TIMEOUT_MS)


async def in_transaction(
    database: Database,
    work: Callable[[Session], Coroutine[Any, Any, T]],
    *,
    timeout_seconds: float = TRANSACTION_SECONDS_MAX,
) -> T:
    """
    Run `work` in one transaction, again as a whole when it conflicts with another.

    `work` may run more than once, so it does nothing but read and write through its
    session. All the tries together are bounded by `timeout_seconds`.

    Raises:
        Unavailable: the database does not answer; whether it committed may be unknown.
    """
    with outages_named():
        async with _bounded(timeout_seconds), await database.client.start_session() as session:
            result: T = await session.with_transaction(
                work,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", j=True),
                read_preference=ReadPreference.PRIMARY,
            )
            return result


@asynccontextmanager
async def _bounded(seconds: float) -> AsyncIterator[None]:
    # The driver tries a transaction again for two minutes, also when no server answers.
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Unavailable(f"MongoDB did not finish a transaction within {seconds:.0f} s") from error


async def insert_new(collection: Collection, documents: Sequence[Document]) -> frozenset[int]:
    """
    Insert what is not there yet; a document whose unique key exists is left alone.

    Cheaper than upserts where the key derives from the cause, and harmless to repeat.

    Returns: the positions in `documents` of those that existed already.
    Raises:
        Unavailable: the database does not answer; some may have been inserted.
    """
    if not documents:
        return frozenset()
    with outages_named():
        try:
            await collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            failed = error.details["writeErrors"]
            if any(failure["code"] != DUPLICATE_KEY for failure in failed):
                raise
            # Without the write concern the rest may not survive: say so rather than go on.
            if error.details.get("writeConcernErrors"):
                raise Unavailable("MongoDB did not confirm a bulk write") from error
            return frozenset(failure["index"] for failure in failed)
    return frozenset()

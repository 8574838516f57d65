"""
Databases that tests of one service use one after the other.

A service makes up to thirty collections and seventy indexes: that takes half a second, and emptying them a
fiftieth of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from uuid import uuid4

from pymongo import MongoClient, WriteConcern
from pymongo.database import Database

SOON = WriteConcern(w=1, j=False)
# This waits for all deletions before it too: services read what a majority has acknowledged.
ACKNOWLEDGED = WriteConcern("majority", j=False)
SELECTION_TIMEOUT_MS = 5_000
PROFILE = "system.profile"

_free: dict[tuple[str, str], list[str]] = {}
_kept: set[str] = set()


def take(mongo: str, kind: str) -> str:
    """
    The name of an empty database, in which a service of this kind may have made its collections.

    It is dropped after the test, unless somebody calls `give_back`.
    """
    free = _free.get((mongo, kind))
    if not free:
        return f"test-{uuid4().hex[:12]}"
    name = free.pop()
    # Now and not when it is given back: the threads of the test before have surely ended.
    _empty(mongo, name)
    return name


def give_back(mongo: str, kind: str, name: str) -> None:
    """Let other tests use it. No process may write to it any more."""
    if name not in _kept:
        _free.setdefault((mongo, kind), []).append(name)


@contextmanager
def kept(mongo: str, kind: str) -> Iterator[str]:
    """
    The name of a database as of `take`, for a test that uses it longer than the services that it starts.

    After a test that passes others get it.
    """
    name = take(mongo, kind)
    _kept.add(name)
    try:
        yield name
    finally:
        _kept.discard(name)
    give_back(mongo, kind, name)


def free(mongo: str) -> frozenset[str]:
    """The names of all databases that wait for their next test."""
    return frozenset(name for (url, _), names in _free.items() if url == mongo for name in names)


def _empty(mongo: str, name: str) -> None:
    database = _client(mongo)[name]
    collections = database.list_collection_names(filter={"name": {"$regex": f"^(?!system[.])|^{PROFILE}$"}})
    if PROFILE in collections:
        # What the test before has looked at.
        database.drop_collection(PROFILE)
        collections.remove(PROFILE)
    full = _those_with_documents(database, collections)
    for collection in full:
        concern = ACKNOWLEDGED if collection == full[-1] else SOON
        database[collection].with_options(write_concern=concern).delete_many({})


def _those_with_documents(database: Database[dict[str, object]], collections: Sequence[str]) -> list[str]:
    """In one command: most are empty, and a command for each would take longer than all deletions."""
    look: dict[str, list[dict[str, object]]] = {
        name: [{"$limit": 1}, {"$project": {"_id": {"$literal": name}}}] for name in collections
    }
    also: list[dict[str, object]] = [
        {"$unionWith": {"coll": name, "pipeline": look[name]}} for name in collections[1:]
    ]
    found = database[collections[0]].aggregate([*look[collections[0]], *also]) if collections else ()
    return [str(document["_id"]) for document in found]


@cache
def _client(url: str) -> MongoClient[dict[str, object]]:
    return MongoClient(url, serverSelectionTimeoutMS=SELECTION_TIMEOUT_MS)

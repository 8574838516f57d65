"""
Removes everything that tests leave on the shared servers, also after a failed test.

Each database has some thirty files, each partition of a topic three; a run makes hundreds of both.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

from pymongo import MongoClient, monitoring
from pymongo.uri_parser import parse_uri

from tests.support.offsets import admin

# Do not wait for a server that has died: nothing is left there.
SELECTION_TIMEOUT_MS = 500
SERVERS_OWN = frozenset({"admin", "local", "config"})
# The topics that tests made for themselves, by broker. Declared topics belong to all tests.
topics_made: dict[str, set[str]] = {}


class _DatabasesUsed(monitoring.CommandListener):
    """The databases that this process has used, by the address of their server."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, int | None], set[str]] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        # Who drops a database has not made it: otherwise it would be dropped after each further test again.
        if event.database_name not in SERVERS_OWN and event.command_name != "dropDatabase":
            self.names.setdefault(event.connection_id, set()).add(event.database_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """A command is noted when it starts."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """It may have made the database anyway."""


# Dropping a database waits a tenth of a second for the journal; the next test need not.
_background = ThreadPoolExecutor(1, "remove-leftovers")
_used = _DatabasesUsed()
# The driver reports every command to this listener, so no test has to say which databases it used.
monitoring.register(_used)


def used(kafka: str, mongo: str) -> frozenset[str]:
    """The names of the databases and topics that this process has on these servers."""
    return frozenset(_databases(mongo) | _topics(kafka))


def remove(kafka: str, mongo: str, *, but: frozenset[str] = frozenset()) -> None:
    """Remove the databases and topics of this process, except some."""
    databases, topics = _databases(mongo), _topics(kafka)
    for name in databases - but:
        _background.submit(_mongo(mongo).drop_database, name)
        databases.discard(name)
    if made := topics - but:
        _delete(kafka, made)
        topics -= made


def _databases(mongo: str) -> set[str]:
    address, *_ = parse_uri(mongo)["nodelist"]
    return _used.names.setdefault(address, set())


def _topics(kafka: str) -> set[str]:
    return topics_made.setdefault(kafka, set())


def _delete(kafka: str, topics: set[str]) -> None:
    """Without waiting for the answer: a topic that stays costs little, and no test takes its name again."""
    admin(kafka).delete_topics(list(topics))


@cache
def _mongo(url: str) -> MongoClient[dict[str, object]]:
    return MongoClient(url, serverSelectionTimeoutMS=SELECTION_TIMEOUT_MS)

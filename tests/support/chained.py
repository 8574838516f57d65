"""The links of awards in one database, for tests that have no whole week."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ops.audit.chain.facts import Facts, Named
from ops.audit.chain.gather import facts_of, keep_of
from ops.audit.chain.links import Link
from ops.audit.log import Log
from ops.deployment.databases import Databases
from shared.messaging.publisher import Record
from shared.storage.mongo import Database
from tests.support.logged import entries

Links = Callable[[Facts], Iterator[Link]]


async def differing(
    database: Database, records: Sequence[Record], links: Links, *without: str, **which: Any
) -> set[str]:
    """
    The links of all awards of the database with these fields that differ, by their names.

    Args:
        without: topics whose events are missing.
    """
    found: set[str] = set()
    kept = [record for record in records if record[0] not in without]
    rows = [row async for row in database["awards"].find(which)]
    assert rows, which
    for row in rows:
        facts = await _facts(database, kept, row)
        found |= {link.name for link in links(facts) if link.differs}
    return found


async def _facts(database: Database, records: Sequence[Record], row: dict[str, Any]) -> Facts:
    scheme = await database["schemes"].find_one({"_id": row["scheme_id"]})
    assert scheme is not None
    named = Named(row["award_code"], row["_id"], row["scheme_id"], row["recipient_id"])
    keep = keep_of(named, scheme["rule"])
    log = Log(one for one in entries(records) if keep(one.topic, one.key.encode(), one.value or b""))
    all_four = Databases(database, database, database, database)
    return await facts_of(named, log, all_four, datetime.now(UTC), row, scheme, ("awards",))

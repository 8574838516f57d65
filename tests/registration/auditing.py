"""The audit of registration over what a test has done, with the outbox in place of Kafka."""

import json
from collections.abc import Sequence

from ops.audit.log import Entry, Log
from ops.audit.run import audit_all_of_registration
from shared.storage.mongo import Database
from shared.storage.outbox import waiting


async def log_of(database: Database, *, without: str = "", left: Sequence[str] = ()) -> Log:
    """
    All events of the outbox as they would be in Kafka.

    `without`: but for the one with this id. `left`: and the erasures of these newcomers.
    """
    entries = []
    for offset, (topic, key, value, headers) in enumerate(await waiting(database)):
        named = {name: (content or b"").decode() for name, content in headers}
        entries.append(Entry(topic, 0, offset, (key or b"").decode(), value, named["ce_id"], named, None, 0))
    for id_ in left:
        value = json.dumps(
            {"participant_id": id_, "version": 2, "erased_at": "2026-05-20T01:00:00Z"}
        ).encode()
        entries.append(Entry("participant.erased", 0, len(entries), id_, value, f"of-{id_}", {}, None, 0))
    return Log(one for one in entries if one.event_id != without)


async def faults(database: Database, log: Log) -> dict[str, list[str]]:
    """What each statement that does not hold has found."""
    checks = await audit_all_of_registration(log, database, [])
    return {one.name: [*one.missing, *one.wrong, *one.duplicated] for one in checks if not one.agrees}

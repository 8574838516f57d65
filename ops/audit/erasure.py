"""
The audit of erasures, across all services and topics: is anything left of the people who were erased?

It looks at every document that names the person, in every collection of every database. A new collection
and a new topic are audited from their first day, and so is a new field if its name ends as one of
`PERSONAL_ENDINGS`.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any, TypeAlias

from ops.audit.findings import Check, kept, true_of_all
from ops.audit.log import Entry, Log
from ops.deployment.databases import Databases
from ops.deployment.ledger import Promise
from shared.contracts import events
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
# Fields that no document of an erased person may contain: by their whole name, or by its last word.
PERSONAL = frozenset({"group_id", "district", "audience", "key", "ticket_code", "facts", "figures", "pdf"})
PERSONAL_ENDINGS = frozenset(
    {
        "locked",
        "sealed",
        "hash",
        "fingerprint",
        "name",
        "email",
        "phone",
        "note",
        "remarks",
        "comment",
        "words",
    }
)
# Topics whose events may come after a person's erasure: those that make it or follow from it, and commands of
# other systems with their answers.
MAY_FOLLOW = frozenset(
    {
        "participant.keyed",
        "participant.joined",
        "participant.erased",
        "registration.cancelled",
        "registration.requested",
        "registration.rejected",
        "shift.ended",
        "award.revoked",
        "notification.requested",
        "notification.failed",
    }
)
# All other events about a person: something was given to them, decided about them, or sent to them.
NEVER_AFTERWARDS = tuple(
    contract.topic
    for contract in events.ALL
    if contract.key_field in ("participant_id", "recipient_id") and contract.topic not in MAY_FOLLOW
)
# Services learn of an erasure by an event. Until then they may still publish; after this time they may not.
HEARD_MS = 60_000


async def audit_erasure(log: Log, databases: Databases, promises: Collection[Promise]) -> list[Check]:
    """Compare the erasures, promised and published, with the data that are left of those people."""
    erased = {event.key: event.time_ms for event in log.events("participant.erased")}
    keys = _latest(log.records("participant.keyed"))
    left = [place async for place in _left(databases, erased.keys())]
    return [
        kept(
            "erasures acknowledged are published (participant.erased)",
            (promise.id for promise in promises if promise.kind == "erased"),
            erased,
        ),
        true_of_all(
            "the keys of the erased are destroyed in the log",
            (id_ for id_ in erased if id_ in keys and keys[id_].body.get("key_sealed") is not None),
            len(erased),
        ),
        true_of_all("no database holds anything personal of the erased", left, len(erased)),
        true_of_all(
            "nothing is published about the erased afterwards",
            _published_afterwards(log, erased),
            len(erased),
        ),
    ]


def _latest(records: list[Entry]) -> Mapping[str, Entry]:
    latest: dict[str, Entry] = {}
    for record in records:
        known = latest.get(record.key)
        if known is None or _version(record) >= _version(known):
            latest[record.key] = record
    return latest


def _version(record: Entry) -> int:
    """Of a record that does not follow the contract: 0. Consumers refuse such a record."""
    version = record.body.get("version", 0)
    return version if isinstance(version, int) else 0


async def _left(databases: Databases, erased: Collection[str]) -> AsyncIterator[str]:
    if not erased:
        return
    for database in (databases.registration, databases.quiz, databases.awards, databases.notifications):
        for collection in sorted(await database.list_collection_names()):
            async for place in left_in(database, collection, erased):
                yield place


async def left_in(database: Database, collection: str, erased: Collection[str]) -> AsyncIterator[str]:
    """What a collection still holds of these people."""
    ids = list(erased)
    named: Json = {
        "$or": [
            {name: {"$in": ids}}
            for name in (
                "_id",
                "participant_id",
                "recipient_id",
                "recipient_ids",
                "who.participant_id",
                "nominator_id",
                "objector_id",
                "expert_ids",
            )
        ]
    }
    async for document in database[collection].find(named):
        if held := personal_in(document):
            yield f"{database.name}.{collection}/{document['_id']} ({', '.join(held)})"


def personal_in(document: Json) -> list[str]:
    """The fields with something personal in a document, by their names."""
    return sorted(
        name for name, value in document.items() if _is_personal(name) and value not in (None, "", {})
    )


def _is_personal(name: str) -> bool:
    return name in PERSONAL or name.rpartition("_")[2] in PERSONAL_ENDINGS


def _published_afterwards(log: Log, erased: Mapping[str, int]) -> Iterator[str]:
    for topic in NEVER_AFTERWARDS:
        for event in log.events(topic):
            at = erased.get(event.key)
            if at is not None and event.time_ms > at + HEARD_MS:
                yield event.place

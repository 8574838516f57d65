"""
How the records of each contract travel: what readers and writers rely on beside the body.

`contracts/topics.json` has it, and each release keeps a copy. So the gate sees also a change of a key, of a
topic, or of a header.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from ops.contracts.kinds import Change, Kind
from ops.deployment.access import OTHERS, writers_of
from shared.contracts import events, topics
from shared.contracts.envelope import CONTENT_TYPE, Event
from shared.contracts.successions import Succession, succession_of
from shared.messaging.create_topics import GROWS

TOPICS = "topics.json"
PARTITIONER = "crc32 of the key"

Delivery: TypeAlias = Mapping[str, Any]

HEADERS: dict[str, str] = {
    "ce_specversion": "1.0",
    "ce_id": "The same on every repeat; readers that must not repeat an effect look at it",
    "ce_source": "Who says it, such as kepu/quiz",
    "ce_type": "The contract and its version",
    "ce_time": "When it happened, RFC 3339; the record's own time if missing",
    "ce_subject": "The id that it is about; the record's key if missing",
    "ce_correlationid": "The same on everything that follows from one request; ce_id if missing",
    "ce_causationid": "The ce_id of the event that this one follows from",
    "ce_factid": "Of a version after the first: the ce_id that the same event has in the first version",
    "traceparent": "W3C trace context",
    "content-type": "application/json; assumed if missing",
}
# Other systems must send these.
REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type")
# Our services send these with every event.
SENT = (*REQUIRED, "ce_time", "ce_subject", "ce_correlationid", "content-type")


def delivery_of(
    contract: type[Event], topic: topics.Topic, succession: Succession | None = None
) -> dict[str, Any]:
    """How the records of one contract travel, and until when if it is being replaced."""
    config = topic.config
    return {
        "topic": topic.name,
        "key": contract.key_field,
        "partitions": topic.partitions,
        # Its readers need no order of the records of a key (docs/decisions/0096-sharding.md).
        "partitions_may_grow": topic.name == GROWS.name,
        "retention_days": topic.retention_days,
        "compacted": topic.compacted,
        "record_time": config["message.timestamp.type"],
        "body_bytes_max": contract.bytes_max,
        "record_bytes_max": topic.record_bytes_max,
        "written_by": list(writers_of(topic.name)),
        "read_by": list(topic.all_groups),
        "succeeded_by": succession
        and {
            "type": succession.new.type,
            "since": succession.since.isoformat(),
            "until": succession.until.isoformat(),
        },
    }


def deliveries(contracts: Sequence[type[Event]] = events.ALL) -> dict[str, Any]:
    """The content of `contracts/topics.json`."""
    return {
        "content_type": CONTENT_TYPE.decode(),
        "partitioner": PARTITIONER,
        "headers": {
            name: {"about": about, "required": name in REQUIRED, "always_sent": name in SENT}
            for name, about in HEADERS.items()
        },
        "events": {
            contract.type: delivery_of(contract, topics.declared(contract), succession_of(contract))
            for contract in contracts
        },
    }


def changes_of_all(old: Delivery, new: Delivery) -> list[Change]:
    """What changes for every contract: its headers, the partitioner, the form of the body."""
    return list(_common(old, new))


def changes_of_one(old: Delivery, new: Delivery) -> list[Change]:
    """What changes in how the records of one contract travel."""
    return [*_place(old, new), *_amounts(old, new), *_people(old, new), *_succession(old, new)]


def ends_at(place: Delivery) -> datetime | None:
    """When the last record of a contract that is being replaced is gone; None if it is not being replaced."""
    if not (succession := place.get("succeeded_by")):
        return None
    # Kafka deletes whole segments, a week after their last record at the latest.
    kept = timedelta(days=place["retention_days"] + topics.KAFKA_SEGMENT_DAYS)
    return datetime.fromisoformat(succession["until"]) + kept


def _common(old: Delivery, new: Delivery) -> Iterator[Change]:
    for name, kind in (
        ("content_type", Kind.content_type_changed),
        ("partitioner", Kind.partitioner_changed),
    ):
        if old[name] != new[name]:
            yield Change(kind, "", f"{name} was {old[name]!r}, is now {new[name]!r}")
    for name, before in old["headers"].items():
        if name not in new["headers"]:
            yield Change(Kind.header_removed, name, f"header {name} is no longer sent")
            continue
        after = new["headers"][name]
        if after["required"] and not before["required"]:
            yield Change(Kind.header_newly_required, name, f"header {name} is newly required")
        if before["always_sent"] and not after["always_sent"]:
            said = f"header {name} was on every record of ours, and is not any more"
            yield Change(Kind.header_no_longer_sent, name, said)
    for name, after in new["headers"].items():
        if name not in old["headers"]:
            kind = Kind.header_newly_required if after["required"] else Kind.header_added
            said = f"header {name} is new" + (" and required" if after["required"] else "")
            yield Change(kind, name, said)


def _place(old: Delivery, new: Delivery) -> Iterator[Change]:
    if old["topic"] != new["topic"]:
        said = f"its topic was {old['topic']}, is now {new['topic']}"
        yield Change(Kind.topic_renamed, "", said)
    if old["key"] != new["key"]:
        said = f"its key was {old['key']}, is now {new['key']}: its records are in another order"
        yield Change(Kind.key_changed, "", said)
    if old["record_time"] != new["record_time"]:
        said = f"the time of a record was {old['record_time']}, is now {new['record_time']}"
        yield Change(Kind.clock_changed, "", said)
    if new["compacted"] and not old["compacted"]:
        said = "only the latest record of each key is kept now: earlier ones are lost"
        yield Change(Kind.compaction_begun, "", said)
    if old["compacted"] and not new["compacted"]:
        yield Change(Kind.compaction_ended, "", "earlier records of a key are kept now")


def _amounts(old: Delivery, new: Delivery) -> Iterator[Change]:
    for name, lower, higher in (
        ("retention_days", Kind.retention_shortened, Kind.retention_lengthened),
        ("body_bytes_max", Kind.body_limit_lowered, Kind.body_limit_raised),
        ("record_bytes_max", Kind.record_limit_lowered, Kind.record_limit_raised),
    ):
        if old[name] != new[name]:
            kind = lower if new[name] < old[name] else higher
            yield Change(kind, "", f"{name} was {old[name]:,}, is now {new[name]:,}")
    if new["partitions"] < old["partitions"]:
        said = f"its topic had {old['partitions']} partitions, has now {new['partitions']}"
        yield Change(Kind.partitions_lowered, "", said)
    # Where they may grow, growing is part of the contract.
    if new["partitions"] > old["partitions"] and not old["partitions_may_grow"]:
        said = f"its topic had {old['partitions']} partitions, has now {new['partitions']}: keys move"
        yield Change(Kind.partitions_raised, "", said)


def _people(old: Delivery, new: Delivery) -> Iterator[Change]:
    before, after = set(old["written_by"]), set(new["written_by"])
    if ours_gone := sorted(before - after - {OTHERS}):
        said = f"{', '.join(ours_gone)} wrote it, now {', '.join(sorted(after))}"
        yield Change(Kind.writer_changed, "", said)
    if OTHERS in before - after:
        yield Change(Kind.closed_to_others, "", "other systems may no longer write it")
    if OTHERS in after - before:
        yield Change(Kind.opened_to_others, "", "other systems may write it")
    for group in new["read_by"]:
        if group not in old["read_by"]:
            yield Change(Kind.reader_added, "", f"{group} reads it")
    for group in old["read_by"]:
        if group not in new["read_by"]:
            yield Change(Kind.reader_left, "", f"{group} no longer reads it")


def _succession(old: Delivery, new: Delivery) -> Iterator[Change]:
    # Releases before there were successions do not name them.
    before, after = old.get("succeeded_by"), new.get("succeeded_by")
    if after and not before:
        said = f"{after['type']} replaces it: both are emitted from {after['since']} until {after['until']}"
        yield Change(Kind.succession_begun, "", said)
    if before and not after:
        said = f"was to be emitted until {before['until']}: this is no longer declared"
        yield Change(Kind.succession_dropped, "", said)
    if before and after:
        was, now = (datetime.fromisoformat(one["until"]) for one in (before, after))
        if was != now:
            kind = Kind.succession_shortened if now < was else Kind.succession_put_off
            yield Change(
                kind, "", f"was to be emitted until {before['until']}, is now until {after['until']}"
            )

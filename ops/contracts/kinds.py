"""
The kinds of changes of contracts: whom each breaking one breaks, and what to do instead.

A kind without a row in `BREAKING` is harmless: it is told in the changelog, and passes the gate.
"""

from dataclasses import dataclass
from enum import StrEnum

NEW_VERSION = 'declare a new version beside this one (CONTRIBUTING.md, "A new version of an event")'


class Kind(StrEnum):
    """What has changed. The values are stable: programs may read them."""

    # Harmless.
    contract_added = "contract_added"
    field_added = "field_added"
    reworded = "reworded"
    deprecated = "deprecated"
    reader_added = "reader_added"
    reader_left = "reader_left"
    succession_begun = "succession_begun"
    succession_put_off = "succession_put_off"
    retired = "retired"
    retention_lengthened = "retention_lengthened"
    record_limit_raised = "record_limit_raised"
    header_added = "header_added"
    opened_to_others = "opened_to_others"
    # Of the body.
    field_removed = "field_removed"
    field_renamed = "field_renamed"
    field_newly_required = "field_newly_required"
    field_no_longer_required = "field_no_longer_required"
    new_field_required = "new_field_required"
    type_changed = "type_changed"
    null_allowed = "null_allowed"
    null_refused = "null_refused"
    alternatives_fewer = "alternatives_fewer"
    alternatives_more = "alternatives_more"
    bound_narrowed = "bound_narrowed"
    bound_widened = "bound_widened"
    bound_added = "bound_added"
    bound_removed = "bound_removed"
    words_fewer = "words_fewer"
    words_more = "words_more"
    constant_changed = "constant_changed"
    pattern_changed = "pattern_changed"
    names_changed = "names_changed"
    format_changed = "format_changed"
    step_changed = "step_changed"
    default_changed = "default_changed"
    unit_changed = "unit_changed"
    object_closed = "object_closed"
    rule_changed = "rule_changed"
    # Of how records travel.
    contract_withdrawn = "contract_withdrawn"
    version_replaced = "version_replaced"
    withdrawn_early = "withdrawn_early"
    succession_shortened = "succession_shortened"
    succession_dropped = "succession_dropped"
    topic_renamed = "topic_renamed"
    key_changed = "key_changed"
    partitioner_changed = "partitioner_changed"
    partitions_lowered = "partitions_lowered"
    partitions_raised = "partitions_raised"
    retention_shortened = "retention_shortened"
    compaction_begun = "compaction_begun"
    compaction_ended = "compaction_ended"
    clock_changed = "clock_changed"
    body_limit_lowered = "body_limit_lowered"
    body_limit_raised = "body_limit_raised"
    record_limit_lowered = "record_limit_lowered"
    header_removed = "header_removed"
    header_newly_required = "header_newly_required"
    header_no_longer_sent = "header_no_longer_sent"
    content_type_changed = "content_type_changed"
    writer_changed = "writer_changed"
    closed_to_others = "closed_to_others"


class Hurt(StrEnum):
    """Who breaks."""

    released = "released"
    """Readers as they were released: they get records that they refuse or misread."""
    updated = "updated"
    """Readers that know the new contract: they refuse records that exist, or that senders still write."""
    readers = "readers"
    """All who read the topic."""
    senders = "senders"
    """Other systems that write the topic."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Why a kind of change is refused: whom it breaks, and the way that breaks nobody."""

    hurt: Hurt
    instead: str


@dataclass(frozen=True, slots=True)
class Change:
    """
    One change of a contract.

    Attributes:
        place: the field, such as `standings[].points`; empty for the contract itself.
        said: what has changed, as a sentence without a full stop.
    """

    kind: Kind
    place: str
    said: str

    @property
    def rule(self) -> Rule | None:
        """Why it is refused, or None if it is harmless."""
        return BREAKING.get(self.kind)


_NARROWER = f"check it in the code that makes the event, and leave the contract as it is; or {NEW_VERSION}"
_WIDER = f"put the larger value into a new optional field beside this one; or {NEW_VERSION}"
_TOPIC = f"leave the topic as it is, and {NEW_VERSION}"

BREAKING: dict[Kind, Rule] = {
    Kind.field_removed: Rule(
        Hurt.released, f"go on sending the field, also if nobody of ours reads it; or {NEW_VERSION}"
    ),
    Kind.field_renamed: Rule(
        Hurt.released,
        f"keep the old name, and add the new one as an optional field beside it; or {NEW_VERSION}",
    ),
    Kind.field_newly_required: Rule(Hurt.updated, "leave it optional, and treat its absence in the reader"),
    Kind.field_no_longer_required: Rule(
        Hurt.released, f"go on sending it always, and check that in a test; or {NEW_VERSION}"
    ),
    Kind.new_field_required: Rule(
        Hurt.updated, "give the new field a default: it is optional then, and old records stay readable"
    ),
    Kind.type_changed: Rule(Hurt.readers, f"add an optional field of the new type; or {NEW_VERSION}"),
    Kind.null_allowed: Rule(
        Hurt.released, f"say the absence in a new optional field, and go on sending a value; or {NEW_VERSION}"
    ),
    Kind.null_refused: Rule(Hurt.updated, _NARROWER),
    Kind.alternatives_fewer: Rule(Hurt.updated, _NARROWER),
    Kind.alternatives_more: Rule(Hurt.released, _WIDER),
    Kind.bound_narrowed: Rule(Hurt.updated, _NARROWER),
    Kind.bound_widened: Rule(Hurt.released, _WIDER),
    Kind.bound_added: Rule(Hurt.updated, _NARROWER),
    Kind.bound_removed: Rule(Hurt.released, _WIDER),
    Kind.words_fewer: Rule(Hurt.updated, f"stop sending the word, but go on accepting it; or {NEW_VERSION}"),
    Kind.words_more: Rule(
        Hurt.released,
        f"send a word that released readers know, and the new one in an optional field; or {NEW_VERSION}",
    ),
    Kind.constant_changed: Rule(Hurt.readers, f"leave the constant; or {NEW_VERSION}"),
    Kind.pattern_changed: Rule(Hurt.readers, f"add an optional field with the new pattern; or {NEW_VERSION}"),
    Kind.names_changed: Rule(Hurt.readers, f"add an optional field with the new names; or {NEW_VERSION}"),
    Kind.format_changed: Rule(Hurt.readers, f"add an optional field in the new format; or {NEW_VERSION}"),
    Kind.step_changed: Rule(Hurt.readers, f"add an optional field with the finer step; or {NEW_VERSION}"),
    Kind.default_changed: Rule(Hurt.readers, "leave the default, and always send the value that you mean"),
    Kind.unit_changed: Rule(
        Hurt.readers,
        "add an optional field whose name ends with the new unit, and go on sending the old one; "
        f"or {NEW_VERSION}",
    ),
    Kind.object_closed: Rule(
        Hurt.updated, "leave it open: readers ignore fields that they do not know, so that contracts can grow"
    ),
    Kind.rule_changed: Rule(Hurt.readers, f"leave the rule; or {NEW_VERSION}"),
    Kind.contract_withdrawn: Rule(
        Hurt.readers,
        "go on emitting it; or retire it: declare its successor, emit both until a time that readers know, "
        "and remove it after the last record is gone (shared/contracts/successions.py)",
    ),
    Kind.version_replaced: Rule(
        Hurt.readers, "leave the old version in its topic, and give the new version a topic of its own"
    ),
    Kind.withdrawn_early: Rule(
        Hurt.readers, "keep the contract until its last record is gone: readers still meet its records"
    ),
    Kind.succession_shortened: Rule(
        Hurt.readers,
        "leave the time until which both versions are emitted, or put it off: readers plan by it",
    ),
    Kind.succession_dropped: Rule(
        Hurt.readers, "leave the declaration as long as the old contract (shared/contracts/successions.py)"
    ),
    Kind.topic_renamed: Rule(Hurt.readers, _TOPIC),
    Kind.key_changed: Rule(Hurt.readers, f"leave the key, since it decides the order; {NEW_VERSION}"),
    Kind.partitioner_changed: Rule(Hurt.readers, "leave crc32: all records of a key are in one partition"),
    Kind.partitions_lowered: Rule(Hurt.readers, f"leave the number: Kafka cannot lower it; {NEW_VERSION}"),
    Kind.partitions_raised: Rule(
        Hurt.readers,
        f"leave the number: a key would move, and its readers need its records in order; or {NEW_VERSION}",
    ),
    Kind.retention_shortened: Rule(
        Hurt.readers, "keep records as long as released: a reader may be away, or begin at the beginning"
    ),
    Kind.compaction_begun: Rule(
        Hurt.readers, "leave the topic uncompacted: its readers need every record, not only the latest"
    ),
    Kind.compaction_ended: Rule(
        Hurt.readers, "leave the topic compacted: what is overwritten, such as a destroyed key, must go"
    ),
    Kind.clock_changed: Rule(Hurt.readers, "leave the broker's clock: senders' clocks may be wrong"),
    Kind.body_limit_lowered: Rule(Hurt.updated, "leave the limit, and send less"),
    Kind.body_limit_raised: Rule(Hurt.released, f"send several events; or {NEW_VERSION}"),
    Kind.record_limit_lowered: Rule(Hurt.senders, "leave the limit of the topic"),
    Kind.header_removed: Rule(Hurt.readers, "go on sending the header"),
    Kind.header_newly_required: Rule(Hurt.senders, "leave it optional, with a value that we take instead"),
    Kind.header_no_longer_sent: Rule(Hurt.readers, "go on sending the header with every record"),
    Kind.content_type_changed: Rule(Hurt.readers, _TOPIC),
    Kind.writer_changed: Rule(
        Hurt.readers,
        f"let the same service go on writing it, since readers may filter by ce_source; or {NEW_VERSION}",
    ),
    Kind.closed_to_others: Rule(Hurt.senders, "go on accepting the commands of other systems"),
}

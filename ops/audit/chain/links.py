"""A link of a chain: what it says, where it stands, and what differs from it."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from ops.audit.log import Entry
from shared.contracts import topics

Json: TypeAlias = dict[str, Any]
Status = Literal["agrees", "differs", "gone"]
RETENTION = {topic.name: topic.retention_days for topic in topics.LIVE}


@dataclass(frozen=True, slots=True)
class Link:
    """
    One step from an answer to an award.

    Attributes:
        name: the topic of its event, or what it is.
        says: in one sentence. It never has personal data or an organiser's words.
        differs: what is wrong, in sentences; empty if everything agrees.
        entry: its record in the log, if it is one.
        stored: "database.collection/id" of its document, if it is one.
        gone: its event is not in the log, and is so old that Kafka may have deleted it.
    """

    name: str
    says: str
    differs: tuple[str, ...] = ()
    entry: Entry | None = None
    stored: str | None = None
    gone: bool = False

    @property
    def status(self) -> Status:
        """`gone` is no error: nobody can check this link any more."""
        if self.differs:
            return "differs"
        return "gone" if self.gone else "agrees"

    @property
    def sha256(self) -> str | None:
        """The digest of the record's value."""
        value = None if self.entry is None else self.entry.value
        return None if value is None else hashlib.sha256(value).hexdigest()

    def for_programs(self) -> Json:
        """The link as JSON."""
        entry = self.entry
        return {
            "link": self.name,
            "topic": entry and entry.topic,
            "partition": entry and entry.partition,
            "offset": entry and entry.offset,
            "event_id": entry and entry.event_id,
            "sha256": self.sha256,
            "stored": self.stored,
            "says": self.says,
            "status": self.status,
            "differs": list(self.differs),
        }


def link_of(entry: Entry, says: str, differs: Iterable[str] = ()) -> Link:
    """The link of an event."""
    return Link(entry.topic, says, tuple(differs), entry)


def absent(topic: str, what: str, at: datetime | None, now: datetime) -> Link:
    """
    The link of an event that is not in the log.

    Args:
        at: about when it was published; None if nobody knows.
    """
    if is_gone(topic, at, now):
        days = RETENTION[topic]
        return Link(topic, f"{what}: no longer in the log, which keeps it for {days} days", gone=True)
    return Link(topic, what, (f"{topic} does not have this event",))


def is_gone(topic: str, at: datetime | None, now: datetime) -> bool:
    """True if Kafka may have deleted an event of this topic that was published at that time."""
    return at is not None and (now - at).days >= RETENTION[topic]


def numbered(events: Iterable[Entry], versions: int, what: str) -> Iterator[str]:
    """What is wrong with the versions of these events, which should be 1, 2, … each once."""
    found = sorted(event.body.get("version", 1) for event in events)
    if lost := sorted({*range(1, versions + 1)} - {*found}):
        yield f"{what}: version {', '.join(map(str, lost))} is not in the log"
    if more := sorted({one for one in found if one > versions}):
        yield f"{what}: version {', '.join(map(str, more))} is in the log, and is not stored"
    if twice := sorted({one for one in found if found.count(one) > 1}):
        yield f"{what}: version {', '.join(map(str, twice))} is in the log twice"


def unequal(pairs: Iterable[tuple[str, object, object]]) -> Iterator[str]:
    """The pairs that are not equal. Each is a name, what is here, and what should be."""
    for name, found, should in pairs:
        if found != should:
            yield f"{name} is {_words(found)}, and should be {_words(should)}"


def _words(value: object) -> str:
    return "nothing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

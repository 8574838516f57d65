"""Reading the dead letters of all groups, and what operators have decided about them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from confluent_kafka import Message

from ops.deployment.whole_topics import records_of
from shared.contracts import topics
from shared.contracts.envelope import REDRIVEN_FROM, REDRIVEN_TIMES, Headers, decoder
from shared.contracts.events import DeadLetterDecided
from shared.messaging.connection import Kafka
from shared.runtime.errors import Rejected

State = Literal["waiting", "redriven", "discarded"]
# Added to a record when it became a dead letter, or when it was sent again. The record has not had them.
_ADDED = ("dead_", REDRIVEN_FROM, REDRIVEN_TIMES)

# Where these services do not run, there are no topics of theirs, and no dead letters.
_OPTIONAL = frozenset(topic.name for declared in topics.OPTIONAL.values() for topic in declared)
# What `kepu dead redrive` writes into them. Anybody can write more digits than Python makes a number of.
_TIMES = re.compile(r"[0-9]{1,9}")
_FIRST = re.compile(r"[0-9]{1,9}/[0-9]{1,18}")

_decode = decoder(DeadLetterDecided)


@dataclass(frozen=True, slots=True)
class Letter:
    """
    A dead letter.

    Attributes:
        name: its own place, as "topic/partition/offset".
        place: where its record was when the group gave it up, in the same form.
        first: where its record was before anybody sent it again, as "partition/offset".
        times: how often its record was sent again before.
        headers, key, value: the record's own. The value is None if the letter does not contain the record.
        decisions: what was decided about it, the oldest first.
    """

    name: str
    topic: str
    group: str
    code: str
    reason: str
    place: str
    first: str
    at: datetime
    times: int
    event_id: str
    source: str
    correlation_id: str
    headers: Headers
    key: bytes | None
    value: bytes | None
    decisions: tuple[DeadLetterDecided, ...] = ()

    @property
    def state(self) -> State:
        """`waiting` until operators have decided."""
        last = self.decisions[-1].decision if self.decisions else None
        return last if last in ("redriven", "discarded") else "waiting"


def read_letters(kafka: Kafka, of: Iterable[str]) -> list[Letter]:
    """The dead letters in these topics of dead letters, the oldest first."""
    decided = _decisions(kafka)
    letters = (_letter(message) for message in records_of(kafka, sorted({*of}), _OPTIONAL))
    found = [replace(one, decisions=tuple(decided.get(one.name, ()))) for one in letters if one]
    return sorted(found, key=lambda letter: (letter.at, letter.name))


def _decisions(kafka: Kafka) -> Mapping[str, list[DeadLetterDecided]]:
    found: dict[str, list[DeadLetterDecided]] = {}
    for message in records_of(kafka, [DeadLetterDecided.topic]):
        try:
            [decision] = _decode([message.value() or b""])
        except Rejected:
            continue
        if decision.letter is not None:
            found.setdefault(decision.letter, []).append(decision)
    return found


def _letter(message: Message) -> Letter | None:
    """A dead letter; None if the record is none, which only a stranger can have written."""
    pairs: Any = message.headers() or []
    headers: Headers = [(name, value) for name, value in pairs if value is not None]
    # What our group has added stands behind the record's own headers.
    found = {name: value.decode(errors="replace") for name, value in headers}
    try:
        topic, group = found["dead_topic"], found["dead_group"]
        partition, offset = int(found["dead_partition"]), int(found["dead_offset"])
        at, code = datetime.fromisoformat(found["dead_time"]).astimezone(UTC), found["dead_code"]
    except (KeyError, ValueError, OverflowError):
        return None
    times, first = found.get(REDRIVEN_TIMES, ""), found.get(REDRIVEN_FROM, "")
    is_again = bool(_TIMES.fullmatch(times) and _FIRST.fullmatch(first))
    has_record = any(name == "ce_type" for name, _ in headers) and message.value() is not None
    return Letter(
        name=f"{message.topic()}/{message.partition()}/{message.offset()}",
        topic=topic,
        group=group,
        code=code,
        reason=found.get("dead_reason", ""),
        place=f"{topic}/{partition}/{offset}",
        first=first if is_again else f"{partition}/{offset}",
        at=at,
        times=int(times) if is_again else 0,
        event_id=found.get("ce_id", ""),
        source=found.get("ce_source", ""),
        correlation_id=found.get("ce_correlationid", ""),
        headers=[pair for pair in headers if not pair[0].startswith(_ADDED)],
        key=message.key(),
        value=message.value() if has_record else None,
    )


def as_seen(letters: Iterable[Letter]) -> Iterator[dict[str, Any]]:
    """What may be shown of letters: no content, since it may be personal."""
    for one in letters:
        yield {
            "name": one.name,
            "topic": one.topic,
            "group": one.group,
            "code": one.code,
            "reason": one.reason,
            "source": one.source,
            "event_id": one.event_id,
            "correlation_id": one.correlation_id,
            "at": one.at.isoformat(),
            "place": one.place,
            "times": one.times,
            "state": one.state,
        }

"""
The old versions of events, made from the new ones, while both are emitted.

The publisher asks for them in each write. If no succession is declared, that costs nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec
from pydantic import ValidationError

from shared.contracts.envelope import FACT_ID, REDRIVEN_FROM, Event, Headers, event_id, written_time
from shared.contracts.first_wrong import first_problem
from shared.contracts.successions import Succession
from shared.runtime.clock import now
from shared.runtime.errors import Rejected

# CloudEvents, deprecation extension.
DEPRECATED = "ce_deprecated"
DEPRECATED_FROM = "ce_deprecationfrom"
SUNSET = "ce_deprecationsunset"
SUCCESSOR = "ce_deprecationmigration"

TwinRecord = tuple[str, bytes | None, bytes | None, Headers]


class Twins:
    """Adds to records those of the version before, until its time is over."""

    def __init__(self, declared: Sequence[Succession], clock: Callable[[], datetime] = now) -> None:
        self._by_topic = {one.new.topic: one for one in declared}
        self._clock = clock

    def __bool__(self) -> bool:
        return bool(self._by_topic)

    def with_older(self, records: Sequence[TwinRecord]) -> list[TwinRecord]:
        """
        The records, each followed by those of its older versions. The events of a key keep their order.

        Raises:
            Rejected: the old version cannot be made. Nothing was written: to leave it out would lose an event
                that readers were promised.
        """
        moment = self._clock()
        return [each for record in records for each in self._versions(record, moment)]

    def _versions(self, record: TwinRecord, moment: datetime) -> Iterator[TwinRecord]:
        yield record
        succession = self._by_topic.get(record[0])
        if succession is None or moment >= succession.until:
            return
        # What `kepu dead` sends again was in the old topic already, when it was sent first.
        if any(name == REDRIVEN_FROM for name, _ in record[3]):
            return
        yield from self._versions(_older(record, succession), moment)


def _older(record: TwinRecord, succession: Succession) -> TwinRecord:
    _, key, value, headers = record
    old = succession.old
    named = dict(headers)
    if FACT_ID not in named:
        raise Rejected(
            f"a record of {succession.new.type} has no {FACT_ID}: make its context with first_type",
            code="fact_unnamed",
        )
    if value is not None:
        event = _older_event(value, succession)
        key, value = event.key.encode(), event.__pydantic_serializer__.to_json(event)
    fact_id = named[FACT_ID]
    named["ce_type"] = old.type.encode()
    named["ce_subject"] = key or b""
    if old.first_type is None:
        # Exactly the id that it had before there was another version.
        named["ce_id"] = named.pop(FACT_ID)
    else:
        named["ce_id"] = event_id(fact_id.decode(), old.type).encode()
    named |= {
        DEPRECATED: b"true",
        DEPRECATED_FROM: written_time(succession.since),
        SUNSET: written_time(succession.until),
        SUCCESSOR: f"urn:{succession.new.type}".encode(),
    }
    return old.topic, key, value, list(named.items())


def _older_event(value: bytes, succession: Succession) -> Event:
    made = succession.older(msgspec.json.decode(value))
    try:
        return succession.old.model_validate_json(msgspec.json.encode(made))
    except ValidationError as error:
        raise Rejected(
            f"{succession.old.type} cannot be made from {succession.new.type}: {first_problem(error)}",
            code="old_version_unmakeable",
        ) from error

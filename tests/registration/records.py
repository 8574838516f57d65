"""Whether a record is what its contract writes."""

from datetime import UTC, datetime, timedelta

from shared.contracts.envelope import Envelope, Event, context_of, enclose
from shared.contracts.origin import Origin
from shared.contracts.sources import REGISTRATION
from shared.contracts.traces import new_traceparent
from shared.messaging.publisher import Record, to_record
from tests.registration.builders import NOW

PARENT = context_of("other.v1", "k", source="another-system", cause="c", now=NOW, correlation_id="corr")
ORIGINS = [Origin(parent=PARENT), Origin(correlation_id="request", traceparent=new_traceparent())]
TIMES = [NOW, NOW + timedelta(milliseconds=7), datetime(2099, 12, 31, 23, 59, 59, 999_000, UTC)]


def assert_as_contract(
    told: Record | Envelope[Event], contract: type[Event], cause: str, origin: Origin, now: datetime
) -> None:
    """This record is, byte for byte, what its contract writes of the same event."""
    record = to_record(told) if isinstance(told, Envelope) else told
    event = contract.model_validate_json(record[2] or b"")
    assert record[0] == contract.topic
    written = to_record(
        enclose(
            event,
            source=REGISTRATION,
            cause=cause,
            now=now,
            parent=origin.parent,
            correlation_id=origin.correlation_id,
            traceparent=origin.traceparent,
        )
    )
    assert record == written

"""How registration's events are made. Each room has its events in `events.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from shared.contracts.envelope import Context, Envelope, Event, context_of, enclose, to_headers
from shared.contracts.sources import REGISTRATION
from shared.messaging.publisher import Record
from shared.runtime import logs

Fields = Mapping[str, object]

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of an event: a command's context, or a request's correlation id."""

    parent: Context | None = None
    correlation_id: str | None = None

    @classmethod
    def of_request(cls) -> "Origin":
        """The HTTP request that is being answered."""
        return cls(correlation_id=logs.correlation_id.get())


def enclosed(
    contract: type[Event], fields: Fields, cause: str, origin: Origin, now: datetime
) -> Envelope[Event]:
    """An event that its contract has checked."""
    return enclose(
        contract.model_validate(fields),
        source=REGISTRATION,
        cause=cause,
        now=now,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
    )


def record_of(contract: type[Event], fields: Fields, cause: str, origin: Origin, now: datetime) -> Record:
    """
    The record of the same event, in a fifth of the time, because the contract does not check it.

    For events that come in thousands. Their fields come from checked requests and from the database.

    Args:
        fields: all fields of the contract, in the contract's order. Tests compare the record with what the
            contract writes (tests/registration/records.py).
    """
    key = str(fields[contract.key_field])
    context = context_of(
        contract.type,
        key,
        source=REGISTRATION,
        cause=cause,
        now=now,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
    )
    return contract.topic, key.encode(), _encode(fields), to_headers(context)

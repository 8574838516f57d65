"""How registration's events are made: each room says which in its `events.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from shared.contracts.envelope import Context, Envelope, Event, context_of, enclose, to_headers
from shared.messaging.publisher import Record
from shared.runtime import logs

SOURCE = "kepu/registration"

Fields = Mapping[str, object]

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Origin:
    """What an event follows from: a command's context, or a request's correlation id."""

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
        source=SOURCE,
        cause=cause,
        now=now,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
    )


def record_of(contract: type[Event], fields: Fields, cause: str, origin: Origin, now: datetime) -> Record:
    """
    The record of the same event, in a fifth of the time: the contract checks nothing.

    For the events that a rush is made of. Their fields come from checked requests and from the database.

    Args:
        fields: all of the contract's, also those that have a default.
    """
    key = str(fields[contract.key_field])
    context = context_of(
        contract.type,
        key,
        source=SOURCE,
        cause=cause,
        now=now,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
    )
    return contract.topic, key.encode(), _encode(_struct_of(contract)(**fields)), to_headers(context)


@cache
def _struct_of(contract: type[Event]) -> type[Any]:
    """The contract's fields, in their order, as a struct that is written fast."""
    return msgspec.defstruct(
        f"_{contract.__name__}", [(name, Any) for name in contract.model_fields], frozen=True, gc=False
    )

"""What a handler is given, and what it gives back."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from aiokafka import ConsumerRecord

from shared.contracts.envelope import Context, Envelope, Event
from shared.messaging.publisher import Record
from shared.runtime.errors import Rejected

GATHER_MS = 100

E_co = TypeVar("E_co", covariant=True)
Raw: TypeAlias = ConsumerRecord[bytes, bytes]


class Dead(NamedTuple):
    """A record that is given up, and why."""

    record: Raw
    why: Rejected


@dataclass(frozen=True, slots=True)
class Received(Generic[E_co]):
    """One event as it came in, and the record that it came in."""

    event: E_co
    context: Context
    record: Raw

    @property
    def appended_at(self) -> datetime:
        """The record's time: the broker's own where the topic says so, else the sender's."""
        return datetime.fromtimestamp(self.record.timestamp / 1000, UTC)


@dataclass(slots=True)
class Batch(Generic[E_co]):
    """The good events of one poll, in order; `reject` sends one of them to the dead letters."""

    events: Sequence[Received[E_co]]
    rejected: list[Dead] = field(default_factory=list)

    def __iter__(self) -> Iterator[Received[E_co]]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def reject(self, received: Received[Any], why: Rejected) -> None:
        """Retrying this one cannot help; its neighbours are handled as usual."""
        self.rejected.append(Dead(received.record, why))


Following: TypeAlias = Sequence[Envelope[Event] | Record]
Handler: TypeAlias = Callable[[Batch[Any]], Awaitable[Following]]
Decode: TypeAlias = Callable[[Sequence[bytes]], Sequence[Any]]
"""The events of many values, in order; raises Rejected when any of them is wrong."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """
    What one group reads, and the function that handles it.

    `handle` gets the good events of a poll in order and returns the events that follow
    from them. It may be called again with the same events, so a repeat of what it writes must change nothing.
    `decoders` replaces a topic's own decoding where a faster one is proved equal. `gather_ms` is how long an
    event may wait at the broker for others while the topic is busy. `codes` are those that `handle` rejects
    with: their counters exist from the start, so that a first rejection shows as an increase.
    """

    group: str
    contracts: Sequence[type[Event]]
    handle: Handler
    decoders: Mapping[str, Decode] = field(default_factory=dict)
    gather_ms: int = GATHER_MS
    codes: Sequence[str] = ()

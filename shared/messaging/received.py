"""What a handler gets and returns, and what a group reads."""

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
    """A record to be dead-lettered, and why."""

    record: Raw
    why: Rejected

    @classmethod
    def of(cls, record: Raw, why: Rejected) -> "Dead":
        """
        A copy of `why` has only its message and code.

        A raised error holds its stack frames, and they hold the records of the whole batch in memory.
        """
        return cls(record, Rejected(why.message, code=why.code))


@dataclass(frozen=True, slots=True)
class Received(Generic[E_co]):
    """An event, and the record that contained it."""

    event: E_co
    context: Context
    record: Raw

    @property
    def appended_at(self) -> datetime:
        """The record's time, by the broker's clock (`shared.contracts.topics`)."""
        return datetime.fromtimestamp(self.record.timestamp / 1000, UTC)


@dataclass(slots=True)
class Batch(Generic[E_co]):
    """The good events of one poll, in order. `reject` dead-letters one of them."""

    events: Sequence[Received[E_co]]
    rejected: list[Dead] = field(default_factory=list)

    def __iter__(self) -> Iterator[Received[E_co]]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def reject(self, received: Received[Any], why: Rejected) -> None:
        """
        Dead-letter this event, because trying again cannot help. The other events are handled as usual.

        A handler may also reject an event after it has done what it could: then the reason says what is left
        for an organiser (such as `standings_too_short` of awards).
        """
        self.rejected.append(Dead.of(received.record, why))


Following: TypeAlias = Sequence[Envelope[Event] | Record]
Handler: TypeAlias = Callable[[Batch[Any]], Awaitable[Following]]
GivenUp: TypeAlias = Callable[[Sequence[Dead]], Awaitable[None]]
Decode: TypeAlias = Callable[[Sequence[bytes]], Sequence[Any]]
"""The events of many values, in order. Raises Rejected if any of them is wrong."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """
    What one group reads, and the function that handles it.

    Args:
        handle: gets the good events of a poll in order, and returns the events that follow from them. It may
            get the same events twice. The second time must change nothing.
        decoders: a faster decoding of some topics, proved equal to the contract's own.
        gather_ms: how long an event may wait at the broker for others while the topic is busy.
        codes: all codes that `handle` rejects with. Their counters start at 0, so that the alert on dead
            letters sees the first one.
        given_up: is told of all records that were dead-lettered, whoever has given them up. It may hear of
            the same ones again. If it fails (but for `Unavailable`), the batch goes on without it.
    """

    group: str
    contracts: Sequence[type[Event]]
    handle: Handler
    decoders: Mapping[str, Decode] = field(default_factory=dict)
    gather_ms: int = GATHER_MS
    codes: Sequence[str] = field(kw_only=True)
    given_up: GivenUp | None = None

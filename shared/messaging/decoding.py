"""
Decode records to events. Each record is checked separately, so a wrong one does no harm to others.

A batch is decoded in slices. Requests and heartbeats run between the slices.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Protocol

from shared.contracts.checked import YEARS
from shared.contracts.envelope import Context, Event, decoder, from_headers
from shared.contracts.events import forged_sources
from shared.contracts.traces import Step
from shared.messaging.fetched import Unreadable
from shared.messaging.policy import (
    BAD_BODY,
    BAD_TIME,
    DECODER_FAILED,
    KEY_DIFFERS,
    SOURCE_OURS,
    TOO_LARGE,
    UNKNOWN_TYPE,
    UNREADABLE,
    ConsumerPolicy,
)
from shared.messaging.received import Dead, Decode, Raw, Received, Subscription
from shared.runtime.errors import Rejected


def _milliseconds(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)


# After this time decoding lets requests run, at the end of a slice or of a record.
BUSY_SECONDS_MAX = 0.02
# A slice has at most this number of records and of bytes. A record with more bytes is a slice of its own.
SLICE_RECORDS_MAX = 100
SLICE_BYTES_MAX = 65_536

FIRST_MS, LAST_MS = _milliseconds(YEARS[0]), _milliseconds(YEARS[-1] + 1)


class DecoderFails(Exception):
    """The error is in a decoder of ours, not in the records."""


class _Pauses:
    """Lets requests run whenever decoding has taken `BUSY_SECONDS_MAX`."""

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        self._ends = time.perf_counter() + BUSY_SECONDS_MAX

    async def pause_if_due(self) -> None:
        if time.perf_counter() >= self._ends:
            await asyncio.sleep(0)
            self._ends = time.perf_counter() + BUSY_SECONDS_MAX


class Keyed(Protocol):
    """The key and the value of a record."""

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...


class Rule:
    """
    What a record of one topic must be, before any handler sees it. The audit asks the same.

    Args:
        decode: a faster decoding, proved equal to the contract's own.
        step: of the group that handles the events.
    """

    def __init__(self, contract: type[Event], decode: Decode | None = None, step: Step | None = None) -> None:
        self.contract = contract
        self._step = step
        # Of a command: our services that never send it, so only a forged record names one of them.
        self._forged = forged_sources(contract)
        self._key = attrgetter(contract.key_field)
        self._decode = decode or decoder(contract)

    def context(self, record: Raw) -> Context:
        """
        The context of a record.

        Raises:
            Rejected: it has no value, its value is too large, or its time or a header is wrong.
        """
        contract = self.contract
        if record.value is None:
            raise _without_value(record)
        if len(record.value) > contract.bytes_max:
            raise Rejected(
                f"the body has {len(record.value)} of at most {contract.bytes_max} bytes", code=TOO_LARGE
            )
        if not FIRST_MS <= record.timestamp < LAST_MS:
            raise Rejected(f"the record's time {record.timestamp} is impossible", code=BAD_TIME)
        context = from_headers(
            record.headers,
            appended_at=lambda: datetime.fromtimestamp(record.timestamp / 1000, UTC),
            key=record.key,
            step=self._step,
        )
        if context.type != contract.type:
            raise Rejected(f"ce_type is not {contract.type!r}", code=UNKNOWN_TYPE)
        if context.source in self._forged:
            raise Rejected(
                f"ce_source {context.source!r} is a service of ours that never sends this command",
                code=SOURCE_OURS,
            )
        return context

    def events(self, records: Sequence[Keyed]) -> Sequence[Any]:
        """
        The events of records, in order.

        Raises:
            Rejected: at least one body is wrong, or a key is not its event's own.
        """
        # All records have a value: `context` has refused the others.
        events = self._decode([record.value or b"" for record in records])
        if len(events) != len(records):
            raise DecoderFails(
                f"the decoder of {self.contract.topic} made {len(events)} events of {len(records)} records"
            )
        # The key decides the partition, and the partition decides the order of events. So the key must be the
        # event's own. All keys are compared together, in 0.2 us an event.
        if [record.key for record in records] != list(map(str.encode, map(self._key, events))):
            raise Rejected("the record's key is not the event's own", code=KEY_DIFFERS)
        return events


class Decoding:
    """Decodes the records of one group."""

    def __init__(self, subscription: Subscription, policy: ConsumerPolicy | None = None) -> None:
        self._policy = policy or ConsumerPolicy()
        step = Step(subscription.group)
        self._rules = {
            contract.topic: Rule(contract, subscription.decoders.get(contract.topic), step)
            for contract in subscription.contracts
        }
        # For each of the last records that the contract accepts: True if our decoder failed on it.
        self._recent: deque[bool] = deque(maxlen=self._policy.failed_window)

    async def decode(self, records: Sequence[Raw]) -> tuple[list[Received[Any]], list[Dead]]:
        """The good events in the order of their records, and the records to be dead-lettered."""
        contexts: dict[int, Context] = {}
        dead: list[Dead] = []
        by_topic: dict[str, list[int]] = defaultdict(list)
        for index, record in enumerate(records):
            try:
                contexts[index] = self._rules[record.topic].context(record)
                by_topic[record.topic].append(index)
            except Rejected as why:
                dead.append(Dead.of(record, why))
        events: dict[int, Any] = {}
        pauses = _Pauses()
        for topic, indexes in by_topic.items():
            for some in _slices(indexes, records):
                await pauses.pause_if_due()
                if len(some) == 1:
                    # One record, often a large one. A second try to find the wrong one would be wasted.
                    self._decode_one(topic, some[0], records[some[0]], events, dead)
                    continue
                try:
                    decoded = self._rules[topic].events([records[index] for index in some])
                except DecoderFails:
                    raise
                except Exception:  # noqa: BLE001 (any error of a decoder: one of the records is wrong)
                    # At least one record is wrong: decode each one separately.
                    for index in some:
                        await pauses.pause_if_due()
                        self._decode_one(topic, index, records[index], events, dead)
                else:
                    events.update(zip(some, decoded, strict=True))
                    self._recent.extend([False] * len(some))
        good = [Received(events[index], contexts[index], records[index]) for index in sorted(events)]
        return good, dead

    def _decode_one(
        self, topic: str, index: int, record: Raw, events: dict[int, Any], dead: list[Dead]
    ) -> None:
        try:
            [events[index]] = self._rules[topic].events([record])
        except Rejected as why:
            dead.append(Dead.of(record, why))
        except DecoderFails:
            raise
        except Exception as error:  # noqa: BLE001 (any error of a decoder: the record is wrong, or our decoder)
            dead.append(Dead(record, self._undecodable(topic, record, error)))
        else:
            self._recent.append(False)

    def _undecodable(self, topic: str, record: Raw, error: Exception) -> Rejected:
        """
        Judge a record after a decoder raised an unexpected error (not `Rejected`) on it.

        Returns: why the record becomes a dead letter.
        Raises:
            DecoderFails: our decoder has failed too often on records that the contract accepts.
        """
        try:
            decoder(self._rules[topic].contract)([record.value or b""])
        except Exception:  # noqa: BLE001 (the contract does not accept it either)
            return Rejected(f"it cannot be decoded: {type(error).__name__}", code=BAD_BODY)
        self._recent.append(True)
        policy, failures, of = self._policy, sum(self._recent), len(self._recent)
        if failures >= policy.failed_max and failures > policy.failed_ratio_max * of:
            raise DecoderFails(
                f"the decoder of {topic} failed on {failures} of {of} records that the contract accepts,"
                f" on the last by {type(error).__name__}"
            )
        return Rejected(f"our decoder failed on it: {type(error).__name__}", code=DECODER_FAILED)


def _slices(indexes: Sequence[int], records: Sequence[Raw]) -> Iterator[Sequence[int]]:
    begins = size_bytes = 0
    for at, index in enumerate(indexes):
        size_bytes += len(records[index].value or b"")
        if at - begins >= SLICE_RECORDS_MAX or (at > begins and size_bytes > SLICE_BYTES_MAX):
            yield indexes[begins:at]
            begins, size_bytes = at, len(records[index].value or b"")
    yield indexes[begins:]


def _without_value(record: Raw) -> Rejected:
    if isinstance(record, Unreadable):
        through = f" to {record.last_offset}" if record.last_offset > record.offset else ""
        return Rejected(f"offset {record.offset}{through}: {record.why}", code=UNREADABLE)
    return Rejected("the record has no value", code=BAD_BODY)

"""Take records from Kafka for one group, and commit them when they are handled."""

import asyncio
import logging
import time
from itertools import chain
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
)

from shared.messaging import fetched, membership
from shared.messaging.batches import PIECE_BYTES_MAX
from shared.messaging.fetched import BUDGET, Budget
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.received import Raw
from shared.runtime.background import backoff_seconds

log = logging.getLogger(__name__)

Found = dict[TopicPartition, list[Raw]]

fetched.install()
membership.install()


class Stuck(Exception):
    """aiokafka's consumer does not recover by itself. We have to make a new one."""


class Reading:
    """One group's reading in this process. `consumer` is always the aiokafka consumer that is running."""

    def __init__(self, group: str, policy: ConsumerPolicy, *, gather_ms: int) -> None:
        self.outage: str | None = None
        self._group = group
        self._policy = policy
        self._busy_fetch = policy.fetch_bytes_min, gather_ms
        self._idle_fetch = 1, int(policy.idle_fetch_seconds * 1000)
        self._read_to: dict[TopicPartition, int] = {}
        # True if more records wait than the last poll took. Then `_first` says which partition comes first.
        self._full = False
        self._first = 0
        self._failures = 0
        self._failing_since = 0.0

    async def poll(self, consumer: Any) -> list[Raw]:
        """
        The next records. Those of one partition are in order. Empty if no record comes within `poll_seconds`.

        Raises:
            Stuck: `consumer` has failed for too long, or a part of it has ended.
        """
        if consumer._fetcher._fetch_task.done():  # noqa: SLF001 (no public name shows that fetching has ended)
            raise Stuck("it fetches no more")
        try:
            found = await self._take(consumer)
        except ConsumerStoppedError:
            raise
        except KafkaError as error:
            await self._wait_out(f"Kafka cannot be read: {type(error).__name__}")
            if time.monotonic() - self._failing_since > self._policy.failing_seconds_max:
                raise Stuck(type(error).__name__) from error
            return []
        except Exception as error:
            # We know of no case, because `fetched` marks what cannot be read. The error has lost the records
            # that this poll took from other partitions, and a later commit would cover them. So read again.
            log.exception("poll failed; going back to what is committed", extra={"group": self._group})
            await self._go_back(consumer)
            await self._wait_out(f"a poll failed: {type(error).__name__}")
            return []
        self._failures, self.outage = 0, None
        self._pace(consumer, self._busy_fetch if found else self._idle_fetch)
        await self._remember(consumer, found)
        return list(chain.from_iterable(found.values()))

    def begin_anew(self) -> None:
        """Forget the old aiokafka consumer, because a new one starts."""
        self._read_to = {}
        self._full = False
        self._failures, self.outage = 0, None

    async def _take(self, consumer: Any) -> Found:
        found: Found = {}
        budget = Budget()
        token = BUDGET.set(budget)
        try:
            if self._full:
                # More records wait than fit a batch. Each partition gets its share, so that a full partition
                # does not delay the others.
                await self._take_shares(consumer, budget, found)
            if (room := self._policy.batch_events_max - _count(found)) and not budget.spent:
                budget.share_bytes = budget.left_bytes
                wait_ms = 0 if self._full else int(self._policy.poll_seconds * 1000)
                _add(found, await consumer.getmany(timeout_ms=wait_ms, max_records=room))
        except KafkaError:
            # Keep the records that were taken before the error. The next poll meets the error again.
            if not found:
                raise
        finally:
            BUDGET.reset(token)
        self._full = budget.spent or _count(found) >= self._policy.batch_events_max
        if self._full:
            # Let requests and heartbeats run, even if the poll has only skipped records.
            await asyncio.sleep(0)
        return found

    async def _take_shares(self, consumer: Any, budget: Budget, found: Found) -> None:
        """Take an equal share from each partition. Another partition is the first in each poll."""
        places = sorted(consumer.assignment())
        first = self._first % max(1, len(places))
        self._first += 1
        records_max = max(1, self._policy.batch_events_max // max(1, len(places)))
        budget.share_bytes = max(PIECE_BYTES_MAX, budget.left_bytes // max(1, len(places)))
        for place in places[first:] + places[:first]:
            room = self._policy.batch_events_max - _count(found)
            if not room or budget.spent:
                return
            left_bytes = budget.left_bytes
            _add(found, await consumer.getmany(place, timeout_ms=0, max_records=min(room, records_max)))
            if left_bytes - budget.left_bytes > PIECE_BYTES_MAX:
                await asyncio.sleep(0)

    async def _remember(self, consumer: Any, found: Found) -> None:
        try:
            # The position is also behind the markers of other systems' transactions. Markers are not records.
            self._read_to = {place: await consumer.position(place) for place in found}
        except IllegalStateError:
            # A rebalance came in between. The member that has the partitions now reads the batch again.
            self._read_to = {}

    def _pace(self, consumer: Any, fetch: tuple[int, int]) -> None:
        # Ten empty fetches a second would be most of the work of an idle service.
        fetcher = consumer._fetcher  # noqa: SLF001 (the settings are read at each fetch, and nowhere public)
        fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = fetch  # noqa: SLF001

    async def _wait_out(self, why: str) -> None:
        if not self._failures:
            self._failing_since = time.monotonic()
        self._failures += 1
        if self.outage is None:
            log.warning("waiting for Kafka", extra={"group": self._group, "reason": why})
        self.outage = why
        policy = self._policy
        await asyncio.sleep(backoff_seconds(self._failures, policy.retry_seconds, policy.retry_seconds_max))

    async def _go_back(self, consumer: Any) -> None:
        for place in consumer.assignment():
            while True:
                try:
                    offset = await consumer.committed(place)
                    if offset is None:
                        await consumer.seek_to_beginning(place)
                    else:
                        consumer.seek(place, offset)
                except IllegalStateError:
                    # Another member has the partition now.
                    pass
                except KafkaError as error:
                    await self._wait_out(f"Kafka cannot be read: {type(error).__name__}")
                    continue
                break

    async def commit(self, consumer: Any) -> bool:
        """
        Commit the batch. If Kafka is away, try until it is back.

        Returns: False if the partitions went to another member meanwhile. That member repeats the batch.
        """
        while True:
            try:
                if offsets := await self._still_ours(consumer):
                    await consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError):
                log.warning("commit refused after a rebalance", extra={"group": self._group})
                self._failures, self.outage = 0, None
                return False
            except KafkaError as error:
                await self._wait_out(f"Kafka takes no commit: {type(error).__name__}")
            else:
                self._failures, self.outage = 0, None
                return True

    async def _still_ours(self, consumer: Any) -> dict[TopicPartition, int]:
        """
        The ends of the batch, by partition. Only partitions where our position is still the end of the batch.

        A partition may have gone to another member and come back. Then our position is what that member has
        committed. If we committed our own older offset, the group would go back, and without a new record
        nothing would correct that.
        """
        return {place: end for place, end in self._read_to.items() if await consumer.position(place) == end}


def _add(found: Found, more: Found) -> None:
    for place, records in more.items():
        found.setdefault(place, []).extend(records)


def _count(found: Found) -> int:
    return sum(map(len, found.values()))

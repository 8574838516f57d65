"""
The close of a quiz: final standings, when everything that was accepted in time is graded.

A quiz that is over first settles, so that what intake acknowledged in its last moment
is in the log; from then on the broker's time makes any further submission late. Then
the graders must have committed every submission that the log held at that moment.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.quiz.catalogue import Catalogue
from services.quiz.ranking import ranked
from services.quiz.rules import SETTLE_SECONDS
from services.quiz.store import QuizRecord, QuizStore
from shared.contracts.envelope import enclose
from shared.contracts.events import STANDINGS_MAX, FinalStanding, QuizClosed, QuizSubmitted
from shared.runtime import clock
from shared.runtime.background import beside
from shared.runtime.errors import Unavailable
from shared.storage.mongo import PyMongoError

log = logging.getLogger(__name__)

SOURCE = "kepu/quiz"
GROUP = "quiz-grading"
LOOK_SECONDS = 1.0
SILENCE_SECONDS_MAX = 60.0
MARKER_WAIT_MS = 500

Offsets: TypeAlias = Mapping[TopicPartition, int]


class Closer:
    """
    Closes quizzes that are over.

    Args:
        grade_rest: grades what of a quiz still waits for its participants.
        settle_seconds: how long after the grace what intake acknowledged may still be on its way.
    """

    def __init__(
        self,
        store: QuizStore,
        catalogue: Catalogue,
        kafka: str,
        grade_rest: Callable[[str], Awaitable[None]],
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._kafka = kafka
        self._grade_rest = grade_rest
        self._settle = timedelta(seconds=settle_seconds)
        self._looked_at = time.monotonic()
        # What the log held when a quiz was first seen to be over.
        self._held: dict[str, Offsets] = {}

    async def run(self) -> None:
        """Look for quizzes to close until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.close_due(clock.now())
                self._looked_at = time.monotonic()
            except (Unavailable, KafkaError) as error:
                log.warning("closing waits for a server", extra={"reason": str(error)})
            except PyMongoError:
                log.exception("closing failed; trying again")

    async def check(self) -> str | None:
        """Whether quizzes are looked after; a health check."""
        silence_seconds = time.monotonic() - self._looked_at
        if silence_seconds > SILENCE_SECONDS_MAX:
            return f"no look for quizzes to close for {silence_seconds:.0f} s"
        return None

    async def close_due(self, now: datetime) -> None:
        """
        Close every quiz whose time, grace and settling are over and whose submissions are graded.

        Raises:
            Unavailable, KafkaError: a server does not answer; call again.
        """
        due = [record for record in await self._store.quizzes() if self._is_due(record, now)]
        if not due:
            return
        ends, graded = await self._log()
        # Not what it holds now: another quiz that is being sat would keep this one from closing.
        self._held = {record.quiz_id: self._held.get(record.quiz_id, ends) for record in due}
        for record in due:
            held = self._held[record.quiz_id]
            # A partition that holds nothing any more has outlived its submissions.
            if all(graded.get(partition, end) >= end for partition, end in held.items()):
                # Final standings are everybody's, frozen or not.
                await self._store.end_freezes(record.quiz_id)
                await self._grade_rest(record.quiz_id)
                while await self._store.standings.release(record.quiz_id):
                    self._looked_at = time.monotonic()
                await self._close(record, now)
        await self._catalogue.refresh()

    def _is_due(self, record: QuizRecord, now: datetime) -> bool:
        grace = timedelta(seconds=record.quiz.grace_seconds)
        return record.status != "closed" and now > record.closes_at + grace + self._settle

    async def _close(self, record: QuizRecord, now: datetime) -> None:
        best = ranked(await self._store.standings.top(record.quiz_id, STANDINGS_MAX), record.quiz.opens_at)
        event = QuizClosed(
            quiz_id=record.quiz_id,
            quiz_title=record.quiz.title,
            closed_at=now,
            participants=await self._store.standings.count(record.quiz_id),
            standings=tuple(
                FinalStanding(
                    rank=standing.rank,
                    participant_id=standing.participant_id,
                    score_percent=standing.place.score_percent,
                    time_used_seconds=standing.place.time_used_seconds,
                )
                for standing in best
            ),
        )
        # Several workers may get here: the first to write it has said it.
        if await self._store.finish_closing(
            record.quiz_id, [enclose(event, source=SOURCE, cause=record.quiz_id, now=now)]
        ):
            log.info("quiz closed", extra={"quiz_id": record.quiz_id, "participants": event.participants})

    async def _log(self) -> tuple[Offsets, Offsets]:
        """Where the log ends now, in each partition that holds anything, and to where it is graded."""
        # Without a group: it has the topic's metadata and takes no part in its reading.
        consumer = AIOKafkaConsumer(
            QuizSubmitted.topic, bootstrap_servers=self._kafka, isolation_level="read_committed"
        )
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        try:
            await consumer.start()
            await admin.start()
            numbers = consumer.partitions_for_topic(QuizSubmitted.topic)
            if not numbers:
                raise Unavailable(f"topic {QuizSubmitted.topic} does not exist")
            partitions = [TopicPartition(QuizSubmitted.topic, number) for number in numbers]
            begins = await consumer.beginning_offsets(partitions)
            ends = await consumer.end_offsets(partitions)
            committed = await admin.list_consumer_group_offsets(GROUP, partitions=partitions)
            filled = {partition: end for partition, end in ends.items() if end > begins[partition]}
            graded = {partition: max(begins[partition], committed[partition].offset) for partition in filled}
            for partition, end in filled.items():
                if graded[partition] < end:
                    graded[partition] = await _skip_markers(consumer, partition, graded[partition])
        finally:
            await consumer.stop()
            await admin.close()
        return filled, graded


async def _skip_markers(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> int:
    """
    The offset of the next submission from this one on, or of the log's end.

    Graders commit what they have read, and after the last submission of another system's
    transaction there stands a marker that nobody reads.
    """
    consumer.seek(partition, offset)
    if await consumer.getmany(partition, timeout_ms=MARKER_WAIT_MS, max_records=1):
        return offset
    position: int = await consumer.position(partition)
    return position


@asynccontextmanager
async def closing(closer: Closer) -> AsyncIterator[None]:
    """Close quizzes until the end of the block."""
    async with beside(closer.run()):
        yield

"""
The close of a quiz: final standings, when everything that was accepted in time is graded.

A quiz that is over first settles, so that what intake acknowledged in its last moment
is in the log; from then on the broker's time makes any further submission late. Then
the graders must have committed every submission that the log held at that moment.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.quiz.quizzes.catalogue import Catalogue, UnreadError
from services.quiz.quizzes.rules import SETTLE_SECONDS, SOURCE
from services.quiz.quizzes.store import QuizRecord
from services.quiz.scoring.rules import HALVES_A_QUESTION, score_percent
from services.quiz.standings.rules import ranked
from services.quiz.store import QuizStore
from shared.contracts.envelope import enclose
from shared.contracts.events import STANDINGS_MAX, FinalStanding, QuizClosed, QuizSubmitted
from shared.contracts.topics import QUIZ_GRADING
from shared.runtime import clock
from shared.runtime.background import Loop, each
from shared.runtime.errors import Unavailable

log = logging.getLogger(__name__)

LOOP = "closing"
LOOK_SECONDS = 1.0
MARKER_WAIT_MS = 500

Offsets: TypeAlias = Mapping[TopicPartition, int]


class CloseError(Exception):
    """What is due cannot be closed, through no server's fault."""


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
        # What the log held when a quiz was first seen to be over.
        self._held: dict[str, Offsets] = {}
        self.loop = Loop(LOOP, self.turn)

    async def turn(self) -> float:
        """Close what is due now; returns seconds to rest."""
        await self.close_due(clock.now())
        return LOOK_SECONDS

    async def close_due(self, now: datetime) -> None:
        """
        Close every quiz whose time, grace and settling are over and whose submissions are graded.

        Raises:
            Unavailable: a server does not answer; call again.
            CloseError: none of those that are due could be closed.
        """
        over = await self._store.quizzes.over(now - self._settle)
        # Not what the log holds now: another quiz that is being sat would keep this one from closing.
        self._held = {quiz_id: held for quiz_id, held in self._held.items() if quiz_id in over}
        if not over:
            return
        ends, graded = await self._log()

        async def close(quiz_id: str) -> None:
            held = self._held.setdefault(quiz_id, ends)
            # A partition that holds nothing any more has outlived its submissions.
            if all(graded.get(partition, end) >= end for partition, end in held.items()):
                await self._close(quiz_id, now)

        failed = await each(LOOP, over, close)
        await self._catalogue.refresh()
        if failed == len(over):
            raise CloseError(f"{failed} quizzes are due, and none can be closed")

    async def _close(self, quiz_id: str, now: datetime) -> None:
        # Final standings are everybody's, frozen or not.
        await self._store.quizzes.end_freezes(quiz_id)
        try:
            await self._grade_rest(quiz_id)
        except UnreadError as error:
            # This quiz's own fault, no server's: the others close.
            raise CloseError(error.message) from error
        while await self._store.standings.release(quiz_id):
            pass
        if record := await self._store.quizzes.read(quiz_id):
            await self._tell(record, now)

    async def _tell(self, record: QuizRecord, now: datetime) -> None:
        best = ranked(await self._store.standings.top(record.quiz_id, STANDINGS_MAX), record.quiz.opens_at)
        halves_max = HALVES_A_QUESTION * record.quiz.questions_a_paper
        event = QuizClosed(
            quiz_id=record.quiz_id,
            quiz_title=record.quiz.title,
            closed_at=now,
            participants=await self._store.standings.count(record.quiz_id),
            points_max=halves_max / HALVES_A_QUESTION,
            standings=tuple(
                FinalStanding(
                    rank=standing.rank,
                    participant_id=standing.participant_id,
                    points=standing.place.halves / HALVES_A_QUESTION,
                    score_percent=score_percent(standing.place.halves, halves_max),
                    time_used_seconds=standing.place.time_used_seconds,
                )
                for standing in best
            ),
        )
        # Several workers may get here: the first to write it has said it.
        if await self._store.quizzes.finish_closing(
            record.quiz_id, [enclose(event, source=SOURCE, cause=record.quiz_id, now=now)]
        ):
            log.info("quiz closed", extra={"quiz_id": record.quiz_id, "participants": event.participants})

    async def _log(self) -> tuple[Offsets, Offsets]:
        """Where the log ends now, in each partition that holds anything, and to where it is graded."""
        try:
            return await self._offsets()
        except KafkaError as error:
            raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error

    async def _offsets(self) -> tuple[Offsets, Offsets]:
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
            committed = await admin.list_consumer_group_offsets(QUIZ_GRADING, partitions=partitions)
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

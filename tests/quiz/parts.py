"""The parts of a worker of quiz, with a quiz published, to be used one by one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from services.quiz.attempts.rules import Attempt
from services.quiz.attempts.start import Start, start_attempts
from services.quiz.attempts.store import AttemptStore
from services.quiz.attempts.submission import Submission
from services.quiz.closing.close import Closer
from services.quiz.closing.tell import LEASE, TURN_SECONDS, Teller
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.divisions.store import DivisionStore
from services.quiz.erasure.sweep import IDS_AT_ONCE, Sweeper
from services.quiz.fair_play.store import FlagStore
from services.quiz.grading.grade import Grader
from services.quiz.grading.grade_waiting import WaitingGrader
from services.quiz.grading.handlers import ParticipantHandler, SubmissionHandler, subscriptions
from services.quiz.grading.moved import Moved
from services.quiz.grading.refuse import Refuse
from services.quiz.grading.store import WaitingStore
from services.quiz.participants.erased import Erased
from services.quiz.participants.off_roster import OffRoster
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.store import QuizStore
from services.quiz.results.store import ResultStore
from services.quiz.saving.hand_in import HandIn, Looking
from services.quiz.saving.handlers import SavedHandler
from services.quiz.saving.handlers import subscriptions as saving_subscriptions
from services.quiz.saving.log_states import KeptSaves
from services.quiz.saving.store import SavedStore
from services.quiz.standings.store import StandingStore
from services.quiz.standings.upkeep import Upkeep
from shared.contracts.events import ParticipantErased, ParticipantJoined, QuizCompleted
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import Publisher, publishing
from shared.messaging.received import Batch, Following, Subscription
from shared.runtime import clock
from shared.runtime.background import looping
from shared.runtime.errors import Conflict
from shared.storage import outbox
from shared.storage.ended_tokens import EndedTokens
from shared.storage.lease import Lease
from shared.storage.mongo import Database
from shared.storage.unit_of_work import save_together
from tests.quiz.builders import quiz, submission
from tests.support.kafka import database_of, read_all
from tests.support.service import NO_KAFKA

FAR = datetime(2099, 1, 1, tzinfo=UTC)


class Stores:
    """The stores of all rooms, in one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.participants = ParticipantStore(database)
        self.quizzes = QuizStore(database)
        self.standings = StandingStore(database)
        self.results = ResultStore(database)
        self.disqualified = DisqualifiedStore(database)
        self.attempts = AttemptStore(database)
        self.waiting = WaitingStore(database)
        self.saved = SavedStore(database)
        self.ended_tokens = EndedTokens(database)
        self.off_roster = OffRoster(database)
        self.flags = FlagStore(database)
        self.divisions = DivisionStore(database)

    async def prepare(self) -> None:
        for store in (self.participants, self.quizzes, self.standings, self.disqualified):
            await store.prepare()
        for store_ in (self.results, self.attempts, self.waiting, self.saved, self.flags):
            await store_.prepare()
        await outbox.prepare(self.database)

    async def start(self, *starts: Start) -> list[Attempt | Conflict]:
        return await start_attempts(starts, self.quizzes, self.attempts, self.results)


class Grading:
    """A process that grades; it knows who is erased by a look of its own."""

    def __init__(
        self,
        stores: Stores,
        catalogue: Catalogue,
        publisher: Publisher,
        kafka: str = NO_KAFKA,
        moved: Moved | None = None,
    ) -> None:
        participants, waiting, results = stores.participants, stores.waiting, stores.results
        self.erased = Erased(participants)
        self.publisher = publisher
        self.grader = Grader(catalogue, results)
        self.refuse = Refuse(stores.attempts, results, waiting)
        self.waiting_grader = WaitingGrader(
            self.grader, catalogue, waiting, participants, self.erased, publisher, stores.attempts
        )
        self.submissions = SubmissionHandler(
            self.grader,
            self.waiting_grader,
            catalogue,
            self.erased,
            quizzes=stores.quizzes,
            results=results,
            participants=participants,
            waiting=waiting,
            moved=moved,
        )
        self.participants = ParticipantHandler(
            participants, self.waiting_grader, stores.ended_tokens, stores.off_roster
        )
        self.saved = SavedHandler(stores.saved, stores.quizzes, catalogue, self.erased)
        looking = Looking(stores.saved, stores.attempts, results, waiting)
        kept = KeptSaves(kafka)
        self.hand_in = HandIn(looking, stores.quizzes, catalogue, self.erased, publisher, kept)

    async def grade_submissions(self, batch: Batch[Submission]) -> Following:
        return await self.submissions.grade_submissions(batch)

    async def keep_participants(self, batch: Batch[ParticipantJoined | ParticipantErased]) -> Following:
        return await self.participants.keep_participants(batch)


def subscriptions_of(grading: Grading) -> list[Subscription]:
    return [
        *subscriptions(grading.submissions, grading.participants, grading.refuse),
        *saving_subscriptions(grading.saved),
    ]


def closer(
    stores: Stores,
    catalogue: Catalogue,
    grading: Grading,
    kafka: str,
    log_delay_seconds_max: float = 0,
    turn_seconds: float = TURN_SECONDS,
) -> Closer:
    return Closer(
        stores.quizzes,
        stores.standings,
        catalogue,
        grading.waiting_grader,
        Teller(
            stores.quizzes,
            stores.results,
            catalogue,
            grading.erased,
            grading.publisher,
            Lease(stores.database, LEASE, owner="tests"),
            turn_seconds=turn_seconds,
        ),
        stores.saved,
        stores.disqualified,
        kafka,
        log_delay_seconds_max=log_delay_seconds_max,
    )


def sweeper(
    stores: Stores, catalogue: Catalogue, again_seconds: float = 0, ids_at_once: int = IDS_AT_ONCE
) -> Sweeper:
    return Sweeper(
        catalogue,
        stores.participants,
        stores.waiting,
        stores.saved,
        stores.results,
        stores.standings,
        stores.disqualified,
        stores.attempts,
        stores.flags,
        stores.divisions,
        again_seconds=again_seconds,
        ids_at_once=ids_at_once,
    )


@dataclass
class Parts:
    """The parts of a worker over a database, and a quiz that is published there."""

    stores: Stores
    catalogue: Catalogue
    publisher: Publisher
    grading: Grading
    quiz_id: str
    quiz: Quiz
    upkeep: Upkeep = field(init=False)

    def __post_init__(self) -> None:
        self.upkeep = Upkeep(self.stores.standings)

    def submission(self, participant_id: str | None = None, **changes: Any) -> Submission:
        return submission(self.quiz_id, self.quiz, participant_id, **changes)

    def closer(
        self, kafka: str, log_delay_seconds_max: float = 0, turn_seconds: float = TURN_SECONDS
    ) -> Closer:
        stores, catalogue, grading = self.stores, self.catalogue, self.grading
        return closer(stores, catalogue, grading, kafka, log_delay_seconds_max, turn_seconds)

    def sweeper(self, again_seconds: float = 0) -> Sweeper:
        return sweeper(self.stores, self.catalogue, again_seconds)

    async def freeze(self, at: datetime) -> None:
        await self.stores.quizzes.freeze(self.quiz_id, clock.now(), at)

    async def close(self) -> None:
        """Mark the quiz as closed, whatever is graded and whenever it ends."""
        await self.stores.quizzes.end_freezes(self.quiz_id, FAR, datetime.now(UTC))
        await save_together(
            self.stores.database,
            lambda unit: self.stores.quizzes.finish_closing(unit, self.quiz_id),
        )

    async def completed(self, kafka: str) -> list[tuple[str, QuizCompleted]]:
        """The event ids and events of `quiz.completed` that the log has of this quiz."""
        return await completed_of(kafka, self.quiz_id)


def results_in(following: Following) -> list[tuple[str, QuizCompleted]]:
    """The event ids and events that follow from a batch."""
    found = []
    for one in following:
        assert isinstance(one, tuple)
        topic, _, value, headers = one
        assert topic == QuizCompleted.topic
        found.append((dict(headers)["ce_id"].decode(), QuizCompleted.model_validate_json(value or b"")))
    return found


async def completed_of(kafka: str, quiz_id: str) -> list[tuple[str, QuizCompleted]]:
    found = []
    for record in await read_all(kafka, QuizCompleted.topic):
        assert record.value is not None
        event = QuizCompleted.model_validate_json(record.value)
        if event.quiz_id == quiz_id:
            found.append((dict(record.headers)["ce_id"].decode(), event))
    return found


@asynccontextmanager
async def new_parts(kafka: str, mongo: str, **changes: object) -> AsyncIterator[Parts]:
    await create_missing(kafka)
    of, quiz_id = quiz(**changes), f"quiz-{uuid4().hex[:8]}"
    async with database_of(mongo, "QuizSettings") as database, publishing(kafka, "tests") as publisher:
        stores = Stores(database)
        await stores.prepare()
        # A quiz that is over was published before.
        before = min(clock.now(), of.closes_at - timedelta(milliseconds=1))
        await publish(stores.quizzes, quiz_id, of, before)
        catalogue = Catalogue(stores.quizzes)
        grading = Grading(stores, catalogue, publisher, kafka)
        await catalogue.refresh()
        async with looping(catalogue.loop, grading.erased.loop):
            yield Parts(stores, catalogue, publisher, grading, quiz_id, of)

"""The stores of all rooms."""

from dataclasses import dataclass, fields

from services.quiz.attempts.store import AttemptStore
from services.quiz.bank.store import BankStore
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.divisions.store import DivisionStore
from services.quiz.drafts.store import DraftStore
from services.quiz.fair_play.store import FlagStore
from services.quiz.grading.store import WaitingStore
from services.quiz.lifecycle.store import CancellationStore
from services.quiz.literacy.store import LiteracyStore
from services.quiz.participants.off_roster import OffRoster
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.changes import QuizChanges
from services.quiz.quizzes.store import QuizStore
from services.quiz.regrading.store import RegradingStore
from services.quiz.results.store import ResultStore
from services.quiz.saving.store import SavedStore
from services.quiz.standings.store import StandingStore
from services.quiz.statistics.store import StatisticsStore
from shared.storage.mongo import Database


@dataclass(frozen=True, slots=True)
class Stores:
    """All stores that have collections of their own."""

    attempts: AttemptStore
    bank: BankStore
    literacy: LiteracyStore
    disqualified: DisqualifiedStore
    divisions: DivisionStore
    flags: FlagStore
    cancellations: CancellationStore
    changes: QuizChanges
    drafts: DraftStore
    off_roster: OffRoster
    participants: ParticipantStore
    quizzes: QuizStore
    regradings: RegradingStore
    results: ResultStore
    saved: SavedStore
    standings: StandingStore
    statistics: StatisticsStore
    waiting: WaitingStore

    @classmethod
    def of(cls, database: Database) -> "Stores":
        """The stores of this database."""
        return cls(
            attempts=AttemptStore(database),
            bank=BankStore(database),
            literacy=LiteracyStore(database),
            disqualified=DisqualifiedStore(database),
            divisions=DivisionStore(database),
            flags=FlagStore(database),
            cancellations=CancellationStore(database),
            changes=QuizChanges(database),
            drafts=DraftStore(database),
            off_roster=OffRoster(database),
            participants=ParticipantStore(database),
            quizzes=QuizStore(database),
            regradings=RegradingStore(database),
            results=ResultStore(database),
            saved=SavedStore(database),
            standings=StandingStore(database),
            statistics=StatisticsStore(database),
            waiting=WaitingStore(database),
        )

    async def prepare(self) -> None:
        """Create collections and indexes."""
        for store in fields(self):
            await getattr(self, store.name).prepare()

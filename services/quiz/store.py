"""Quiz's database: quizzes, attempts and results, standings, participants; a file each."""

from services.quiz.participants.store import Participants
from services.quiz.quizzes.store import Quizzes
from services.quiz.results.store import Results
from services.quiz.standings.store import Standings
from shared.storage import outbox
from shared.storage.mongo import Database


class QuizStore:
    """All that quiz stores; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.quizzes = Quizzes(database)
        self.results = Results(database)
        self.participants = Participants(database)
        self.standings = Standings(database)

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write to."""
        await self.quizzes.prepare()
        await self.results.prepare()
        await self.participants.prepare()
        await self.standings.prepare()
        await outbox.prepare(self.database)

"""What changes the life of a quiz, over the parts of a worker."""

from services.quiz.fair_play.store import FlagStore
from services.quiz.lifecycle.alter import Alterations
from services.quiz.lifecycle.remove import Removals
from services.quiz.literacy.store import LiteracyStore
from services.quiz.quizzes.changes import QuizChanges
from services.quiz.statistics.store import StatisticsStore
from shared.runtime.versions import always
from tests.quiz.parts import Parts


def altering(parts: Parts) -> Alterations:
    return Alterations(parts.stores.quizzes, QuizChanges(parts.stores.database), parts.catalogue)


async def remove(parts: Parts, quiz_id: str | None = None) -> None:
    """Remove the quiz of some parts, or another one."""
    stores, database = parts.stores, parts.stores.database
    removals = Removals(
        stores.quizzes,
        QuizChanges(database),
        parts.catalogue,
        stores.disqualified,
        parts.grading.erased,
        (FlagStore(database), StatisticsStore(database), LiteracyStore(database)),
    )
    await removals.remove(quiz_id or parts.quiz_id, always, "an organiser")

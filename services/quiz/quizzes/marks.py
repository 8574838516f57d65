"""What a transaction that writes results or standings has to know of their quiz, read in that transaction."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from services.quiz.quizzes.rules import Ranking
from shared.storage.mongo import Document, SyncDatabase, SyncSession

QUIZZES = "quizzes"
FIELDS = {"frozen_at": 1, "corrected": 1, "regrading": 1, "decided": 1, "ranking": 1}


class Marks(NamedTuple):
    """
    What decides about results of a quiz at the moment of a transaction.

    Attributes:
        frozen_at: the start of the freeze, if there is one.
        corrected: the number of corrections that results must be graded with.
        regrading: earlier results are being graded again.
        decided: somebody was disqualified, so results must be compared with that.
        ranking: how the quiz ranks. It stays, once the quiz has opened.
    """

    frozen_at: datetime | None
    corrected: int
    regrading: bool
    decided: bool
    ranking: Ranking = Ranking()


def marks_of(database: SyncDatabase, session: SyncSession, quiz_ids: Collection[str]) -> dict[str, Marks]:
    """The marks of these quizzes."""
    found = database[QUIZZES].find({"_id": {"$in": list(quiz_ids)}}, FIELDS, session=session)
    return {document["_id"]: marks(document) for document in found}


def marks(document: Document) -> Marks:
    """The marks in a quiz's document."""
    return Marks(
        document.get("frozen_at"),
        document.get("corrected", 0),
        "regrading" in document,
        "decided" in document,
        Ranking(*document.get("ranking", ())),
    )


def frozen_since(database: SyncDatabase, session: SyncSession, quiz_id: str) -> datetime | None:
    """The start of a quiz's freeze."""
    quiz = database[QUIZZES].find_one({"_id": quiz_id}, {"frozen_at": 1}, session=session) or {}
    return quiz.get("frozen_at")


def is_closed(database: SyncDatabase, session: SyncSession, quiz_id: str) -> bool:
    """True if a quiz's standings are final."""
    quiz = database[QUIZZES].find_one({"_id": quiz_id}, {"status": 1}, session=session) or {}
    return quiz.get("status") == "closed"

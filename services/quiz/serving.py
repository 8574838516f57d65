"""What the routes of quiz stand on."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Request

from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.standings.ranks import Ranks
from services.quiz.store import QuizStore
from shared.contracts.checked import ID_PATTERN

QuizIdInPath = Annotated[str, Path(pattern=ID_PATTERN, examples=["puyang-2023-contest"])]
AttemptIdInPath = Annotated[str, Path(pattern=ID_PATTERN, examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])]


@dataclass(frozen=True, slots=True)
class QuizApi:
    """What the routes stand on."""

    store: QuizStore
    catalogue: Catalogue
    ranks: Ranks


def quiz_of(request: Request) -> QuizApi:
    """The parts, from the app that answers this request."""
    api: QuizApi = request.app.state.quiz
    return api

"""The close of a quiz over HTTP, by an organiser."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from services.quiz.quizzes.bodies import QuizIdInPath
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.record import Status, cancelled, not_open_yet
from services.quiz.quizzes.rules import NOTICE_SECONDS
from services.quiz.quizzes.store import QuizStore
from shared.runtime import clock
from shared.web.identity import AsOrganiser
from shared.web.provided import provided
from shared.web.routes import Routes

routes = Routes(tags=["quiz"])

Quizzes = Annotated[QuizStore, provided(QuizStore)]
OfferedQuizzes = Annotated[Catalogue, provided(Catalogue)]


class ClosingOut(BaseModel):
    quiz_id: str = Field(examples=["puyang-2023-contest"])
    status: Status
    closes_at: datetime


@routes.post(
    "/quizzes/{quiz_id}/close",
    status_code=202,
    dependencies=[AsOrganiser],
    summary="Close now; quiz.closed follows when all that came in time is graded",
)
async def close_quiz(quiz_id: QuizIdInPath, quizzes: Quizzes, catalogue: OfferedQuizzes) -> ClosingOut:
    """
    Nobody starts from now on, and nobody submits after `closes_at` and the quiz's grace.

    `closes_at` is two seconds in the future, so that every process knows. Accepted submissions are graded
    first.
    Refused: `quiz_not_open` (409) before it opens, `quiz_cancelled` (409).
    """
    await catalogue.look_up(quiz_id)
    now = clock.now()
    await quizzes.begin_closing(quiz_id, now, now + timedelta(seconds=NOTICE_SECONDS))
    await catalogue.refresh()
    record = catalogue.find(quiz_id).record
    if record.status == "cancelled":
        raise cancelled(record)
    if record.status == "open":
        raise not_open_yet(record)
    return ClosingOut(quiz_id=quiz_id, status=record.status, closes_at=record.closes_at)

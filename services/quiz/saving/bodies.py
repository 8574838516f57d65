"""The bodies of requests and answers about saved answers."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.quiz.attempts.answers import REVISION_MAX
from services.quiz.attempts.bodies import AnswersIn
from shared.contracts.events import ANSWERS_MAX


class SavedIn(AnswersIn):
    """The whole sheet so far, and its revision: a number that the client raises with each save."""

    revision: int = Field(ge=1, le=REVISION_MAX, examples=[7])


class SavedOut(BaseModel):
    """Confirms that the answers are in the log."""

    attempt_id: str = Field(examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])
    revision: int
    saved_at: datetime


class SavedAnswersOut(BaseModel):
    """The answers that were saved last; revision 0 and no answers if nothing was saved."""

    attempt_id: str = Field(examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])
    revision: int = Field(examples=[7])
    saved_at: datetime | None
    answers: dict[str, str] = Field(max_length=ANSWERS_MAX, examples=[{"q001": "B", "q017": "ACD"}])

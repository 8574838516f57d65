"""The bodies of requests and answers about attempts."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from services.quiz.attempts.rules import AttemptStatus
from services.quiz.attempts.traces import DEVICE_PATTERN
from services.quiz.quizzes.bodies import OptionOut
from services.quiz.quizzes.questions import OPTIONS_MAX
from services.quiz.quizzes.rules import QUESTIONS_A_PAPER_MAX
from services.quiz.scoring.rules import PERCENT_SHOWN
from shared.contracts.checked import ID_PATTERN, Id
from shared.contracts.events import ANSWERS_MAX, Letters
from shared.web.forms import Form

AttemptIdInPath = Annotated[str, Path(pattern=ID_PATTERN, examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])]


class QuestionOut(BaseModel):
    id: str = Field(examples=["q001"])
    topic: str = Field(examples=["生命与健康"])
    kind: Literal["single", "multiple", "true_false"]
    text: str = Field(examples=["植物进行光合作用时释放的气体是？"])
    points: float = Field(description="what it is worth", examples=[1])
    options: list[OptionOut] = Field(max_length=OPTIONS_MAX)


class AttemptOut(BaseModel):
    """An attempt that has begun; the token allows only its submission."""

    attempt_id: str = Field(examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])
    attempt_token: str = Field(examples=["3q2-7wXh…"])
    number: int = Field(description="which attempt of the day", examples=[1])
    started_at: datetime
    deadline_at: datetime = Field(description="the last moment for the answers, grace included")
    questions: list[QuestionOut] = Field(max_length=QUESTIONS_A_PAPER_MAX)


class StartIn(BaseModel):
    """What a client may say at the start of an attempt."""

    device: str | None = Field(
        None,
        pattern=DEVICE_PATTERN,
        description="a random token that the client makes once for this device and keeps",
        examples=["9f2c1c7e-4d5b-4a44-9d0e-2f2a6f0c1b7a"],
    )


class AnswersIn(Form):
    """
    Question ids and the letters chosen; several letters if several may be right.

    Leave out questions that are not answered.
    """

    model_config = ConfigDict(strict=True)

    answers: dict[Id, Letters] = Field(max_length=ANSWERS_MAX, examples=[{"q001": "B", "q017": "ACD"}])


class ReceiptOut(BaseModel):
    """Confirms that the submission is in the log and will be graded."""

    receipt_id: str = Field(examples=["f6c60d3d-1d31-4f0e-92f4-9e8a2c9a7a10"])
    attempt_id: str
    received_at: datetime


class ResultOut(BaseModel):
    """
    The outcome of an attempt.

    `pending`: nothing was submitted yet, or it is not graded yet. `received`: it counts, and the score is
    shown when the quiz is closed. `expired`: the quiz is closed, and nothing was submitted or saved.
    `refused`: the submission could not count; `code` says why. `delayed`: the answers are kept, but something
    failed on our side (`code`); organisers know, and there is nothing to do but to ask again later.
    """

    attempt_id: str
    status: AttemptStatus
    code: str | None = Field(None, examples=["attempt_late"])
    points: float | None = Field(None, description="in steps of 0.5", examples=[17])
    points_max: float | None = Field(None, examples=[20])
    score_percent: int | None = Field(None, description=PERCENT_SHOWN, examples=[85])
    passed: bool | None = None
    time_used_seconds: int | None = Field(None, examples=[431])
    automatic: bool | None = Field(
        None, description="nothing was submitted in time, and what was saved was handed in"
    )
    receipt_id: str | None = Field(
        None,
        description="the receipt of the submission that counts; another id if it was handed in automatically",
        examples=["f6c60d3d-1d31-4f0e-92f4-9e8a2c9a7a10"],
    )
    disqualified: bool = Field(False, description="organisers have decided that it does not count")
    reason: str | None = Field(None, description="why it does not count", examples=["两台设备同时作答"])

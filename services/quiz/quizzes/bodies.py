"""What quiz takes and gives over HTTP, as its OpenAPI document shows it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.quiz.quizzes.rules import Status
from shared.contracts.checked import Id
from shared.contracts.events import ANSWERS_MAX, Letters
from shared.web.forms import Form


class QuizOut(BaseModel):
    """A quiz as everyone may see it."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    title: str = Field(examples=["科技创新和科学技术普及知识竞赛"])
    status: Status
    opens_at: datetime
    closes_at: datetime
    duration_seconds: int = Field(examples=[1200])
    attempts_per_day: int = Field(examples=[1])
    pass_percent: int = Field(examples=[60])
    questions: int = Field(description="questions on a paper", examples=[20])


class QuizzesOut(BaseModel):
    """A page of quizzes."""

    quizzes: list[QuizOut]
    after: str | None = Field(description="where the next page begins; null on the last one")


class OptionOut(BaseModel):
    id: str = Field(examples=["A"])
    text: str = Field(examples=["氧气"])


class QuestionOut(BaseModel):
    id: str = Field(examples=["q001"])
    topic: str = Field(examples=["生命与健康"])
    kind: Literal["single", "multiple", "true_false"]
    text: str = Field(examples=["植物进行光合作用时释放的气体是？"])
    options: list[OptionOut]


class AttemptOut(BaseModel):
    """An attempt that has begun; the token opens its submission and nothing else."""

    attempt_id: str = Field(examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])
    attempt_token: str = Field(examples=["3q2-7wXh…"])
    number: int = Field(description="which attempt of the day", examples=[1])
    started_at: datetime
    deadline_at: datetime = Field(description="the last moment for the answers, grace included")
    questions: list[QuestionOut]


class AnswersIn(Form):
    """
    Question ids and the letters chosen; several letters where several may be right.

    What is not answered is left out. `submission.Answered` is the same, faster.
    """

    model_config = ConfigDict(strict=True)

    answers: dict[Id, Letters] = Field(max_length=ANSWERS_MAX, examples=[{"q001": "B", "q017": "ACD"}])


class ReceiptOut(BaseModel):
    """The promise that the submission is in the log and will be graded."""

    receipt_id: str = Field(examples=["f6c60d3d-1d31-4f0e-92f4-9e8a2c9a7a10"])
    attempt_id: str
    received_at: datetime


SHOWN = "points in whole percent, rounded down; points decide"


class ResultOut(BaseModel):
    """
    What became of an attempt.

    `pending`: not handed in yet, or not graded yet. `missed`: the quiz is closed and nothing was handed
    in. `refused`: what was handed in could not count; `code` says why.
    """

    attempt_id: str
    status: Literal["pending", "graded", "missed", "refused"]
    code: str | None = Field(None, examples=["attempt_late"])
    points: float | None = Field(None, description="in steps of 0.5", examples=[17])
    points_max: float | None = Field(None, examples=[20])
    score_percent: int | None = Field(None, description=SHOWN, examples=[85])
    passed: bool | None = None
    time_used_seconds: int | None = Field(None, examples=[431])


class ReviewedOut(BaseModel):
    """One question looked back at; letters stand for the options as the paper had them."""

    id: str = Field(examples=["q001"])
    topic: str = Field(examples=["生命与健康"])
    kind: Literal["single", "multiple", "true_false"]
    text: str = Field(examples=["植物进行光合作用时释放的气体是？"])
    options: list[OptionOut]
    answer: str | None = Field(description="null where none was given", examples=["B"])
    key: str = Field(examples=["A"])
    right: bool = Field(description="whether it got the full point")
    points: float = Field(description="0, 0.5 or 1", examples=[0])
    explanation: str = Field(examples=["光合作用吸收二氧化碳，释放氧气。"])
    source: str = Field(examples=["义务教育生物学课程标准"])


class ReviewOut(BaseModel):
    """An attempt looked back at, in the paper's order."""

    attempt_id: str = Field(examples=["0b8f6c1e-3b0e-5c2f-9b7a-2f6f0a1d4c55"])
    quiz_id: str = Field(examples=["puyang-2023-contest"])
    points: float | None = Field(description="null where nothing was graded", examples=[17])
    points_max: float = Field(examples=[20])
    score_percent: int | None = Field(description=SHOWN, examples=[85])
    questions: list[ReviewedOut]


FROZEN_AT = "standings are shown as of this moment's submissions; null where they are not frozen"


class StandingOut(BaseModel):
    rank: int = Field(examples=[1])
    participant_id: str
    points: float = Field(examples=[19])
    score_percent: int = Field(description=SHOWN, examples=[95])
    time_used_seconds: int = Field(examples=[312])
    finished_at: datetime


class OwnStandingOut(StandingOut):
    points_max: float = Field(examples=[20])
    frozen_at: datetime | None = Field(None, description=FROZEN_AT)


class StandingsOut(BaseModel):
    """The best, in order; final once the quiz is closed."""

    quiz_id: str
    final: bool
    frozen_at: datetime | None = Field(None, description=FROZEN_AT)
    participants: int
    points_max: float = Field(examples=[20])
    standings: list[StandingOut]


class FreezeOut(BaseModel):
    quiz_id: str = Field(examples=["puyang-2023-contest"])
    frozen_at: datetime | None = Field(description=FROZEN_AT)


class ClosingOut(BaseModel):
    quiz_id: str = Field(examples=["puyang-2023-contest"])
    status: Status
    closes_at: datetime

"""The bodies of answers about quizzes."""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from services.quiz.quizzes.record import Status
from services.quiz.quizzes.rules import ADMITS, COUNTS, MULTIPLE_CHOICE, SHOWS_SCORES, TIES, WRONG_COSTS
from shared.contracts.checked import ID_PATTERN
from shared.contracts.events import Admits, Counts, MultipleChoice, ShowsScores, Ties

QuizIdInPath = Annotated[str, Path(pattern=ID_PATTERN, examples=["puyang-2023-contest"])]


class QuizOut(BaseModel):
    """A quiz as everyone may see it."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    title: str = Field(examples=["科技创新和科学技术普及知识竞赛"])
    status: Status
    opens_at: datetime
    closes_at: datetime
    duration_seconds: int = Field(examples=[1200])
    attempts_per_day: int = Field(examples=[1])
    admits: Admits = Field(description=ADMITS)
    shows_scores: ShowsScores = Field(description=SHOWS_SCORES)
    ties: Ties = Field(description=TIES)
    counts: Counts = Field(description=COUNTS)
    pass_percent: int = Field(examples=[60])
    questions: int = Field(description="questions on a paper", examples=[20])
    points_max: float = Field(description="what every paper is worth", examples=[20])
    multiple_choice: MultipleChoice = Field(description=MULTIPLE_CHOICE)
    wrong_costs: float = Field(description=WRONG_COSTS, examples=[0])
    revised_at: datetime | None = Field(
        None, description="when the final standings were changed last, after the close; null if they were not"
    )


class QuizzesOut(BaseModel):
    """A page of quizzes."""

    quizzes: list[QuizOut]
    after: str | None = Field(description="where the next page begins; null on the last one")


class OptionOut(BaseModel):
    id: str = Field(examples=["A"])
    text: str = Field(examples=["氧气"])

"""The answers of this room, for the document of the API. rules.py makes them."""

from typing import Literal

from pydantic import BaseModel, Field

from services.quiz.scoreboard.board import SCOREBOARD_ROWS_MAX


class ContestStateOut(BaseModel):
    started: str | None = Field(examples=["2026-05-20T00:00:00.000Z"])
    ended: str | None
    frozen: str | None
    thawed: str | None
    finalized: str | None
    end_of_updates: str | None


class ScoreOut(BaseModel):
    score: float = Field(examples=[19.5])
    time: str | None = Field(
        None, description="it decides between equal points; missing if nothing does", examples=["0:06:52.000"]
    )


class ScoreboardRowOut(BaseModel):
    rank: int = Field(examples=[1])
    team_id: str = Field(description="the participant's alias", examples=["7K3QM0R9"])
    score: ScoreOut


class ScoreboardOut(BaseModel):
    """A scoreboard of the ICPC's Contest API."""

    time: str = Field(examples=["2026-05-20T01:31:07.500Z"])
    contest_time: str = Field(examples=["1:31:07.500"])
    state: ContestStateOut
    rows: list[ScoreboardRowOut] = Field(max_length=SCOREBOARD_ROWS_MAX)


class ContestOut(BaseModel):
    """A contest of the ICPC's Contest API."""

    id: str = Field(examples=["puyang-2023-contest"])
    name: str
    start_time: str = Field(examples=["2026-05-20T00:00:00.000Z"])
    duration: str = Field(examples=["204:00:00.000"])
    scoreboard_type: Literal["score"]

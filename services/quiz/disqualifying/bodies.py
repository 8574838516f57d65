"""The bodies of disqualifications."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.quiz.disqualified.rules import ATTEMPTS_MAX, DECISIONS_MAX, Decision, Disqualification
from shared.contracts.checked import Id, PersonalLine
from shared.web.forms import Form


class DecisionIn(Form):
    """About a participant, or about single attempts of one."""

    participant_id: Id = Field(examples=["98a065ef-629f-5f90-9bb1-f3c76a66f5e8"])
    attempt_ids: Annotated[list[Id], Field(min_length=1, max_length=ATTEMPTS_MAX)] | None = Field(
        None, description="only these; null: the participant, with all results, also later ones"
    )
    reason: PersonalLine = Field(
        description="why; the participant reads it, so it may name nobody else",
        examples=["两台设备同时作答，经核实该次成绩不计"],
    )


class DecisionOut(BaseModel):
    """A decision: the state after it."""

    disqualified: bool
    attempt_ids: list[str] = Field(max_length=ATTEMPTS_MAX)
    reason: str
    who: str
    at: datetime


class DisqualificationOut(BaseModel):
    """What was decided about a participant; the last decision is the state of now."""

    participant_id: str = Field(examples=["98a065ef-629f-5f90-9bb1-f3c76a66f5e8"])
    version: int = Field(description="counts the decisions; 0: nothing was decided")
    disqualified: bool = Field(description="the participant has no standing, and no result counts")
    attempt_ids: list[str] = Field(description="single results that do not count", max_length=ATTEMPTS_MAX)
    decisions: list[DecisionOut] = Field(max_length=DECISIONS_MAX)


class DisqualificationsOut(BaseModel):
    """A page of them, by participant."""

    quiz_id: str = Field(examples=["puyang-2023-contest"])
    disqualifications: list[DisqualificationOut]
    after: str | None = Field(description="where the next page begins; null on the last one")


def disqualification_out(state: Disqualification) -> DisqualificationOut:
    """What was decided about a participant."""
    return DisqualificationOut(
        participant_id=state.participant_id,
        version=state.version,
        disqualified=state.whole,
        attempt_ids=list(state.attempt_ids),
        decisions=[_decision_out(one) for one in state.decisions],
    )


def _decision_out(decision: Decision) -> DecisionOut:
    return DecisionOut(
        disqualified=decision.whole,
        attempt_ids=list(decision.attempt_ids),
        reason=decision.reason,
        who=decision.who,
        at=decision.at,
    )

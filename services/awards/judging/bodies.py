"""Experts, scores and rankings in requests and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.awards.judging.rules import CONFLICTS_MAX, EXPERTS_MAX, ConflictCode, Panel, Scores
from services.awards.selections.rules import CRITERIA_MAX, EXPERTS_PER_NOMINEE_MAX, NOMINEES_MAX
from shared.contracts.checked import Id
from shared.web.forms import Form

Assigned = Annotated[list[str], Field(max_length=EXPERTS_PER_NOMINEE_MAX)]
PointsGiven = Annotated[int, Field(ge=0, le=100)]


class ExpertsIn(Form):
    """Participants who will judge."""

    expert_ids: tuple[Id, ...] = Field(min_length=1, max_length=EXPERTS_MAX)


class ConflictIn(Form):
    """Whom an expert must not judge, and why."""

    participant_id: Id
    code: ConflictCode


class ScoreIn(Form):
    """An expert's points for a nominee, by criterion."""

    participant_id: Id
    points: dict[Id, PointsGiven] = Field(max_length=CRITERIA_MAX, examples=[{"work": 80, "spread": 65}])


class ScoreOut(BaseModel):
    """One's own points for a nominee, in the order of the criteria. `version` counts the changes."""

    participant_id: str
    version: int
    points: list[int] = Field(max_length=CRITERIA_MAX)
    scored_at: datetime

    @classmethod
    def of(cls, scores: Scores) -> "ScoreOut":
        """What counts of an expert's scores."""
        given = scores.last
        return cls(
            participant_id=scores.participant_id,
            version=given.version,
            points=list(given.points),
            scored_at=given.at,
        )


class OwnAssignmentOut(BaseModel):
    """A nominee whom an expert judges; `score` is null until there are points."""

    participant_id: str
    score: ScoreOut | None


class OwnAssignmentsOut(BaseModel):
    assignments: list[OwnAssignmentOut] = Field(max_length=NOMINEES_MAX)


class DeclaredConflictOut(BaseModel):
    expert_id: str
    participant_id: str
    code: ConflictCode


class PanelOut(BaseModel):
    """Who judges whom. `lacking`: the nominees who have fewer experts than the selection wants."""

    expert_ids: list[str] = Field(max_length=EXPERTS_MAX)
    assigned: dict[str, Assigned] = Field(max_length=NOMINEES_MAX)
    conflicts: list[DeclaredConflictOut] = Field(max_length=CONFLICTS_MAX)
    lacking: list[str] = Field(max_length=NOMINEES_MAX)

    @classmethod
    def of(cls, panel: Panel, wanted: int) -> "PanelOut":
        """The panel of a selection that wants so many experts for each nominee."""
        return cls(
            expert_ids=list(panel.expert_ids),
            assigned={nominee: list(experts) for nominee, experts in panel.assigned.items()},
            conflicts=[
                DeclaredConflictOut(expert_id=one.expert_id, participant_id=one.participant_id, code=one.code)
                for one in panel.conflicts
            ],
            lacking=[nominee for nominee, experts in panel.assigned.items() if len(experts) < wanted],
        )


class RankOut(BaseModel):
    """A nominee in the ranking: the mean of so many experts, of 100."""

    rank: int
    participant_id: str
    score: str = Field(examples=["87.3333"])
    experts: int


class OutlierOut(BaseModel):
    """A score that is far from the mean of the others; look at it, nothing follows from it."""

    expert: str = Field(examples=["E02"])
    participant_id: str
    score: float
    others: float


class SeverityOut(BaseModel):
    """How much higher than the others an expert scores, on the average; below 0: more severe."""

    expert: str
    difference: float


class RankingOut(BaseModel):
    """The ranking, with what organisers should look at. Experts have numbers instead of ids."""

    ranking: list[RankOut] = Field(max_length=NOMINEES_MAX)
    outliers: list[OutlierOut] = Field(max_length=NOMINEES_MAX * EXPERTS_PER_NOMINEE_MAX)
    severity: list[SeverityOut] = Field(max_length=EXPERTS_MAX)
    missing: list[str] = Field(max_length=NOMINEES_MAX, description="nominees whom an expert has not scored")

"""Candidates and votes in requests and answers."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.awards.choosing.rules import MEMBERS_MAX, Ballot, Choice
from services.awards.judging.bodies import RankOut
from services.awards.selections.rules import NOMINEES_MAX, Phase
from shared.contracts.checked import Id
from shared.web.forms import Form

Votes = Annotated[int, Field(ge=0, le=MEMBERS_MAX)]


class ShortlistIn(Form):
    """Who becomes a candidate; without names, the first of the ranking."""

    candidates: tuple[Id, ...] | None = Field(None, max_length=NOMINEES_MAX)
    allow_fewer: bool = Field(False, description="fewer candidates than a fifth more than places")
    allow_missing: bool = Field(False, description="although experts have not scored all whom they judge")


class BallotIn(Form):
    participant_id: Id
    votes_for: Votes
    against: Votes = 0
    abstained: Votes = 0


class DecisionIn(Form):
    """The votes of a committee of so many members, about each candidate who is left."""

    members: int = Field(ge=1, le=MEMBERS_MAX)
    votes: tuple[BallotIn, ...] = Field(max_length=NOMINEES_MAX)

    @property
    def ballots(self) -> list[Ballot]:
        """The votes as rules know them."""
        return [Ballot(one.participant_id, one.votes_for, one.against, one.abstained) for one in self.votes]


class CandidatesOut(BaseModel):
    """
    The public notice of a selection. People are pseudonymous ids, and the erased are left out.

    `winners` is null until the committee has voted.
    """

    phase: Phase
    notice_until: datetime
    candidates: list[RankOut] = Field(max_length=NOMINEES_MAX)
    winners: Annotated[list[str], Field(max_length=NOMINEES_MAX)] | None
    decided_at: datetime | None

    @classmethod
    def of(cls, choice: Choice, phase: Phase, erased: Collection[str]) -> "CandidatesOut":
        """What everybody may see."""
        shown = {*choice.candidates} - {*erased}
        verdict = choice.verdict
        return cls(
            phase=phase,
            notice_until=choice.notice_until,
            candidates=[
                RankOut(
                    rank=one.rank, participant_id=one.participant_id, score=one.score, experts=one.experts
                )
                for one in choice.ranking
                if one.participant_id in shown
            ],
            winners=[one for one in verdict.winners if one in shown] if verdict else None,
            decided_at=verdict.decided_at if verdict else None,
        )

"""Candidates, objections and votes in requests and answers."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.awards.choosing.rules import MEMBERS_MAX, Ballot, Choice, Objection
from services.awards.judging.bodies import RankOut
from services.awards.selections.rules import NOMINEES_MAX, Phase
from shared.contracts.checked import Id, PersonalLine, Text
from shared.web.forms import Form

OBJECTION_CHARS_MAX = 1_000
Votes = Annotated[int, Field(ge=0, le=MEMBERS_MAX)]


class ShortlistIn(Form):
    """Who becomes a candidate; without names, the first of the ranking."""

    candidates: tuple[Id, ...] | None = Field(None, max_length=NOMINEES_MAX)
    allow_fewer: bool = Field(False, description="fewer candidates than a fifth more than places")
    allow_missing: bool = Field(False, description="although experts have not scored all whom they judge")


class ObjectionIn(Form):
    """What somebody has against a candidate. Only organisers read it."""

    participant_id: Id = Field(description="the candidate")
    text: Annotated[Text, Field(min_length=1, max_length=OBJECTION_CHARS_MAX)]
    reference: Id = Field(
        "organisers", description="of organisers: under which they have filed it; each is one objection"
    )


class SettlementIn(Form):
    """What is decided about an objection; the reason is for organisers."""

    upheld: bool
    reason: PersonalLine


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


class ReceiptOut(BaseModel):
    """An objection that was received."""

    objection_id: str
    participant_id: str
    objected_at: datetime


class ObjectionOut(ReceiptOut):
    """An objection as organisers see it. Without words: who has objected was erased."""

    text: str
    status: Literal["open", "upheld", "dismissed"]
    reason: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, objection: Objection) -> "ObjectionOut":
        """With its words."""
        status: Literal["open", "upheld", "dismissed"] = "upheld" if objection.upheld else "dismissed"
        return cls(
            objection_id=objection.objection_id,
            participant_id=objection.participant_id,
            objected_at=objection.objected_at,
            text=objection.objection_words,
            status="open" if objection.upheld is None else status,
            reason=objection.reason_words,
            decided_at=objection.decided_at,
        )


class ObjectionsOut(BaseModel):
    """A page of objections; `after` leads to the next one, null on the last."""

    objections: list[ObjectionOut]
    after: str | None

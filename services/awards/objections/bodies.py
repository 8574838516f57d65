"""Objections in requests and answers, of all public notices."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.awards.objections.rules import Objection, Outcome
from shared.contracts.checked import Id, PersonalLine, Text
from shared.web.forms import Form


class ObjectionIn(Form):
    """Against whom, and why. Only organisers read the text."""

    recipient_id: Id
    text: Text = Field(min_length=1, examples=["该作品与去年获奖作品相同"])


class ObjectionDecisionIn(Form):
    """Upheld: the recipient is left out. The reason is for organisers."""

    outcome: Outcome
    reason: PersonalLine = Field(examples=["经核实，情况属实"])


class MadeOut(BaseModel):
    """An objection as who made it sees it. `recipient_id` null: the recipient was erased."""

    objection_id: str
    recipient_id: str | None
    made_at: datetime
    outcome: Outcome | None

    @classmethod
    def of(cls, objection: Objection) -> "MadeOut":
        """Without words."""
        return cls(
            objection_id=objection.objection_id,
            recipient_id=objection.recipient_id,
            made_at=objection.made_at,
            outcome=objection.outcome,
        )


class ObjectionOut(MadeOut):
    """An objection as organisers see it. `by` null: an organiser wrote it down, or the person was erased."""

    by: str | None
    text: str | None
    reason: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, objection: Objection) -> "ObjectionOut":
        """With its words."""
        return cls(
            **MadeOut.of(objection).model_dump(),
            by=objection.objector_id,
            text=objection.words,
            reason=objection.reason_words,
            decided_at=objection.decided_at,
        )


class ObjectionsOut(BaseModel):
    """A page of objections by id; `after` leads to the next one, null on the last."""

    objections: list[ObjectionOut]
    after: str | None

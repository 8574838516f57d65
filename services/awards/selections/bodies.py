"""Selections and nominees in requests and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.awards.selections.rules import (
    NOMINEES_MAX,
    AdmissionCode,
    Nomination,
    Nominee,
    Phase,
    Selection,
    Terms,
    phase_of,
)
from services.awards.selections.store import NOMINATIONS_OF_A_NOMINEE_MAX, Stored
from shared.contracts.checked import Id, PersonalLine, Text
from shared.web.forms import Form

STATEMENT_CHARS_MAX = 1_000
EVIDENCE_MAX = 5


class SelectionIn(Terms):
    """A selection as an organiser puts it; its id, if given, is the path's."""

    selection_id: Id | None = Field(None, examples=["finest-2026"])


class SelectionOut(BaseModel):
    """`selection` is what `PUT` takes. `phase` follows from its times and from what was decided."""

    selection: Selection
    phase: Phase
    nominees: int = Field(description="how many were nominated until now")

    @classmethod
    def of(cls, stored: Stored, now: datetime) -> "SelectionOut":
        """A selection at this moment."""
        return cls(selection=stored.selection, phase=phase_of(*stored, now), nominees=stored.course.nominees)


class SelectionsOut(BaseModel):
    """A page of selections; `after` leads to the next one, null on the last."""

    selections: list[SelectionOut]
    after: str | None


class NominationIn(Form):
    """Whom to nominate, and why. Only organisers, and the experts who judge the nominee, read the words."""

    participant_id: Id = Field(description="somebody, or a group, who is registered")
    statement: Annotated[Text, Field(max_length=STATEMENT_CHARS_MAX)] = Field(examples=["扎根一线二十年"])
    evidence: tuple[PersonalLine, ...] = Field(
        (), max_length=EVIDENCE_MAX, description="links, or where it can be found"
    )


class NomineeIn(Form):
    participant_id: Id


class AdmissionIn(Form):
    """`eligible`, or why a nominee is not admitted."""

    participant_id: Id
    code: AdmissionCode


class NomineeOut(BaseModel):
    """A nominee. `admitted` is null until organisers have checked."""

    participant_id: str
    version: int
    changed_at: datetime
    withdrawn: bool
    admitted: bool | None
    code: AdmissionCode | None

    @classmethod
    def of(cls, nominee: Nominee) -> "NomineeOut":
        """Without any words."""
        return cls(
            participant_id=nominee.participant_id,
            version=nominee.version,
            changed_at=nominee.changed_at,
            withdrawn=nominee.withdrawn_at is not None,
            admitted=nominee.admitted,
            code=nominee.code,
        )


class NomineesOut(BaseModel):
    nominees: list[NomineeOut] = Field(max_length=NOMINEES_MAX)


class NominationOut(BaseModel):
    """One's own nomination."""

    nomination_id: str
    participant_id: str
    statement: str
    evidence: list[str] = Field(max_length=EVIDENCE_MAX)
    nominated_at: datetime

    @classmethod
    def of(cls, nomination: Nomination) -> "NominationOut":
        """With its words."""
        return cls(
            nomination_id=nomination.nomination_id,
            participant_id=nomination.participant_id,
            statement=nomination.statement_words,
            evidence=list(nomination.evidence_words),
            nominated_at=nomination.nominated_at,
        )


class NomineeDetailOut(NomineeOut):
    """A nominee with the nominations that were not withdrawn. Who has nominated is not said."""

    nominations: list[NominationOut] = Field(max_length=NOMINATIONS_OF_A_NOMINEE_MAX)

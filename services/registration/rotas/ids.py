"""Ids of assignments."""

from uuid import UUID

from services.registration.rotas.rules import AssignmentId
from shared.runtime.ids import derived_id

ASSIGNMENT_IDS = UUID("7d0f5b0a-53a4-5c0e-9a0b-2c6c4f1d8e73")


def assignment_id(participant_id: str, session_id: str, shift_id: str) -> AssignmentId:
    """The one assignment that a participant can have for a shift."""
    return AssignmentId(derived_id(ASSIGNMENT_IDS, participant_id, session_id, shift_id))

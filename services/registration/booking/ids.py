"""Ids of registrations."""

from uuid import UUID

from services.registration.booking.rules import RegistrationId
from shared.runtime.ids import derived_id

REGISTRATION_IDS = UUID("2f1b7c52-90b1-5f0c-8a3e-6a0d6d0e4b11")


def registration_id(participant_id: str, session_id: str) -> RegistrationId:
    """The one registration that a participant can have for a session."""
    return RegistrationId(derived_id(REGISTRATION_IDS, participant_id, session_id))

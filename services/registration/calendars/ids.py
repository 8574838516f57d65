"""The UIDs of calendar entries: always the same for the same thing."""

from uuid import UUID

from shared.runtime.ids import derived_id

# A session's file and its holder's file are two entries: with one UID they would overwrite each other.
SESSION_UIDS = UUID("6d0d3a5e-8f1b-5c0e-9b59-6f0c1a1f7b21")
REGISTRATION_UIDS = UUID("b1b7a3c4-52f0-5d7e-8c3b-0f4f3d9c2e65")


def session_uid(session_id: str) -> str:
    """Of a session, as everybody sees it."""
    return derived_id(SESSION_UIDS, session_id)


def registration_uid(registration_id: str) -> str:
    """Of a registration, as its holder sees it."""
    return derived_id(REGISTRATION_UIDS, registration_id)

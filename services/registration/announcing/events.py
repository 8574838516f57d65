"""The command to notifications to notify one person."""

from datetime import datetime
from uuid import UUID

from services.registration.announcing.rules import Announcement
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import NotificationRequested
from shared.contracts.origin import UNKNOWN_ORIGIN, enclosed
from shared.contracts.sources import REGISTRATION
from shared.runtime.ids import derived_id

REQUEST_IDS = UUID("5b0f6a0e-7c1d-5f5e-9d33-0f1c0a7f6b21")


def requested(announcement: Announcement, participant_id: str, now: datetime) -> Envelope[Event]:
    """Its id comes from the announcement and the person: a repeat is the same event."""
    request_id = derived_id(REQUEST_IDS, announcement.announcement_id, participant_id)
    fields = {
        "request_id": request_id,
        "participant_id": participant_id,
        "subject": announcement.subject,
        "body": announcement.body,
        "channels": tuple(announcement.channels),
    }
    return enclosed(NotificationRequested, fields, request_id, UNKNOWN_ORIGIN, now, source=REGISTRATION)

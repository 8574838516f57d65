"""The event of this room: an application was decided."""

from datetime import datetime

from services.registration.managers.rules import Application
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import GroupApplicationDecided
from shared.contracts.origin import Origin, enclosed
from shared.contracts.sources import REGISTRATION


def decided(application: Application, origin: Origin, now: datetime) -> Envelope[Event]:
    """The applicant is told."""
    fields = {
        "application_id": application.application_id,
        "participant_id": application.participant_id,
        "group_name": application.name,
        "approved": application.status == "approved",
        "group_id": application.group_id,
        "reason": application.reason,
    }
    cause = f"{application.application_id}/{application.status}"
    return enclosed(GroupApplicationDecided, fields, cause, origin, now, source=REGISTRATION)

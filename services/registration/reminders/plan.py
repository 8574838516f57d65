"""The next reminder of a session that an organiser puts."""

from datetime import datetime

from services.registration.reminders.rules import first_reminder, is_replanned, wants_reminders
from services.registration.reminders.store import ReminderStore
from services.registration.sessions.rules import Session
from shared.storage.unit_of_work import UnitOfWork


async def plan_reminders(
    unit: UnitOfWork, store: ReminderStore, before: Session | None, after: Session, now: datetime
) -> None:
    """
    Plan the reminders of a session that is put, and locked by this unit of work.

    If it is at another time, they begin anew. Otherwise what is planned stays, so that nobody is reminded
    twice.

    Args:
        before: the session as it was; None if it is new.
    """
    first = first_reminder(after, now) if wants_reminders(after) else None
    if first is None and before is None:
        return
    if not wants_reminders(after) or is_replanned(before, after):
        await store.save(unit, after.session_id, first)
    elif first is not None:
        # A session that an earlier release has stored has no reminder yet.
        await store.add_missing(unit, first)

"""
Reminding the people of sessions: in the background, a few at a time.

The stored reminder says how far it has come (`told_to`). Each batch is one transaction with its events. So
after a crash the next batch goes on where the last one ended, and nobody is reminded twice.
"""

from msgspec.structs import replace

from services.registration.booking import events, metrics
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.participants.store import ParticipantStore
from services.registration.reminders.rules import (
    Reminder,
    reminder_after,
    status_reminded,
    wants_reminders,
)
from services.registration.reminders.store import ReminderStore
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

REMINDED_MAX = 200


class Reminding:
    """Reminds people of their sessions."""

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        reminders: ReminderStore,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self._reminders = reminders
        self.loop = Backlog("reminding", self._due, self.remind).loop

    async def remind(self, session_id: str, limit: int = REMINDED_MAX) -> int:
        """
        Remind the next few of a session's people, if its reminder is due.

        Returns: how many.
        """

        async def work(unit: UnitOfWork) -> int:
            # Locked, so that a session which is moved or cancelled now is so before or after this batch.
            session = (await self._sessions.lock(unit, [session_id])).get(session_id)
            reminder = await self._reminders.of(unit, session_id)
            now = clock.now()
            if reminder is None or now < reminder.due_at:
                return 0
            if session is None or not wants_reminders(session):
                await self._reminders.save(unit, session_id, None)
                return 0
            # After an outage: what makes no sense any more is left out.
            some = await self._next(unit, reminder, limit) if now < reminder.until else []
            erased = await self._participants.erased(unit, {one.participant_id for one in some})
            alive = [one for one in some if not one.is_anonymous and one.participant_id not in erased]
            unit.publish(
                *(
                    events.reminded(one, session, reminder.kind, reminder.until, UNKNOWN_ORIGIN, now)
                    for one in alive
                )
            )
            if len(some) == limit:
                after: Reminder | None = replace(reminder, told_to=some[-1].sequence)
            else:
                after = reminder_after(reminder, session, now)
            await self._reminders.save(unit, session_id, after)
            return len(alive)

        reminded = await save_together(self._database, work)
        metrics.count(reminded=reminded)
        return reminded

    async def _next(self, unit: UnitOfWork, reminder: Reminder, limit: int) -> list[Registration]:
        return await self._registrations.with_status(
            unit, reminder.session_id, status_reminded(reminder.kind), reminder.told_to, limit
        )

    async def _due(self, after: str, limit: int) -> list[str]:
        return await self._reminders.due(clock.now(), after, limit)

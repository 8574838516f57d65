"""Erasing a participant: nothing personal stays, and what lies elsewhere can no longer be opened."""

from datetime import datetime

from services.registration.booking import metrics
from services.registration.booking.cancel import Cancellation
from services.registration.envelopes import Origin
from services.registration.participants import events
from services.registration.participants.rules import Participant, ParticipantId
from services.registration.participants.store import ParticipantStore
from shared.runtime import clock
from shared.runtime.errors import NotAuthenticated
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Erasure:
    """Erases participants."""

    def __init__(
        self, database: Database, participants: ParticipantStore, cancellation: Cancellation
    ) -> None:
        self._database = database
        self._participants = participants
        self._cancellation = cancellation

    async def erase(self, participant_id: str, origin: Origin) -> datetime:
        """
        Delete a participant's key, profile and tickets, and cancel their registrations.

        Doing so again changes nothing. Visits stay, and so do places in sessions that have begun, under an id
        that no longer leads to anybody.

        Returns: when the participant was erased.
        Raises:
            NotAuthenticated: the participant does not exist.
        """
        id_ = ParticipantId(participant_id)

        async def work(unit: UnitOfWork) -> tuple[datetime, int, int]:
            participant = (await self._participants.lock(unit, [id_])).get(id_)
            if participant is None:
                raise NotAuthenticated(
                    "the token's participant does not exist here", code="participant_unknown"
                )
            if participant.erased_at is not None:
                return participant.erased_at, 0, 0
            cancelled, promoted = await self._cancellation.erase(unit, id_, origin)
            now, version = clock.now(), participant.version + 1
            await self._participants.save(unit, Participant(id_, None, version, erased_at=now))
            await self._participants.remove_key(unit, id_)
            unit.tell(*events.erased(id_, version, origin, now))
            return now, cancelled, promoted

        erased_at, cancelled, promoted = await save_together(self._database, work)
        metrics.count(cancelled=cancelled, promoted=promoted)
        return erased_at

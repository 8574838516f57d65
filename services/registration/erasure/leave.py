"""
Newcomers who have not verified a contact and have neither a place nor a wait: they are deleted with all data.

`booking/expire.py` frees their held places first. They are not kept, since anybody could make any number of
them.
"""

from datetime import timedelta

from services.registration.booking.store import RegistrationStore
from services.registration.participants import events
from services.registration.participants.store import ParticipantStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

# Held places are freed much earlier. The code in the mail may be valid longer than this. Then anybody who
# registers again with this address can use it.
UNVERIFIED_KEPT = timedelta(days=1)


class Leaving:
    """Removes newcomers who did not come back."""

    def __init__(
        self,
        database: Database,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        *,
        kept: timedelta = UNVERIFIED_KEPT,
    ) -> None:
        self._database = database
        self._participants = participants
        self._registrations = registrations
        self._kept = kept
        self.loop = Backlog("leaving", self._pending, self.delete_newcomer).loop

    async def delete_newcomer(self, contact_hash: str) -> bool:
        """
        Delete the newcomer with this contact. A newcomer who has a place or a wait is kept, and looked at
        again later.

        The participant is locked. So a booking at the same moment comes either before and is seen, or after
        and finds nobody.

        Returns: whether the newcomer is deleted.
        """

        async def work(unit: UnitOfWork) -> bool:
            contacts = self._participants.contacts
            known = (await contacts.known(unit, [contact_hash])).get(contact_hash)
            if known is None:
                return True
            id_ = known.participant_id
            participant = (await self._participants.lock(unit, [id_])).get(id_)
            now = clock.now()
            if participant is not None and await self._registrations.is_needed(unit, id_):
                await contacts.look_later(unit, contact_hash, now)
                return False
            await contacts.remove(unit, contact_hash)
            if participant is None:
                return True
            await self._registrations.remove_all_of(unit, id_)
            await self._participants.remove(unit, id_)
            unit.publish(*events.erased(id_, participant.version + 1, UNKNOWN_ORIGIN, now))
            return True

        return await save_together(self._database, work)

    async def _pending(self, after: str, limit: int) -> list[str]:
        return await self._participants.contacts.unverified(after, limit, clock.now() - self._kept)

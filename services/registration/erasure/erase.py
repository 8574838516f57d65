"""Erase a participant: delete the profile, and the key that opens all data stored elsewhere."""

from datetime import datetime

from services.registration.erasure.store import ErasureStore
from services.registration.participants import events
from services.registration.participants.rules import Participant, ParticipantId
from services.registration.participants.store import ParticipantStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotAuthenticated
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Erasure:
    """Erases participants."""

    def __init__(self, database: Database, participants: ParticipantStore, erasures: ErasureStore) -> None:
        self._database = database
        self._participants = participants
        self._erasures = erasures

    async def erase(self, participant_id: str, origin: Origin, *, issued_at: int | None = None) -> datetime:
        """
        Delete a participant's key and profile. A repeat changes nothing.

        The contact is free again: somebody may join with it. Nobody can open data that are encrypted with the
        key. The participant can no longer register or come in, and gets no messages. `finish.py` cancels the
        registrations later, one by one. Visits stay, and places in sessions that have begun stay too. Their
        id no longer leads to a person.

        Args:
            issued_at: of the token of this request, in seconds since 1970; None: nobody asks by a token.

        Returns: when the participant was erased.
        Raises:
            NotAuthenticated: the participant does not exist, or the token has ended.
        """
        id_ = ParticipantId(participant_id)

        async def work(unit: UnitOfWork) -> datetime:
            participant = (await self._participants.lock(unit, [id_])).get(id_)
            if participant is None:
                raise NotAuthenticated(
                    "the token's participant does not exist here", code="participant_unknown"
                )
            if participant.erased_at is not None:
                return participant.erased_at
            if issued_at is not None:
                participant.check_token(issued_at)
            now, version = clock.now(), participant.version + 1
            await self._participants.save(unit, Participant(id_, None, version, erased_at=now))
            await self._participants.remove_key(unit, id_)
            if participant.contact_hash is not None:
                await self._participants.contacts.remove(unit, participant.contact_hash)
            await self._erasures.add(unit, id_)
            unit.publish(*events.erased(id_, version, origin, now))
            return now

        return await save_together(self._database, work)

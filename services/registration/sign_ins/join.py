"""Somebody joins without asking for a place."""

from services.registration.participants import events
from services.registration.participants.codes import ContactCodes
from services.registration.participants.keys import ContactKey
from services.registration.participants.rules import Participant, ParticipantId, Profile, contact_known
from services.registration.participants.store import ParticipantStore
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact
from shared.runtime import clock
from shared.runtime.errors import Rejected
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Joining:
    """Lets newcomers join."""

    def __init__(self, database: Database, participants: ParticipantStore, codes: ContactCodes) -> None:
        self._database = database
        self._participants = participants
        self._codes = codes

    async def join(
        self, id_: ParticipantId, profile: Profile, contact: Contact, key: ContactKey, origin: Origin
    ) -> Participant:
        """
        Let a newcomer join; the code for the contact is sent to its plain spelling.

        If it is not verified, everything about the newcomer is deleted (erasure/leave.py).

        Raises:
            Conflict: somebody has registered with this contact (`contact_known`).
            Rejected: there is no such group (`group_unknown`).
        """

        hash_ = self._codes.hash_of(contact.address or "")

        async def work(unit: UnitOfWork) -> Participant:
            now = clock.now()
            owners, freed = await self._participants.contacts.look_up(unit, [hash_])
            if hash_ in owners:
                raise contact_known()
            await check_group(unit, self._participants, profile.group_id)
            participant = Participant(id_, profile, contact_hash=hash_)
            await self._participants.add(unit, [participant])
            await self._participants.add_keys(unit, {id_: key.key})
            await self._participants.contacts.add(unit, [participant], now, freed)
            round_ = freed.get(hash_, 1)
            proof = self._codes.proof(contact.plainly, key.key, now, round_=round_)
            unit.publish(
                *events.joined(participant, key, origin, now),
                events.code_requested(
                    id_,
                    id_,
                    profile.language,
                    round_,
                    proof,
                    origin,
                    now,
                    by_phone=profile.by_phone,
                ),
            )
            return participant

        return await save_together(self._database, work)


async def check_group(unit: UnitOfWork, participants: ParticipantStore, group_id: str | None) -> None:
    """
    Check that a group exists, if one is named.

    Raises:
        Rejected: there is none with this id.
    """
    if group_id is not None and not await participants.groups_among(unit, [group_id]):
        raise Rejected(f"there is no group {group_id}", code="group_unknown", group_id=group_id)

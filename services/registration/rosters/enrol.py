"""
Members are enrolled and changed. One address is one participant, also in rosters.

If somebody takes part already with the address of a new member, the member is that participant. The group
changes nothing of the participant's profile, since it may know no more than the address.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.registration.participants.ensure_keys import ensure_keys
from services.registration.participants.rules import Group, Participant, ParticipantId
from services.registration.participants.store import ParticipantStore
from services.registration.rosters.admit import Admitted, MemberAdmission
from services.registration.rosters.notify_entered import notify_entered
from services.registration.rosters.rules import Details, Member, speaks_for
from services.registration.rosters.store import RosterStore
from shared.contracts.origin import Origin
from shared.messaging.publisher import Record
from shared.storage.unit_of_work import UnitOfWork


class Enrolment:
    """Enrols members, and changes them, in units of work that have locked the group."""

    def __init__(
        self, members: RosterStore, participants: ParticipantStore, admission: MemberAdmission
    ) -> None:
        self._members = members
        self._participants = participants
        self._admission = admission

    async def misaddressed(self, unit: UnitOfWork, group_id: str, said: Mapping[str, Details]) -> set[str]:
        """
        Those of these identities whose address is somebody else's.

        A new member must not be a participant who is another member of this group. A member who is there
        already must not become somebody else.
        """
        owners = await self._owners(unit, said)
        there = await self._members.by_identity(unit, group_id, owners.keys())
        others = set(owners.values()) - {one.participant_id for one in there.values()}
        taken = {
            id_ for group, id_ in await self._members.with_participants(unit, others) if group == group_id
        }
        taken |= {one.participant_id for one in there.values()}
        return {
            identity
            for identity, owner in owners.items()
            if (owner != there[identity].participant_id if identity in there else owner in taken)
        }

    async def left(self, unit: UnitOfWork, group_id: str, said: Mapping[str, Details]) -> set[str]:
        """
        Those of these identities who have left the group: the same person, or the same address.

        The group does not enter them again. They come back by a code that the group gives them.
        """
        owners = await self._owners(unit, said)
        gone = await self._members.left.among(unit, group_id, said.keys(), set(owners.values()))
        identities = {one.identity_hash for one in gone}
        people = {one.participant_id for one in gone}
        return {one for one in said if one in identities or owners.get(one) in people}

    async def _owners(self, unit: UnitOfWork, said: Mapping[str, Details]) -> dict[str, ParticipantId]:
        """Who has the addresses that are known, by identities."""

        def addresses() -> dict[str, str | None]:
            return {one: self._admission.address_hash(details) for one, details in said.items()}

        # In a thread: thousands of hashes take a tenth of a second.
        hashes = await asyncio.to_thread(addresses)
        known = await self._participants.contacts.known(unit, {hash_ for hash_ in hashes.values() if hash_})
        return {one: known[hash_].participant_id for one, hash_ in hashes.items() if hash_ and hash_ in known}

    async def enrol(
        self, unit: UnitOfWork, group: Group, said: Mapping[str, Details], origin: Origin, now: datetime
    ) -> list[Member]:
        """
        Enrol new members.

        Args:
            said: by identities, of which none is `misaddressed`, and none has `left`.

        Who took part before is notified (notify_entered.py).
        """
        owners = await self._owners(unit, said)
        # Locked: an erasure comes before it, and has freed the address, or after it.
        locked = await self._participants.lock(unit, set(owners.values()))
        keys = await ensure_keys(
            unit, set(owners.values()), self._participants, self._admission.sealer, origin, now
        )

        def admit() -> tuple[list[Admitted], list[Member]]:
            admitted = [
                self._admission.admit(group, one, details, origin, now)
                for one, details in said.items()
                if one not in owners
            ]
            known = [
                self._admission.member(group, one, said[one], id_, keys[id_], now, was_known=True)
                for one, id_ in owners.items()
            ]
            return admitted, known

        # In a thread: hundreds of keys take a while.
        admitted, known = await asyncio.to_thread(admit)
        new = [one.participant for one in admitted]
        await self._participants.add(unit, new)
        await self._participants.add_keys(unit, {one.member.participant_id: one.key.key for one in admitted})
        await self._participants.contacts.add(unit, new, None)
        of_owners = (self._admission.address_hash(said[one]) for one in owners)
        await self._participants.contacts.never_expire(unit, [hash_ for hash_ in of_owners if hash_])
        members = [one.member for one in admitted] + known
        await self._members.add(unit, members)
        for one in admitted:
            unit.publish(*one.events)
        verified = [id_ for id_ in owners.values() if locked[id_].is_verified]
        await notify_entered(unit, self._members, group, verified, origin, now)
        return members

    async def change(
        self, unit: UnitOfWork, group: Group, changes: Sequence[tuple[Member, str, Details]], now: datetime
    ) -> None:
        """Change what a group says about members: each with the new identity and details."""
        ids = [member.participant_id for member, _, _ in changes]
        locked = await self._participants.lock(unit, ids)
        keys = await self._participants.keys(unit, ids)
        shared = await self._members.shared(unit, ids)

        def change() -> tuple[list[Member], list[Participant], list[Record]]:
            changed: list[Member] = []
            renewed: list[Participant] = []
            told: list[Record] = []
            for member, identity, details in changes:
                id_ = member.participant_id
                if id_ not in keys:
                    # Erased, or a database that was restored: backups have no keys. What nobody can open,
                    # nobody can change.
                    continue
                changed.append(self._admission.change(member, identity, details, keys[id_]))
                if speaks_for(member, locked[id_], is_shared=id_ in shared):
                    one, events = self._admission.renew(locked[id_], group, details, keys[id_], now)
                    renewed.append(one)
                    told += events
            return changed, renewed, told

        changed, renewed, told = await asyncio.to_thread(change)
        await self._participants.save_all(unit, renewed)
        await self._readdress(unit, renewed, locked)
        await self._members.save(unit, changed)
        unit.publish(*told)

    async def _readdress(
        self, unit: UnitOfWork, renewed: Sequence[Participant], before: Mapping[str, Participant]
    ) -> None:
        """Addresses that the group has corrected are free, and the new ones are taken."""
        moved = [one for one in renewed if one.contact_hash != before[one.participant_id].contact_hash]
        old = [before[one.participant_id].contact_hash for one in moved]
        await self._participants.contacts.remove(unit, *(hash_ for hash_ in old if hash_ is not None))
        await self._participants.contacts.add(unit, moved, None)

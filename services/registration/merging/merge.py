"""One id goes: it is erased, and everybody hears into whom it went."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from services.registration.consents.store import ConsentStore
from services.registration.merging.rules import Merge, check_mergeable
from services.registration.merging.store import MergeStore
from services.registration.participants import events
from services.registration.participants.rules import Participant, ParticipantId
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.notify_entered import notify_entered
from services.registration.rosters.rules import Member
from services.registration.rosters.store import RosterStore
from shared.contracts.origin import Origin
from shared.contracts.sealing import decrypt_words, encrypt_words
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound, Rejected
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Person(msgspec.Struct, frozen=True):
    """A participant who exists, and the key."""

    participant: Participant
    key: bytes


class Merging:
    """Merges doubles."""

    def __init__(
        self,
        database: Database,
        participants: ParticipantStore,
        members: RosterStore,
        consents: ConsentStore,
        merges: MergeStore,
        groups: GroupStore,
    ) -> None:
        self._database = database
        self._participants = participants
        self._members = members
        self._consents = consents
        self._merges = merges
        self._groups = groups

    async def merge(self, goes_id: str, into_id: str, origin: Origin) -> Merge:
        """
        Let one participant go into another one; a repeat changes nothing.

        Tokens of the one who goes end, and nobody can open data that are encrypted with that key. What groups
        say of a member is encrypted with the other key. Places and waits are moved in the background
        (move.py).

        Raises:
            NotFound: one of the two does not exist, or is erased.
            Conflict: one is a group; who goes has verified a contact; or it has gone into somebody else.
            Rejected: both are the same.
        """

        async def work(unit: UnitOfWork) -> Merge:
            return await self.merge_in(unit, goes_id, into_id, origin)

        return await save_together(self._database, work)

    async def merge_in(
        self, unit: UnitOfWork, goes_id: str, into_id: str, origin: Origin, *, claimed: str | None = None
    ) -> Merge:
        """
        `merge` as a part of another transaction.

        Args:
            claimed: the member whom the one who stays claims to be, and so knows of.
        """
        if goes_id == into_id:
            raise Rejected("name two participants", code="merge_itself")
        locked = await self._participants.lock(unit, [goes_id, into_id])
        earlier = await self._merges.of(unit, goes_id)
        if earlier is not None:
            return _same(earlier, into_id)
        keys = await self._participants.keys(unit, [goes_id, into_id])
        goes, stays = (_person(id_, locked, keys) for id_ in (goes_id, into_id))
        check_mergeable(
            goes.participant,
            stays.participant,
            has_proved=await self._has_proved(unit, goes.participant),
        )
        await self._move_members(unit, goes, stays, claimed, origin)
        merge = Merge(goes.participant.participant_id, stays.participant.participant_id, clock.now())
        await self._merges.add(unit, merge)
        await self._erase(unit, goes.participant, merge, origin)
        return merge

    async def _has_proved(self, unit: UnitOfWork, goes: Participant) -> bool:
        """Whether a code of the contact was used. Others may only vouch for a contact."""
        if goes.contact_hash is None:
            return False
        known = (await self._participants.contacts.known(unit, [goes.contact_hash])).get(goes.contact_hash)
        return known is not None and known.proved

    async def _move_members(
        self, unit: UnitOfWork, goes: Person, stays: Person, claimed: str | None, origin: Origin
    ) -> None:
        """
        Who stays is the member of the groups that have entered the one who goes, and is notified.

        What one of the two has left stays left.
        """
        gone_id, id_ = goes.participant.participant_id, stays.participant.participant_id
        left = self._members.left
        left_before = await left.of_participants(unit, [id_])
        await left.save(
            unit, [_moved(one, goes, stays) for one in await left.of_participants(unit, [gone_id])]
        )
        moved = [_moved(one, goes, stays) for one in await self._members.of_participants(unit, [gone_id])]
        await self._members.save(unit, moved)
        groups = {one.group_id for one in left_before}
        away = [one for one in moved if one.group_id in groups and one.member_id != claimed]
        if away:
            await self._members.leave(unit, away, clock.now())
            for one in away:
                await self._consents.remove(unit, one.member_id)
        moved = [one for one in moved if one not in away]
        unasked = [one for one in moved if one.member_id != claimed]
        await self._notify(unit, stays.participant, unasked, origin)
        contact = stays.participant.contact_hash
        if moved and contact is not None:
            # Groups need the one who stays now, also if nobody verifies the contact.
            await self._participants.contacts.never_expire(unit, [contact])
        for member in moved:
            consent = await self._consents.of_member(unit, member.member_id)
            if consent is not None and consent.guardian_locked is not None:
                guardian = _encrypted_again(consent.guardian_locked, goes.key, stays.key)
                await self._consents.save(unit, replace(consent, guardian_locked=guardian))

    async def _notify(
        self, unit: UnitOfWork, stays: Participant, moved: Sequence[Member], origin: Origin
    ) -> None:
        """As in an enrolment. Somebody who has verified nothing is notified after the verification."""
        if not stays.is_verified:
            return
        for one in moved:
            if (group := await self._groups.read_in(unit, one.group_id)) is not None:
                await notify_entered(unit, self._members, group, [stays.participant_id], origin, clock.now())

    async def _erase(self, unit: UnitOfWork, goes: Participant, merge: Merge, origin: Origin) -> None:
        id_, version, now = goes.participant_id, goes.version + 1, merge.merged_at
        await self._participants.save(unit, Participant(id_, None, version, erased_at=now))
        await self._participants.remove_key(unit, id_)
        if goes.contact_hash is not None:
            # Nobody has proved that it is theirs. Whoever reads that mailbox must not become the one who
            # stays.
            await self._participants.contacts.remove(unit, goes.contact_hash)
        unit.publish(*events.erased(id_, version, origin, now, merged_into=merge.into))


def _same(earlier: Merge, into_id: str) -> Merge:
    if earlier.into != into_id:
        raise Conflict(
            f"participant {earlier.participant_id} has gone into participant {earlier.into}",
            code="merged_elsewhere",
            participant_id=earlier.participant_id,
            into=earlier.into,
        )
    return earlier


def _person(id_: str, locked: Mapping[str, Participant], keys: Mapping[str, bytes]) -> Person:
    found, key = locked.get(ParticipantId(id_)), keys.get(id_)
    # Without a key: a database that was restored. The next request for a place makes one.
    if found is None or found.profile is None or key is None:
        raise NotFound(f"there is no participant {id_}", code="person_unknown", participant_id=id_)
    return Person(found, key)


def _moved(member: Member, goes: Person, stays: Person) -> Member:
    return replace(
        member,
        participant_id=stays.participant.participant_id,
        details_locked=_encrypted_again(member.details_locked, goes.key, stays.key),
        was_known=True,
        version=member.version + 1,
    )


def _encrypted_again(words: str, before: bytes, after: bytes) -> str:
    return encrypt_words(decrypt_words(words, before), after)

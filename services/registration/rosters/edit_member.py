"""One member at a time: entered by a form, corrected, removed."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace

from services.registration.participants import events
from services.registration.participants.rules import Group, Participant, group_unknown
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.admit import MemberAdmission, opened
from services.registration.rosters.enrol import Enrolment
from services.registration.rosters.rules import (
    Details,
    Member,
    check_not_full,
    fingerprint_of,
    identity_of,
    speaks_for,
)
from services.registration.rosters.store import RosterStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.runtime.versions import Matching, always, check_version
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

OfMember = Callable[[UnitOfWork, str], Awaitable[None]]
"""Does something about a member, by id."""


class MemberChanges:
    """
    Adds, corrects and removes members.

    Args:
        forget: what the rooms above have of a member who is removed.
        check_renamed: whether the rooms above let a member get another name; raises Conflict if not.
    """

    def __init__(
        self,
        database: Database,
        members: RosterStore,
        groups: GroupStore,
        participants: ParticipantStore,
        admission: MemberAdmission,
        forget: Sequence[OfMember] = (),
        check_renamed: Sequence[OfMember] = (),
    ) -> None:
        self._database = database
        self._members = members
        self._groups = groups
        self._participants = participants
        self._admission = admission
        self._enrolment = Enrolment(members, participants, admission)
        self._forget = forget
        self._check_renamed = check_renamed

    async def add(self, group_id: str, details: Details, origin: Origin) -> Member:
        """
        Add a member. The same one again, with the same details, changes nothing.

        Raises:
            Conflict: there is a member of this name, department and number with other details; another
                member has the address; or the person has left the group.
            Rejected: the roster is full.
        """
        identity = identity_of(details, group_id, self._admission.hash)

        async def work(unit: UnitOfWork) -> Member:
            group = await self._lock(unit, group_id)
            known = (await self._members.by_identity(unit, group_id, [identity])).get(identity)
            if known is not None:
                if known.details_fingerprint != fingerprint_of(details, self._admission.hash):
                    raise _known(known)
                return known
            check_not_full(await self._members.count(group_id, unit), 1)
            await self._check_not_left(unit, group_id, identity, details)
            await self._check_address(unit, group_id, identity, details)
            [member] = await self._enrolment.enrol(unit, group, {identity: details}, origin, clock.now())
            return member

        return await save_together(self._database, work)

    async def put(
        self, group_id: str, member_id: str, details: Details, matches: Matching = always
    ) -> Member:
        """
        Correct a member.

        Raises:
            NotFound: there is no such member of this group.
            Outdated: it is not the version that was read.
            Conflict: another member has this name, department and number, or had them and has left; somebody
                else has the address; or a guardian has agreed for the member, who would get another name.
        """
        identity = identity_of(details, group_id, self._admission.hash)

        async def work(unit: UnitOfWork) -> Member:
            group = await self._lock(unit, group_id)
            member = await self._member(unit, group_id, member_id)
            check_version(matches, member.version, f"member {member_id}")
            same = (await self._members.by_identity(unit, group_id, [identity])).get(identity)
            if same is not None and same.member_id != member_id:
                raise _known(same)
            if member.details_fingerprint == fingerprint_of(details, self._admission.hash):
                return member
            if identity != member.identity_hash:
                await self._check_not_left(unit, group_id, identity, replace(details, email=None))
            if await self._name_of(unit, member) != details.name:
                for check in self._check_renamed:
                    await check(unit, member_id)
            # By the identity of before: by the new one the member would be new.
            await self._check_address(unit, group_id, member.identity_hash, details)
            await self._enrolment.change(unit, group, [(member, identity, details)], clock.now())
            return await self._member(unit, group_id, member_id)

        return await save_together(self._database, work)

    async def remove(self, group_id: str, member_id: str, origin: Origin) -> None:
        """
        Remove a member; a repeat changes nothing.

        The member's participant is erased, and every service hears of it; but somebody who has signed in, was
        there before, or is a member of another group too goes on to take part.
        """

        async def work(unit: UnitOfWork) -> None:
            await self._lock(unit, group_id)
            member = (await self._members.by_id(unit, group_id, [member_id])).get(member_id)
            if member is None:
                return
            # Before the participant's members are counted: another group may enrol the same one now.
            found = (await self._participants.lock(unit, [member.participant_id])).get(member.participant_id)
            is_shared = bool(await self._members.shared(unit, [member.participant_id]))
            await self._members.remove(unit, member_id)
            for forget in self._forget:
                await forget(unit, member_id)
            if found is None or found.profile is None or is_shared:
                return
            if speaks_for(member, found, is_shared=False):
                await _erase(unit, self._participants, found, origin)
            elif not found.is_verified and found.contact_hash is not None:
                # Nobody needs this newcomer any more, unless the contact is verified.
                await self._participants.contacts.look_later(unit, found.contact_hash, clock.now())

        await save_together(self._database, work)

    async def _check_address(self, unit: UnitOfWork, group_id: str, identity: str, details: Details) -> None:
        if await self._enrolment.misaddressed(unit, group_id, {identity: details}):
            raise Conflict(
                "another member, or somebody who takes part already, has this address",
                code="member_email_known",
            )

    async def _check_not_left(self, unit: UnitOfWork, group_id: str, identity: str, details: Details) -> None:
        if await self._enrolment.left(unit, group_id, {identity: details}):
            raise Conflict(
                "this person has left the group; who wants to come back claims it by a code from you",
                code="member_left",
            )

    async def _lock(self, unit: UnitOfWork, group_id: str) -> Group:
        await self._participants.lock(unit, [group_id])
        group = await self._groups.read_in(unit, group_id)
        if group is None:
            raise group_unknown(group_id)
        return group

    async def _name_of(self, unit: UnitOfWork, member: Member) -> str | None:
        keys = await self._participants.keys(unit, [member.participant_id])
        details = opened(member, keys)
        return details.name if details else None

    async def _member(self, unit: UnitOfWork, group_id: str, member_id: str) -> Member:
        found = (await self._members.by_id(unit, group_id, [member_id])).get(member_id)
        if found is None:
            raise member_unknown(member_id)
        return found


async def _erase(
    unit: UnitOfWork, participants: ParticipantStore, found: Participant, origin: Origin
) -> None:
    """
    Erase the participant that stood for a member.

    Nobody has ever had a token of this participant. So there are no registrations or requests to delete, as
    there are in the room `erasure`.
    """
    now, version = clock.now(), found.version + 1
    await participants.save(unit, Participant(found.participant_id, None, version, erased_at=now))
    await participants.remove_key(unit, found.participant_id)
    if found.contact_hash is not None:
        await participants.contacts.remove(unit, found.contact_hash)
    unit.publish(*events.erased(found.participant_id, version, origin, now))


def member_unknown(member_id: str) -> NotFound:
    """The refusal of a member who is not there, or is another group's."""
    return NotFound(f"there is no member {member_id}", code="member_unknown", member_id=member_id)


def _known(member: Member) -> Conflict:
    return Conflict(
        "there is a member of this name, department and number",
        code="member_known",
        member_id=member.member_id,
    )

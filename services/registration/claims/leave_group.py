"""A participant leaves a group that has them on its roster (docs/decisions/0058-leaving-a-roster.md)."""

from datetime import datetime

from msgspec.structs import replace

from services.registration.consents.store import ConsentStore
from services.registration.participants import events
from services.registration.participants.rules import Participant
from services.registration.participants.store import ParticipantStore
from services.registration.rosters.edit_member import member_unknown
from services.registration.rosters.rules import Member
from services.registration.rosters.store import RosterStore
from services.registration.sign_ins.rules import tokens_end_at
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotAuthenticated
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class GroupLeaving:
    """Lets participants leave groups."""

    def __init__(
        self,
        database: Database,
        members: RosterStore,
        participants: ParticipantStore,
        consents: ConsentStore,
    ) -> None:
        self._database = database
        self._members = members
        self._participants = participants
        self._consents = consents

    async def leave(self, participant_id: str, member_id: str, origin: Origin, *, issued_at: int) -> None:
        """
        Leave a group; a repeat changes nothing.

        The names in the group's bookings are taken off in the background (group_bookings/take_off.py).

        Args:
            issued_at: of the token of this request, in seconds since 1970.

        Raises:
            NotFound: there is no such member, or it is somebody else; or who asks has not verified a contact,
                and may have given that of the member.
            NotAuthenticated: who asks is erased or unknown, or the token has ended.
        """

        async def work(unit: UnitOfWork) -> None:
            who = await self._asker(unit, participant_id, issued_at)
            member = await self._members.own(unit, participant_id, member_id) if who.is_verified else None
            if member is None:
                left = await self._members.left.of_participants(unit, [participant_id])
                if any(one.member_id == member_id for one in left):
                    return
                raise member_unknown(member_id)
            # As in every change of a roster: bookings, imports and forms come before it or after it.
            await self._participants.lock(unit, [member.group_id])
            now = clock.now()
            await self._members.leave(unit, [member], now)
            await self._consents.remove(unit, member_id)
            await self._go_on_without(unit, who, member, origin, now)

        await save_together(self._database, work)

    async def _asker(self, unit: UnitOfWork, participant_id: str, issued_at: int) -> Participant:
        found = (await self._participants.lock(unit, [participant_id])).get(participant_id)
        if found is None:
            raise NotAuthenticated(
                "the token's participant does not exist here; register anew", code="participant_unknown"
            )
        if found.profile is None:
            raise NotAuthenticated("this participant was erased", code="participant_erased")
        found.check_token(issued_at)
        return found

    async def _go_on_without(
        self, unit: UnitOfWork, who: Participant, member: Member, origin: Origin, now: datetime
    ) -> None:
        """The profile names the group no more. After the last group, tokens do not say `roster` any more."""
        profile = who.profile
        after = who
        if profile is not None and profile.group_id == member.group_id:
            after = replace(after, profile=replace(profile, group_id=None))
        if not await self._members.of_participants(unit, [who.participant_id]):
            after = replace(after, roster_from=tokens_end_at(now, who.roster_from))
        if after != who:
            after = replace(after, version=who.version + 1)
            await self._participants.save(unit, after)
            unit.publish(events.changed(after, origin, now))

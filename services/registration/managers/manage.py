"""Who acts for a group: invited by an organiser, checked at each request, ended at once."""

from datetime import datetime

from services.registration.managers.codes import hash_of, new_code
from services.registration.managers.rules import INVITED_FOR, MANAGERS_MAX, Grant, grant_id
from services.registration.managers.store import ManagerStore
from services.registration.participants.rules import ParticipantId
from services.registration.participants.store import GroupStore, ParticipantStore
from shared.runtime import clock
from shared.runtime.errors import Conflict, Forbidden, NotAuthenticated, NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Managers:
    """Gives, checks and ends grants."""

    def __init__(
        self, database: Database, managers: ManagerStore, groups: GroupStore, participants: ParticipantStore
    ) -> None:
        self._database = database
        self._managers = managers
        self._groups = groups
        self._participants = participants

    async def check(self, group_id: str, participant_id: str) -> None:
        """
        Check that this participant manages this group now.

        Raises:
            Forbidden: not this one. It is the same for a group that does not exist.
        """
        if not await self._managers.manages(group_id, participant_id):
            raise Forbidden(f"you do not manage the group {group_id}", code="not_manager", group_id=group_id)

    async def invite(self, group_id: str) -> tuple[str, datetime]:
        """
        An invitation for whoever gets its code.

        Returns: the code, which is not stored, and when it ends.
        Raises:
            NotFound: there is no such group.
        """
        if await self._groups.read(group_id) is None:
            raise NotFound(f"there is no group {group_id}", code="group_unknown", group_id=group_id)
        code, expires_at = new_code(), clock.now() + INVITED_FOR
        await self._managers.invite(hash_of(code), group_id, expires_at)
        return code, expires_at

    async def accept(self, code: str, participant_id: str) -> Grant:
        """
        A participant uses an invitation, which is worth nothing afterwards.

        Raises:
            NotFound: there is no such invitation: it was used, has ended, or was never given.
            Conflict: the group has `MANAGERS_MAX` already. The invitation stays.
            NotAuthenticated: the participant is erased or unknown.
            Forbidden: the participant's contact is not verified. The invitation stays.
        """

        async def work(unit: UnitOfWork) -> Grant:
            await check_verified(unit, self._participants, participant_id)
            now = clock.now()
            group_id = await self._managers.use_invitation(unit, hash_of(code), now)
            if group_id is None:
                raise NotFound("there is no such invitation, or it was used", code="invitation_unknown")
            # The group's participant is locked: two who accept at the same moment follow each other.
            await self._participants.lock(unit, [group_id])
            return await grant(unit, self._managers, group_id, participant_id, now)

        return await save_together(self._database, work)


async def check_verified(unit: UnitOfWork, participants: ParticipantStore, participant_id: str) -> None:
    """
    Lock a participant, and check that there is one with a verified contact.

    Anybody can join with the address of a teacher, but only the teacher can verify it. An erasure at the same
    moment comes before the lock or after it.

    Raises:
        NotAuthenticated: the participant is erased or unknown.
        Forbidden: nobody has verified the contact.
    """
    found = (await participants.lock(unit, [participant_id])).get(participant_id)
    if found is None:
        raise NotAuthenticated("the token's participant does not exist here", code="participant_unknown")
    if found.profile is None:
        raise NotAuthenticated("this participant was erased", code="participant_erased")
    if not found.is_verified:
        raise Forbidden(
            "verify your e-mail or phone number first (POST /sign-ins), and ask again with the new token",
            code="contact_unverified",
        )


async def grant(
    unit: UnitOfWork, managers: ManagerStore, group_id: str, participant_id: str, now: datetime
) -> Grant:
    """
    Let a participant manage a group, which the caller has locked; a second grant changes nothing.

    Raises:
        Conflict: the group has `MANAGERS_MAX` already.
    """
    given = Grant(grant_id(group_id, participant_id), group_id, ParticipantId(participant_id), now)
    is_new = await managers.grant(unit, given)
    if is_new and await managers.count_in(unit, group_id, MANAGERS_MAX + 1) > MANAGERS_MAX:
        raise Conflict(
            f"a group has at most {MANAGERS_MAX} managers", code="managers_too_many", most=MANAGERS_MAX
        )
    return given

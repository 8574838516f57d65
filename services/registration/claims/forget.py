"""An erased participant is on no roster any more."""

from services.registration.claims.store import ClaimStore
from services.registration.consents.store import ConsentStore
from services.registration.rosters.store import RosterStore


class MemberForgetting:
    """
    Deletes what groups say of an erased participant, also those that the participant has left.

    Without the participant's key nobody can read it, but it would still show that somebody was on the roster.
    Registrations of the group keep their places until the manager changes them.
    """

    def __init__(self, members: RosterStore, consents: ConsentStore, claims: ClaimStore) -> None:
        self._members = members
        self._consents = consents
        self._claims = claims

    async def forget(self, participant_id: str, limit: int) -> bool:
        """
        Delete some of an erased participant's memberships, with consents and codes.

        Returns: whether there may be more.
        """
        ids = await self._members.ids_of_participant(participant_id, limit)
        if ids:
            await self._consents.forget(ids)
            await self._claims.forget(ids)
            await self._members.forget(ids)
        left = await self._members.left.ids_of_participant(participant_id, limit)
        if left:
            await self._claims.forget(left)
            await self._members.left.forget(left)
        await self._members.notified.forget(participant_id)
        return limit in (len(ids), len(left))

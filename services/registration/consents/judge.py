"""What rosters and consents say of somebody who asks for places."""

from collections.abc import Collection

from services.registration.booking.admission import Enrolled
from services.registration.consents.store import ConsentStore
from services.registration.rosters.store import RosterStore
from shared.storage.unit_of_work import UnitOfWork


class EnrolledMembers:
    """Looks up who is on a roster."""

    def __init__(self, members: RosterStore, consents: ConsentStore) -> None:
        self._members = members
        self._consents = consents

    async def among(self, unit: UnitOfWork, participant_ids: Collection[str]) -> dict[str, Enrolled]:
        """
        What there is to say of those of these participants who are members of groups.

        A minor whom two groups have needs one consent. It is locked: who takes it back at the same moment
        comes before the booking or after it.
        """
        found = await self._members.of_participants(unit, participant_ids)
        minors = {one.member_id: one.participant_id for one in found if one.is_minor}
        given = await self._consents.lock_given(unit, minors.keys())
        agreed = {minors[member_id] for member_id in given}
        called = {one.participant_id for one in found if one.is_minor and one.is_by_own_group} - agreed
        adults = {one.participant_id for one in found if not one.is_minor}
        only_minors = set(minors.values()) - agreed - adults
        return {
            id_: Enrolled(lacks_consent=id_ in called, lacks_as_member=id_ in called | only_minors)
            for id_ in (one.participant_id for one in found)
        }

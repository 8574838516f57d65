"""Participants are notified that a group has entered them: once for each group, in the inbox."""

from collections.abc import Collection
from datetime import datetime

from services.registration.participants import events
from services.registration.participants.rules import Group
from services.registration.rosters.store import RosterStore
from shared.contracts.origin import Origin
from shared.storage.unit_of_work import UnitOfWork


async def notify_entered(
    unit: UnitOfWork,
    members: RosterStore,
    group: Group,
    participant_ids: Collection[str],
    origin: Origin,
    now: datetime,
) -> None:
    """
    Notify these participants, who are locked and verified, that the group has entered them.

    Somebody who has not verified the contact may have given somebody else's, and must not learn who has
    entered that address. Then the verification notifies.
    """
    for id_ in await members.notified.add_new(unit, group.group_id, participant_ids):
        unit.publish(events.entered(id_, group.group_id, group.name, origin, now))

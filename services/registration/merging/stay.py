"""Into whom somebody went, at the end of all merges."""

from services.registration.merging.store import MergeStore
from services.registration.participants.rules import Participant
from services.registration.participants.store import ParticipantStore
from shared.storage.unit_of_work import UnitOfWork


async def who_stays(
    unit: UnitOfWork, merges: MergeStore, participants: ParticipantStore, participant_id: str
) -> Participant | None:
    """Who stays of somebody who went, locked. None: erased meanwhile."""
    while (merge := await merges.of(unit, participant_id)) is not None:
        participant_id = merge.into
    found = (await participants.lock(unit, [participant_id])).get(participant_id)
    return found if found is not None and found.profile is not None else None

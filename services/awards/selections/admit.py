"""Checking a nominee: the use case of `POST /selections/{selection_id}/admissions`."""

from services.awards.selections import events
from services.awards.selections.rules import (
    AdmissionCode,
    Nominee,
    admitted,
    check_phase,
    nominee_unknown,
)
from services.awards.selections.store import SelectionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.storage.unit_of_work import UnitOfWork, save_together


async def admit(
    selection_id: str, participant_id: str, code: AdmissionCode, selections: SelectionStore
) -> Nominee:
    """
    Note whether a nominee is eligible; a repeat changes nothing, and another code replaces the first one.

    Raises:
        NotFound: there is no such selection or nominee.
        Conflict: nominations have not begun, or there are candidates already.
    """
    origin, now = Origin.of_request(), clock.now()

    async def work(unit: UnitOfWork) -> Nominee:
        selection, course = await selections.lock(unit, selection_id)
        nominee = await selections.nominee(selection_id, participant_id, unit)
        if nominee is None:
            raise nominee_unknown(participant_id)
        check_phase(selection, course, now, "nominating", "scoring", "ranking")
        after = admitted(nominee, code, now)
        if after is not nominee:
            await selections.save_nominee(unit, after)
            unit.publish(events.admitted(after, selection, origin))
        return after

    return await save_together(selections.database, work)

"""Withdrawing: the use case of `POST /selections/{selection_id}/withdrawals`."""

from msgspec.structs import replace

from services.awards.selections import events
from services.awards.selections.rules import (
    Nominee,
    check_phase,
    nominee_unknown,
    withdrawn,
)
from services.awards.selections.store import SelectionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.storage.unit_of_work import UnitOfWork, save_together


async def withdraw(selection_id: str, participant_id: str, who: str, selections: SelectionStore) -> Nominee:
    """
    Withdraw a nominee, or one's own nomination of somebody. Its words are removed. A repeat changes nothing.

    Raises:
        NotFound: there is no such selection, or the participant is neither the nominee nor has nominated.
        Conflict: it is too late. Nominees withdraw until the decision, others until nominations end.
    """
    origin, now = Origin.of_request(), clock.now()

    async def work(unit: UnitOfWork) -> Nominee:
        selection, course = await selections.lock(unit, selection_id)
        nominee = await selections.nominee(selection_id, participant_id, unit)
        there = await selections.nominations(selection_id, participant_id, unit)
        by_nominee = who == participant_id
        theirs = there if by_nominee else [one for one in there if one.nominator_id == who]
        if nominee is None or not (by_nominee or theirs):
            raise nominee_unknown(participant_id)
        phases = ("scoring", "ranking", "notice", "deciding") if by_nominee else ()
        check_phase(selection, course, now, "nominating", *phases)
        for one in theirs:
            if one.withdrawn_at is None:
                bare = replace(one, statement_words="", evidence_words=(), withdrawn_at=now)
                await selections.save_nomination(unit, bare)
        stands = {one.nomination_id for one in there if one.withdrawn_at is None}
        if not by_nominee and stands - {one.nomination_id for one in theirs}:
            return nominee
        after = withdrawn(nominee, now, by_nominee=by_nominee)
        if after is not nominee:
            await selections.save_nominee(unit, after)
        if after.version != nominee.version:
            unit.publish(events.nominated(after, selection, origin))
        return after

    return await save_together(selections.database, work)

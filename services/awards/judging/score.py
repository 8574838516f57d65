"""Scoring: the use case of `POST /selections/{selection_id}/scores`."""

import secrets
from collections.abc import Mapping

from services.awards.judging import events
from services.awards.judging.rules import Scores, not_an_expert, points_of, scored
from services.awards.judging.store import JudgingStore
from services.awards.selections.rules import check_phase
from services.awards.selections.store import SelectionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.storage.unit_of_work import UnitOfWork, save_together

SALT_BYTES = 16


async def give_score(
    selection_id: str,
    expert_id: str,
    participant_id: str,
    points: Mapping[str, int],
    *,
    selections: SelectionStore,
    judging: JudgingStore,
) -> Scores:
    """
    Store an expert's points for a nominee, for the first time or others. The same again changes nothing.

    Raises:
        NotFound: there is no such selection.
        Forbidden: this is not an expert who judges the nominee.
        Rejected: the points are not those of the criteria.
        Conflict: it is not the time for it, or they were changed too often.
    """
    origin, now = Origin.of_request(), clock.now()
    salt = secrets.token_hex(SALT_BYTES)

    async def work(unit: UnitOfWork) -> Scores:
        selection, course = await selections.lock(unit, selection_id)
        panel = await judging.panel(selection_id, unit)
        if not panel.judges(expert_id, participant_id):
            raise not_an_expert(selection_id)
        check_phase(selection, course, now, "scoring")
        given = points_of(selection.criteria, points)
        before = await judging.score(unit, selection_id, expert_id, participant_id)
        after = scored(before, given, salt, now)
        if after is not before:
            await judging.save_scores(unit, after)
            if not course.scored:
                await selections.note(unit, selection_id, scored=True)
            unit.publish(events.scored(after, origin))
        return after

    return await save_together(selections.database, work)

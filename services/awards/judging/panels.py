"""
Naming experts, assigning nominees to them, and their conflicts of interest.

After each change nominees are assigned again, in the same transaction, once nominations have ended.
"""

from collections.abc import Awaitable, Callable, Sequence

from services.awards.judging.rules import (
    DeclaredConflict,
    Panel,
    assigned,
    not_an_expert,
    with_conflict,
    with_experts,
    without,
)
from services.awards.judging.store import JudgingStore
from services.awards.known.store import KnownStore
from services.awards.known.wait import KNOWN_WAIT_SECONDS, wait_for_recipients
from services.awards.selections.rules import Phase, check_phase, nominee_unknown, phase_of
from services.awards.selections.store import SelectionStore, Stored
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.storage.unit_of_work import UnitOfWork, save_together

OPEN: tuple[Phase, ...] = ("preparing", "nominating", "scoring")


class Panels:
    """Changes who judges whom."""

    def __init__(
        self,
        selections: SelectionStore,
        judging: JudgingStore,
        known: KnownStore,
        *,
        wait_seconds: float = KNOWN_WAIT_SECONDS,
    ) -> None:
        self._selections = selections
        self._judging = judging
        self._known = known
        self._wait_seconds = wait_seconds

    async def name_experts(self, selection_id: str, expert_ids: Sequence[str]) -> Panel:
        """
        Name experts, beside those that are named. A repeat changes nothing.

        Raises:
            NotFound: there is no such selection or participant.
            Conflict: the scoring has ended, there are too many, or one is a nominee or was erased.
        """
        await wait_for_recipients(self._known, expert_ids, self._wait_seconds)

        async def change(unit: UnitOfWork, panel: Panel) -> Panel:
            for one in sorted(expert_ids):
                await self._known.lock_recipient(unit, one)
                nominee = await self._selections.nominee(selection_id, one, unit)
                if nominee is not None and nominee.withdrawn_at is None:
                    raise Conflict(f"{one} is a nominee of this selection", code="expert_is_nominee")
            return with_experts(panel, expert_ids)

        return await self._change(selection_id, change, *OPEN)

    async def assign(self, selection_id: str) -> Panel:
        """
        Assign all who stand, as far as they are not assigned.

        Raises:
            NotFound: there is no such selection.
            Conflict: nominations have not ended, or the scoring has.
        """

        async def change(unit: UnitOfWork, panel: Panel) -> Panel:
            return panel

        return await self._change(selection_id, change, "scoring")

    async def declare(self, conflict: DeclaredConflict, selection_id: str) -> Panel:
        """
        Note an expert's conflict of interest. Somebody else judges the nominee, and a score does not count.

        Raises:
            NotFound: there is no such selection or nominee.
            Forbidden: this is not an expert of the selection.
            Conflict: the scoring has ended, or there are too many.
        """

        async def change(unit: UnitOfWork, panel: Panel) -> Panel:
            if conflict.expert_id not in panel.expert_ids:
                raise not_an_expert(selection_id)
            if await self._selections.nominee(selection_id, conflict.participant_id, unit) is None:
                raise nominee_unknown(conflict.participant_id)
            return with_conflict(panel, conflict)

        return await self._change(selection_id, change, *OPEN)

    async def remove(self, selection_id: str, expert_id: str) -> Panel:
        """
        Let somebody judge no more, and others in the place of this one. Scores already given do not count.

        Raises:
            NotFound: there is no such selection.
            Conflict: the scoring has ended.
        """

        async def change(unit: UnitOfWork, panel: Panel) -> Panel:
            return without(panel, expert_id)

        return await self._change(selection_id, change, *OPEN)

    async def _change(
        self,
        selection_id: str,
        change: Callable[[UnitOfWork, Panel], Awaitable[Panel]],
        *phases: Phase,
    ) -> Panel:
        async def work(unit: UnitOfWork) -> Panel:
            stored, now = await self._selections.lock(unit, selection_id), clock.now()
            check_phase(*stored, now, *phases)
            before = await self._judging.panel(selection_id, unit)
            after = await change(unit, before)
            if phase_of(*stored, now) == "scoring":
                after = await self.assign_in(unit, stored, after)
            if after != before:
                await self._judging.save_panel(unit, after)
            return after

        return await save_together(self._selections.database, work)

    async def assign_in(self, unit: UnitOfWork, stored: Stored, panel: Panel) -> Panel:
        """The panel in which all who stand are assigned, as far as experts may judge them."""
        selection_id = stored.selection.selection_id
        nominees = await self._selections.nominees(selection_id, unit)
        barred = await self._selections.nominated_by(selection_id, unit)
        standing = [one.participant_id for one in nominees if one.stands]
        # Whoever wants a place judges nobody.
        rivals = {one.participant_id for one in nominees if one.withdrawn_at is None}
        barred |= {(one, nominee) for one in rivals & set(panel.expert_ids) for nominee in standing}
        return assigned(panel, standing, barred, stored.selection.experts_per_nominee)

    async def leave_out(self, participant_id: str) -> None:
        """Take an erased person out of all panels; others judge in the place of this one."""
        selections = await self._judging.of_expert(participant_id)
        selections += await self._selections.of_nominee(participant_id)
        for selection_id in sorted(set(selections)):

            async def work(unit: UnitOfWork, selection_id: str = selection_id) -> None:
                stored = await self._selections.lock(unit, selection_id)
                before = await self._judging.panel(selection_id, unit)
                after = without(before, participant_id)
                if phase_of(*stored, clock.now()) == "scoring":
                    after = await self.assign_in(unit, stored, after)
                    after = without(after, participant_id)
                if after != before:
                    await self._judging.save_panel(unit, after)

            await save_together(self._selections.database, work)

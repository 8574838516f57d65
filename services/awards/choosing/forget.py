"""What selections forget of erased people: their words, and that they were nominees or experts."""

from collections.abc import Collection

from services.awards.judging.panels import Panels
from services.awards.judging.store import JudgingStore
from services.awards.selections.store import SelectionStore


class SelectionLeavers:
    """Forgets people in all selections. Published rankings and votes keep pseudonymous ids, as awards do."""

    def __init__(self, selections: SelectionStore, judging: JudgingStore, panels: Panels) -> None:
        self._selections = selections
        self._judging = judging
        self._panels = panels

    async def forget(self, participant_ids: Collection[str]) -> None:
        """Forget these people; a repeat does no harm."""
        for one in sorted(participant_ids):
            # Before the nominee is gone, by which the selections are found.
            await self._panels.leave_out(one)
        await self._selections.forget(participant_ids)
        await self._judging.forget(participant_ids)

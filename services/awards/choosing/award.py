"""Issue the awards of a selection's winners, in the background."""

import logging

from services.awards.choosing.store import ChoiceStore
from services.awards.issuing.issue import Issuer
from services.awards.issuing.rules import PlannedAward
from services.awards.schemes.store import SchemeStore
from services.awards.selections.store import SelectionStore
from shared.runtime.backlog import Backlog

log = logging.getLogger(__name__)

LOOP = "selections"


class Awarder:
    """Issues awards. Several processes may do it at once: an award's id is computed, so each comes once."""

    def __init__(
        self, selections: SelectionStore, choices: ChoiceStore, schemes: SchemeStore, issuer: Issuer
    ) -> None:
        self._selections = selections
        self._choices = choices
        self._schemes = schemes
        self._issuer = issuer
        self.loop = Backlog(LOOP, choices.to_issue, self.go_on).loop

    async def go_on(self, selection_id: str) -> None:
        """Issue the awards of this selection; the winners are so few that it is one transaction."""
        selection, _ = await self._selections.find(selection_id)
        choice = await self._choices.find(selection_id)
        if choice is None or choice.verdict is None:
            return
        scheme = await self._schemes.get(selection.scheme_id)
        due = [PlannedAward(scheme, winner, cause=selection_id) for winner in choice.verdict.winners]
        issued = await self._issuer.issue_applied(due)
        await self._choices.issued(selection_id)
        log.info("awards of a selection issued", extra={"selection_id": selection_id, "awards": issued})

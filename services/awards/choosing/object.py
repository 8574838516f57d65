"""Objections to candidates: when one may object, and against whom. `decide.py` leaves out the upheld ones."""

from datetime import datetime

from services.awards.choosing.store import ChoiceStore
from services.awards.objections.object import Objections
from services.awards.objections.rules import Objection, Outcome, Subject, check_may_object, not_in_notice
from services.awards.selections.rules import phase_of
from services.awards.selections.store import SelectionStore
from shared.storage.unit_of_work import UnitOfWork


class ObjectingToCandidates:
    """Takes objections to candidates, and notes what is decided about them."""

    def __init__(self, selections: SelectionStore, choices: ChoiceStore, objections: Objections) -> None:
        self._selections = selections
        self._choices = choices
        self._objections = objections

    async def subject(self, selection_id: str) -> Subject:
        """
        What objections in a selection are about.

        Raises:
            NotFound: there is no such selection.
        """
        selection, _ = await self._selections.find(selection_id)
        return Subject(selection.scheme_id, selection_id, selection.title)

    async def make(
        self, selection_id: str, recipient_id: str, words: str, objector_id: str | None
    ) -> tuple[Objection, bool]:
        """
        Object to a candidate: see `Objections.make`.

        Raises:
            NotFound: there is no such selection or candidate.
            Conflict: there are no candidates yet, the notice has ended, or see `Objections.make`.
        """
        subject = await self.subject(selection_id)

        async def open_in(unit: UnitOfWork, now: datetime) -> None:
            selection, course = await self._selections.lock(unit, selection_id)
            choice = await self._choices.find(selection_id, unit)
            runs = phase_of(selection, course, now) == "notice"
            check_may_object(subject, published=choice is not None, runs=runs)
            if choice is None or recipient_id not in choice.candidates:
                raise not_in_notice(subject, recipient_id)

        return await self._objections.make(subject, recipient_id, words, objector_id, open_in)

    async def decide(self, selection_id: str, objection_id: str, outcome: Outcome, reason: str) -> Objection:
        """
        Decide an objection. Whoever it is upheld against is left out of the vote.

        Raises:
            NotFound: there is no such selection or objection.
            Conflict: see `Objections.decide`.
        """

        async def close_in(unit: UnitOfWork, _: Objection) -> None:
            # A vote at the same moment either sees this decision, or sees the objection open.
            await self._selections.lock(unit, selection_id)

        subject = await self.subject(selection_id)
        return await self._objections.decide(subject, objection_id, outcome, reason, close_in)

"""Objections: the use cases of `POST /selections/{selection_id}/objections` and of their decisions."""

from uuid import UUID

from msgspec.structs import replace

from services.awards.choosing.rules import (
    OBJECTIONS_MAX,
    OBJECTIONS_OF_A_PERSON_MAX,
    Objection,
    not_a_candidate,
    settled,
)
from services.awards.choosing.store import ChoiceStore
from services.awards.known.store import KnownStore
from services.awards.known.wait import KNOWN_WAIT_SECONDS, wait_for_recipients
from services.awards.selections.rules import check_phase
from services.awards.selections.store import SelectionStore
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.runtime.ids import derived_id
from shared.storage.unit_of_work import UnitOfWork, save_together

OBJECTION_IDS = UUID("0c7b6f0e-7a35-5a6b-9d3b-8f4c0b8a5e11")


class Objections:
    """Takes objections against candidates, and notes what is decided about them."""

    def __init__(
        self,
        selections: SelectionStore,
        choices: ChoiceStore,
        known: KnownStore,
        *,
        wait_seconds: float = KNOWN_WAIT_SECONDS,
    ) -> None:
        self._selections = selections
        self._choices = choices
        self._known = known
        self._wait_seconds = wait_seconds

    async def object(
        self, selection_id: str, participant_id: str, objector_id: str | None, reference: str, words: str
    ) -> Objection:
        """
        Note an objection. A repeat replaces its words while it is open.

        Args:
            objector_id: None: organisers note it for somebody, under a `reference` of theirs.

        Raises:
            NotFound: there is no such selection or candidate.
            Conflict: it is not the time of the public notice, it is decided already, there are too many, or
                somebody was erased.
        """
        now = clock.now()
        by = f"participant:{objector_id}" if objector_id else f"organiser:{reference}"
        id_ = derived_id(OBJECTION_IDS, selection_id, participant_id, by)
        await wait_for_recipients(self._known, [objector_id] if objector_id else [], self._wait_seconds)

        async def work(unit: UnitOfWork) -> Objection:
            selection, course = await self._selections.lock(unit, selection_id)
            choice = await self._choices.find(selection_id, unit)
            if choice is None or participant_id not in choice.candidates:
                raise not_a_candidate(participant_id)
            check_phase(selection, course, now, "notice")
            for id_of in sorted({participant_id} | ({objector_id} if objector_id else set())):
                await self._known.lock_recipient(unit, id_of)
            there = await self._choices.objections(selection_id, unit)
            for one in there:
                if one.objection_id == id_:
                    if one.upheld is not None:
                        raise Conflict("this objection is decided, and that stays", code="objection_decided")
                    again = replace(one, objection_words=words)
                    await self._choices.save_objection(unit, again)
                    return again
            own = [one for one in there if objector_id and one.objector_id == objector_id]
            if len(there) >= OBJECTIONS_MAX or len(own) >= OBJECTIONS_OF_A_PERSON_MAX:
                raise Conflict("there are too many objections", code="too_many_objections")
            new = Objection(id_, selection_id, participant_id, objector_id, words, now)
            await self._choices.save_objection(unit, new)
            return new

        return await save_together(self._selections.database, work)

    async def settle(self, selection_id: str, objection_id: str, reason: str, *, upheld: bool) -> Objection:
        """
        Note what is decided about an objection. A repeat changes nothing.

        Raises:
            NotFound: there is no such selection or objection.
            Conflict: it was decided otherwise, or the selection is decided.
        """
        now = clock.now()

        async def work(unit: UnitOfWork) -> Objection:
            selection, course = await self._selections.lock(unit, selection_id)
            there = {one.objection_id: one for one in await self._choices.objections(selection_id, unit)}
            if objection_id not in there:
                raise NotFound(f"there is no objection {objection_id}", code="objection_unknown")
            before = there[objection_id]
            after = settled(before, reason, now, upheld=upheld)
            if after is not before:
                check_phase(selection, course, now, "notice", "deciding")
                await self._choices.save_objection(unit, after)
            return after

        return await save_together(self._selections.database, work)

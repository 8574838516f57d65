"""Nominating: the use case of `POST /selections/{selection_id}/nominations`."""

from uuid import UUID

from msgspec.structs import replace

from services.awards.known.store import KnownStore
from services.awards.known.wait import KNOWN_WAIT_SECONDS, wait_for_recipients
from services.awards.selections import events
from services.awards.selections.rules import (
    Nomination,
    Nominator,
    check_may_nominate,
    check_phase,
    most_for,
    nominated,
)
from services.awards.selections.store import (
    NOMINATIONS_OF_A_NOMINATOR_MAX,
    NOMINATIONS_OF_A_NOMINEE_MAX,
    SelectionStore,
)
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.runtime.ids import derived_id
from shared.storage.unit_of_work import UnitOfWork, save_together

NOMINATION_IDS = UUID("5f0f0c39-3f4b-5d0e-8a53-6a1e7f1f2c80")
ORGANISERS = "organisers"


class Nominations:
    """Takes nominations."""

    def __init__(
        self, selections: SelectionStore, known: KnownStore, *, wait_seconds: float = KNOWN_WAIT_SECONDS
    ) -> None:
        self._selections = selections
        self._known = known
        self._wait_seconds = wait_seconds

    async def nominate(
        self,
        selection_id: str,
        participant_id: str,
        nominator_id: str | None,
        statement: str,
        evidence: tuple[str, ...],
    ) -> Nomination:
        """
        Nominate somebody. A repeat replaces the words.

        Args:
            nominator_id: None is an organiser.

        Raises:
            NotFound: there is no such selection or nominee.
            Conflict: it is not the time for it, there are too many, or somebody has withdrawn or was erased.
            Forbidden: nobody of this kind nominates in this selection.
        """
        people = {participant_id} | ({nominator_id} if nominator_id else set())
        await wait_for_recipients(self._known, people, self._wait_seconds)
        by: Nominator = "organiser"
        if nominator_id is not None:
            by = "group" if await self._known.is_group(nominator_id) else "person"
        origin, now = Origin.of_request(), clock.now()
        id_ = derived_id(NOMINATION_IDS, selection_id, participant_id, nominator_id or ORGANISERS)
        new = Nomination(id_, selection_id, participant_id, nominator_id, statement, evidence, now)

        async def work(unit: UnitOfWork) -> Nomination:
            selection, course = await self._selections.lock(unit, selection_id)
            check_phase(selection, course, now, "nominating")
            check_may_nominate(selection, by)
            for one in sorted(people):
                await self._known.lock_recipient(unit, one)
            there = await self._selections.nominations(selection_id, participant_id, unit)
            nomination = await self._fitting(unit, new, there, by)
            before = await self._selections.nominee(selection_id, participant_id, unit)
            nominee = nominated(selection, course, before, participant_id, now, by)
            if nominee is not before:
                await self._selections.save_nominee(unit, nominee)
                unit.publish(events.nominated(nominee, selection, origin))
            if before is None:
                await self._selections.note(unit, selection_id, nominees=course.nominees + 1)
            await self._selections.save_nomination(unit, nomination)
            return nomination

        return await save_together(self._selections.database, work)

    async def _fitting(
        self, unit: UnitOfWork, new: Nomination, there: list[Nomination], by: Nominator
    ) -> Nomination:
        """
        The nomination with the time of the first one, if it is repeated.

        Raises:
            Conflict: it was withdrawn, or there are too many.
        """
        for one in there:
            if one.nomination_id == new.nomination_id:
                if one.withdrawn_at is not None:
                    raise Conflict(
                        "this nomination was withdrawn, and that stays", code="nomination_withdrawn"
                    )
                return replace(new, nominated_at=one.nominated_at)
        if len(there) >= (most := most_for(by, NOMINATIONS_OF_A_NOMINEE_MAX)):
            raise Conflict(
                f"a nominee has at most {most} nominations of a {by}: ask the organisers to nominate",
                code="too_many_nominations",
            )
        if new.nominator_id is not None:
            pairs = await self._selections.nominated_by(new.selection_id, unit)
            if len([1 for by, _ in pairs if by == new.nominator_id]) >= NOMINATIONS_OF_A_NOMINATOR_MAX:
                raise Conflict(
                    f"you may nominate at most {NOMINATIONS_OF_A_NOMINATOR_MAX} in a selection",
                    code="too_many_nominated",
                    most=NOMINATIONS_OF_A_NOMINATOR_MAX,
                )
        return new

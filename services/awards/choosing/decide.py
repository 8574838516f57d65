"""Recording the committee's votes: the use case of `POST /selections/{selection_id}/decision`."""

from collections.abc import Sequence

from msgspec.structs import replace

from services.awards.choosing import events
from services.awards.choosing.rules import (
    Ballot,
    Choice,
    Verdict,
    check_votes,
    winners_of,
)
from services.awards.choosing.store import ChoiceStore
from services.awards.known.store import KnownStore
from services.awards.objections.rules import Subject, check_all_decided
from services.awards.objections.store import ObjectionStore
from services.awards.schemes.rules import Selected
from services.awards.schemes.store import SchemeStore
from services.awards.selections.rules import check_phase
from services.awards.selections.store import SelectionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, Unavailable
from shared.storage.unit_of_work import UnitOfWork, save_together


class Verdicts:
    """Records votes, and lets the awards of the winners be issued."""

    def __init__(
        self,
        selections: SelectionStore,
        choices: ChoiceStore,
        schemes: SchemeStore,
        known: KnownStore,
        objections: ObjectionStore,
    ) -> None:
        self._selections = selections
        self._choices = choices
        self._schemes = schemes
        self._known = known
        self._objections = objections

    async def record(self, selection_id: str, votes: Sequence[Ballot], members: int) -> Choice:
        """
        Record the votes about all candidates who are left; the winners follow from them.

        The awards are issued in the background (award.py). A repeat with the same votes changes nothing.

        Raises:
            NotFound: there is no such selection.
            Conflict: the notice has not ended, objections are open, votes are tied, or others were recorded.
            Rejected: the votes are not about those who are left.
        """
        origin, now = Origin.of_request(), clock.now()
        ballots = tuple(sorted(votes, key=lambda one: one.participant_id))
        await self._make_rule_final(selection_id)

        async def work(unit: UnitOfWork) -> Choice:
            selection, course = await self._selections.lock(unit, selection_id)
            choice = await self._choices.find(selection_id, unit)
            if choice and choice.verdict:
                if (choice.verdict.votes, choice.verdict.members) != (ballots, members):
                    raise Conflict("other votes are recorded, and they stay", code="selection_decided")
                return choice
            check_phase(selection, course, now, "deciding")
            assert choice is not None  # noqa: S101 (by its phase)
            subject = Subject(selection.scheme_id, selection_id)
            objections = await self._objections.of(subject, unit)
            check_all_decided(subject, sum(one.is_open for one in objections))
            upheld = {one.recipient_id for one in objections if one.outcome == "upheld"}
            erased = await self._known.erased(choice.candidates)
            stands = {
                one.participant_id
                for one in await self._selections.nominees(selection_id, unit)
                if one.stands
            }
            left_out = [
                one for one in choice.candidates if one not in erased and (one in upheld or one not in stands)
            ]
            check_votes(set(choice.candidates) - erased - set(left_out), ballots, members)
            winners = winners_of(ballots, members, selection.places)
            verdict = Verdict(members, ballots, tuple(left_out), winners, now)
            after = replace(choice, verdict=verdict)
            await self._choices.save(unit, after)
            await self._selections.note(unit, selection_id, decided_at=now)
            unit.publish(events.decided(selection_id, verdict, origin))
            return after

        return await save_together(self._selections.database, work)

    async def _make_rule_final(self, selection_id: str) -> None:
        """From now on the scheme keeps its rule, and stays: its awards will be issued."""
        selection, course = await self._selections.find(selection_id)
        if course.notice_until is None or course.decided_at is not None:
            return
        scheme = await self._schemes.get(selection.scheme_id)
        if not isinstance(scheme.rule, Selected):
            raise Conflict(
                f"the rule of scheme {scheme.scheme_id} is not `selected` any more: put it again",
                code="scheme_changed",
            )
        if not await self._schemes.use(scheme):
            raise Unavailable(f"scheme {scheme.scheme_id} changed meanwhile; try again")

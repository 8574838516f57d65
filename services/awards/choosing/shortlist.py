"""Publishing the candidates: the use case of `POST /selections/{selection_id}/shortlist`."""

from collections.abc import Collection
from datetime import timedelta

from services.awards.choosing import events
from services.awards.choosing.rules import Choice, Row, candidates_of
from services.awards.choosing.store import ChoiceStore
from services.awards.judging.ranking import counted, ranked, shown
from services.awards.judging.store import JudgingStore
from services.awards.selections.rules import check_phase
from services.awards.selections.store import SelectionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.storage.unit_of_work import UnitOfWork, save_together


class Shortlists:
    """Computes rankings, and publishes candidates with all scores."""

    def __init__(self, selections: SelectionStore, judging: JudgingStore, choices: ChoiceStore) -> None:
        self._selections = selections
        self._judging = judging
        self._choices = choices

    async def publish(
        self,
        selection_id: str,
        named: Collection[str] | None,
        *,
        allow_fewer: bool = False,
        allow_missing: bool = False,
    ) -> Choice:
        """
        Rank all who stand, and publish the candidates. A repeat for the same candidates changes nothing.

        Args:
            named, allow_fewer: see `candidates_of`.
            allow_missing: also if an expert has not scored all whom this one judges.

        Raises:
            NotFound: there is no such selection.
            Conflict: the scoring has not ended, scores are missing, or see `candidates_of`.
            Rejected: see `candidates_of`.
        """
        origin, now = Origin.of_request(), clock.now()

        async def work(unit: UnitOfWork) -> Choice:
            selection, course = await self._selections.lock(unit, selection_id)
            there = await self._choices.find(selection_id, unit)
            if there is not None and (named is None or sorted(named) == sorted(there.candidates)):
                return there
            check_phase(selection, course, now, "ranking")
            panel = await self._judging.panel(selection_id, unit)
            nominees = await self._selections.nominees(selection_id, unit)
            standing = [one.participant_id for one in nominees if one.stands]
            scores = counted(panel, await self._judging.scores(selection_id, unit), standing)
            missing = [one for one in standing if len(scores[one]) < max(1, len(panel.assigned.get(one, ())))]
            if missing and not allow_missing:
                raise Conflict(
                    f"{len(missing)} nominees lack scores: let the scoring end later, or accept that by "
                    "`allow_missing`",
                    code="scores_missing",
                    number=len(missing),
                )
            points = {one: {by: given.last.points for by, given in of.items()} for one, of in scores.items()}
            ranking = ranked(selection.criteria, points, drop_extremes=selection.drop_extremes)
            choice = Choice(
                selection_id,
                tuple(Row(one.rank, one.participant_id, shown(one.mean), one.experts) for one in ranking),
                candidates_of(selection, ranking, named, allow_fewer=allow_fewer),
                now,
                now + timedelta(seconds=selection.notice_seconds),
            )
            await self._choices.save(unit, choice)
            await self._selections.note(unit, selection_id, notice_until=choice.notice_until)
            revealed = [given for of in scores.values() for given in of.values()]
            unit.publish(events.shortlisted(choice, revealed, origin))
            return choice

        return await save_together(self._selections.database, work)

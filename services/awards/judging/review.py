"""What organisers see of all scores, once the scoring has ended: the ranking, outliers, and a file."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from services.awards.judging.bodies import OutlierOut, RankingOut, RankOut, SeverityOut
from services.awards.judging.ranking import counted, outliers, ranked, severity, shown, weighted
from services.awards.judging.rules import Panel, Scores
from services.awards.judging.store import JudgingStore
from services.awards.selections.rules import Criterion, Selection, check_phase
from services.awards.selections.store import SelectionStore
from shared.runtime import clock
from shared.web.tables import Cell

COLUMNS = ("participant_id", "expert", "version", "scored_at")
DECIMALS = 2


class Reviews:
    """Reads the scores that count, after the end of the scoring."""

    def __init__(self, selections: SelectionStore, judging: JudgingStore) -> None:
        self._selections = selections
        self._judging = judging

    async def ranking(self, selection_id: str) -> RankingOut:
        """
        The ranking of this moment, with outliers.

        Raises:
            NotFound: there is no such selection.
            Conflict: the scoring has not ended.
        """
        selection, panel, scores = await self._read(selection_id)
        points = {one: {by: given.last.points for by, given in of.items()} for one, of in scores.items()}
        numbers = numbered(selection_id, panel.expert_ids)
        criteria = selection.criteria
        return RankingOut(
            ranking=[
                RankOut(
                    rank=one.rank,
                    participant_id=one.participant_id,
                    score=shown(one.mean),
                    experts=one.experts,
                )
                for one in ranked(criteria, points, drop_extremes=selection.drop_extremes)
            ],
            outliers=[
                OutlierOut(
                    expert=numbers[one.expert_id],
                    participant_id=one.participant_id,
                    score=round(one.score, DECIMALS),
                    others=round(one.others, DECIMALS),
                )
                for one in outliers(criteria, points)
            ],
            severity=[
                SeverityOut(expert=numbers[expert], difference=round(apart, DECIMALS))
                for expert, apart in severity(criteria, points).items()
            ],
            missing=[one for one, of in scores.items() if len(of) < max(1, len(panel.assigned.get(one, ())))],
        )

    async def table(self, selection_id: str) -> tuple[tuple[str, ...], list[list[Cell]]]:
        """
        The columns and rows of all scores that count.

        Raises:
            NotFound: there is no such selection.
            Conflict: the scoring has not ended.
        """
        selection, panel, scores = await self._read(selection_id)
        columns = (*COLUMNS, *(one.id for one in selection.criteria), "score")
        numbers = numbered(selection_id, panel.expert_ids)
        return columns, list(_rows(selection.criteria, numbers, scores))

    async def _read(self, selection_id: str) -> tuple[Selection, Panel, dict[str, dict[str, Scores]]]:
        selection, course = await self._selections.find(selection_id)
        check_phase(selection, course, clock.now(), "ranking", "notice", "deciding", "decided")
        panel = await self._judging.panel(selection_id)
        nominees = await self._selections.nominees(selection_id)
        standing = [one.participant_id for one in nominees if one.stands]
        return selection, panel, counted(panel, await self._judging.scores(selection_id), standing)


def numbered(selection_id: str, expert_ids: Sequence[str]) -> dict[str, str]:
    """Numbers of experts, in an order that says nothing about them."""
    order = sorted(expert_ids, key=lambda one: hashlib.sha256(f"{selection_id}|{one}".encode()).digest())
    return {one: f"E{number:02d}" for number, one in enumerate(order, 1)}


def _rows(
    criteria: Sequence[Criterion], numbers: Mapping[str, str], scores: Mapping[str, Mapping[str, Scores]]
) -> Iterator[list[Cell]]:
    for nominee, of in sorted(scores.items()):
        for expert, given in sorted(of.items(), key=lambda one: numbers[one[0]]):
            last = given.last
            total = shown(weighted(criteria, last.points))
            yield [nominee, numbers[expert], last.version, last.at, *last.points, total]

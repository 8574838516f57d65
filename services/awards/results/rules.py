"""The data of a quiz that awards stores: results and the closing. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from shared.contracts.events import Counts, FinalStanding, QuizCompleted, Ties
from shared.contracts.topics import retention

# As long as Kafka keeps the events.
RESULTS_KEPT = retention(QuizCompleted)


# A struct, since every result makes one: making a frozen dataclass costs four times as much.
class Result(msgspec.Struct, frozen=True):
    """
    The parts of a graded attempt that awards uses: `points` of `points_max`, in halves.

    `version` is 1, and higher after each correction that has changed the points.
    """

    result_id: str
    quiz_id: str
    participant_id: str
    points: float
    points_max: float
    time_used_seconds: int
    completed_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class Closing:
    """
    A closed quiz: its final standings, best first.

    Attributes:
        participants: the number of participants. The standings list at most `STANDINGS_MAX` of them.
        version: 1, and higher each time that the standings have changed after the close.
        ties: who shares a rank, as `quiz.closed` says it.
        counts: which attempt of a participant is ranked.
    """

    quiz_id: str
    participants: int
    standings: Sequence[FinalStanding]
    version: int = 1
    ties: Ties = "time_used"
    counts: Counts = "best"

    @property
    def last(self) -> FinalStanding | None:
        """The last standing that is listed."""
        return max(self.standings, key=lambda standing: standing.rank, default=None)

    def ties_with_last(self, result: Result) -> bool:
        """True if this result would share the rank of the last listed standing."""
        last = self.last
        if last is None or result.points != last.points:
            return False
        if self.ties == "earlier_finish":
            return result.completed_at == last.finished_at
        return self.ties == "shared" or result.time_used_seconds == last.time_used_seconds


class Decision(msgspec.Struct, frozen=True):
    """
    What organisers have decided about a participant of a quiz: what does not count.

    Attributes:
        disqualified: nothing of this participant counts, also later results.
        result_ids: these results do not count.
    """

    quiz_id: str
    participant_id: str
    version: int
    disqualified: bool
    result_ids: frozenset[str] = frozenset()


def counts(result_id: str, decision: Decision | None) -> bool:
    """True if a result counts after what was decided about its participant."""
    return decision is None or not (decision.disqualified or result_id in decision.result_ids)


def ranked_among(results: Iterable[Result], which: Counts) -> list[Result]:
    """
    The results that are ranked, of people who are not listed: of each the first or last one.

    Of two results of the same moment, the better one is ranked. If the best result is ranked, all may be:
    whoever is not listed has no better result than the last of the list.

    Args:
        results: those that count by what was decided, all of each participant.
    """
    if which == "best":
        return list(results)
    sign = -1 if which == "first" else 1
    found: dict[str, Result] = {}
    for result in results:
        other = found.get(result.participant_id, result)
        found[result.participant_id] = max(
            (other, result),
            key=lambda one: (
                sign * one.completed_at.timestamp(),
                one.points,
                -one.time_used_seconds,
            ),
        )
    return list(found.values())

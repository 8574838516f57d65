"""The data of a quiz that awards stores: results and the closing. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from shared.contracts.events import FinalStanding, QuizCompleted
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
    """

    quiz_id: str
    participants: int
    standings: Sequence[FinalStanding]
    version: int = 1

    @property
    def last(self) -> FinalStanding | None:
        """The last standing that is listed."""
        return max(self.standings, key=lambda standing: standing.rank, default=None)


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

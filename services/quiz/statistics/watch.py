"""
Watch the keys of quizzes that are not closed: have statistics made as results come in, and show how many keys
look wrong.

Statistics read all results. So they are made again only when results have grown by half: all readings of a
quiz together cost about three times as much as the last one. And they are made again after a correction.
"""

from dataclasses import dataclass
from datetime import datetime

from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.record import QuizRecord
from services.quiz.results.store import ResultStore
from services.quiz.statistics.doubts import looks_wrong
from services.quiz.statistics.figures import Statistics
from services.quiz.statistics.store import State, StatisticsStore
from shared.runtime import clock, metrics
from shared.runtime.background import Loop
from shared.runtime.measurement import Measurement

LOOP = "keys watched"
TURN_SECONDS = 15.0
# A number that was not measured for so long is unknown.
MEASURED_SECONDS = 60.0
# Of fewer results chance explains too much.
RESULTS_MIN = 100
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the last statistics of a quiz said, and how much there was to read at that time."""

    made_at: datetime | None
    wrong: int
    results: int
    corrections: int


def wrong_keys(made: Statistics) -> int:
    """How many keys are probably wrong."""
    return sum(looks_wrong(one.doubts, one.figures.facility) for one in made.questions if one.figures)


class KeyWatch:
    """Watches the keys. Every worker does; the statistics are still made by one of them."""

    def __init__(self, statistics: StatisticsStore, results: ResultStore, catalogue: Catalogue) -> None:
        self._statistics = statistics
        self._results = results
        self._catalogue = catalogue
        self._seen: dict[str, _Seen] = {}
        self._shown: dict[str, Measurement] = {}
        self.loop = Loop(LOOP, self.turn)

    async def turn(self) -> float:
        """Look once at each quiz under way; returns the seconds until the next look."""
        now = clock.now()
        under_way = [
            one.record
            for one in self._catalogue.all()
            if one.record.status in ("open", "closing") and one.schedule.opens_at <= now
        ]
        self._forget({record.quiz_id for record in under_way})
        if under_way:
            states, results = await self._statistics.states(), await self._results.count()
            for record in under_way:
                await self._look(record, states.get(record.quiz_id, State()), results)
        return TURN_SECONDS

    async def _look(self, record: QuizRecord, state: State, results: int) -> None:
        seen = self._seen.get(record.quiz_id)
        if seen is None or seen.made_at != state.made_at:
            made = await self._statistics.made(record.quiz_id) if state.made_at else None
            wrong = wrong_keys(made) if made else 0
            # At its start a process does not know how many results of all quizzes there were.
            read = results if seen else made.attempts if made else 0
            seen = _Seen(state.made_at, wrong, read, len(record.corrections))
            self._seen[record.quiz_id] = seen
        self._show(record.quiz_id, seen.wrong)
        has_grown = results >= max(RESULTS_MIN, GROWTH * seen.results)
        is_corrected = len(record.corrections) != seen.corrections
        if (has_grown or is_corrected) and not (state.due or state.reading):
            await self._statistics.ask(record.quiz_id)

    def _show(self, quiz_id: str, wrong: int) -> None:
        if quiz_id not in self._shown:
            metrics.KEYS_DOUBTED.begin([quiz_id])
            # "other", if there are too many quizzes.
            gauge = metrics.KEYS_DOUBTED.labels(quiz_id)
            self._shown[quiz_id] = Measurement(gauge, seconds_max=MEASURED_SECONDS)
        self._shown[quiz_id].set(wrong)

    def _forget(self, watched: set[str]) -> None:
        """After the close the statistics are final, and organisers decide what they do with them."""
        for quiz_id in self._shown.keys() - watched:
            del self._shown[quiz_id]
            if metrics.KEYS_DOUBTED.knows("quiz", quiz_id):
                metrics.KEYS_DOUBTED.remove(quiz_id)
        for quiz_id in self._seen.keys() - watched:
            del self._seen[quiz_id]

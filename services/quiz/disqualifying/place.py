"""Put the standing of one participant anew, from all results that count."""

from services.quiz.attempts.rules import possible_attempts
from services.quiz.disqualified.rules import Disqualification
from services.quiz.quizzes.marks import Marks
from services.quiz.quizzes.offered import Offered
from services.quiz.results.store import ResultStore
from services.quiz.standings.rules import order, that_counts
from services.quiz.standings.writes import StandingKey, place
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork


async def place_anew(
    database: Database,
    unit: UnitOfWork,
    results: ResultStore,
    offered: Offered,
    state: Disqualification,
    marks: Marks,
) -> bool:
    """
    Put the standing of a participant anew; True if it has changed.

    Args:
        offered: the quiz, in any version.
        state: which results do not count.
        marks: of the quiz, as read in the transaction.
    """
    record, frozen_at, ranking = offered.record, marks.frozen_at, marks.ranking
    who = StandingKey(record.quiz_id, state.participant_id)
    ids = possible_attempts(record.quiz_id, record.quiz, state.participant_id, record.quiz.closes_at)
    best: dict[StandingKey, int] = {}
    for result in await results.of_ids(unit, list(ids)):
        if state.leaves_out(result.attempt_id):
            continue
        is_held = frozen_at is not None and result.submitted_at > frozen_at
        key = who._replace(frozen_at=frozen_at) if is_held else who
        opens_at, ties = offered.schedule.opens_at, ranking.ties
        this = order(result.half_points, result.time_used_seconds, result.submitted_at, opens_at, ties)
        best[key] = that_counts(this, best.get(key, this), ranking)
    return await place(database, unit.session, who, best)

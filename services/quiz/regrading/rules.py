"""
What may be corrected, and what a correction does to a result. All functions are pure.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.quiz.disqualified.rules import LeftOut, counts
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.keys import Keys, asked
from services.quiz.quizzes.papers import Paper
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.record import Correction, QuizRecord, cancelled, check_not_final
from services.quiz.quizzes.rules import Quiz
from services.quiz.regrading.question_changes import Change, State, changed, check_worth
from services.quiz.results.rules import Result
from services.quiz.scoring.rules import half_points_of, passes, unpacked
from shared.runtime.errors import Conflict, NotFound, Rejected

CORRECTIONS_MAX = 200
# Participants of a transaction.
PEOPLE_MAX = 100
# Ids of attempts that a transaction looks for. Nearly all of them exist only in a quiz of a few days.
IDS_MAX = 10_000


class Figures(msgspec.Struct, frozen=True):
    """
    What a correction changes.

    Attributes:
        results: that were looked at.
        changed: results that count, with other points, or whose paper is worth other points.
        raised: those of `changed` with more points.
        now_passed: results that pass now, and did not before.
        not_passed: results that do not pass any more.
        standings: participants whose ranked result has changed.
        left_out: results that have other points too, and do not count: of disqualified people.
    """

    results: int = 0
    changed: int = 0
    raised: int = 0
    now_passed: int = 0
    not_passed: int = 0
    standings: int = 0
    left_out: int = 0


class Preview(msgspec.Struct, frozen=True):
    """
    What a correction would change; nothing is changed.

    Attributes:
        preview_id: of this request. A later one for the same quiz takes its place.
        correction: as it would be. It is the next one, so its number says on which corrections it is based.
        percent: how much of the results is read.
        figures, ranks: known at the end. `ranks` is the number of people whose rank in the standings that
            everybody sees would differ.
        decided: it knows so many decisions about participants.
    """

    preview_id: str
    quiz_id: str
    correction: Correction
    asked_at: datetime
    percent: int = 0
    figures: Figures | None = None
    ranks: int | None = None
    decided: int = 0

    def is_outdated(self, record: QuizRecord) -> bool:
        """True if the quiz was corrected since, or something was decided about a participant."""
        decided = self.figures is not None and self.decided != record.decided
        return decided or self.correction.number != len(record.corrections) + 1


class Regrading(msgspec.Struct, frozen=True):
    """
    The work that follows from a correction.

    Attributes:
        begins_at: not earlier.
        portions: all results, in so many portions of ids; 0 until it begins.
        portions_done: it goes on after these.
        figures: what it has done so far.
    """

    quiz_id: str
    number: int
    begins_at: datetime
    correlation_id: str | None = None
    traceparent: str | None = None
    portions: int = 0
    portions_done: int = 0
    figures: Figures = Figures()
    ended_at: datetime | None = None


def correction_for(
    record: QuizRecord,
    question_id: str,
    change: Change,
    reason: str,
    who: str,
    now: datetime,
    versions: Collection[Quiz],
) -> Correction | None:
    """
    The next correction of a quiz; None if the question is as wanted already.

    Args:
        versions: all definitions of the quiz that are kept.
    Raises:
        NotFound: the quiz has no such question.
        Rejected: the key does not fit the question.
        Conflict: nobody has begun the quiz, it was closed too long ago, the correction before is under way,
            there are too many, or papers would be worth different points.
    """
    question = next((one for one in record.quiz.questions if one.id == question_id), None)
    if question is None:
        raise NotFound(f"quiz {record.quiz_id} has no question {question_id}", code="question_not_in_quiz")
    if change.key is not None:
        check_key(question, change.key)
    keys = Keys(record.corrections)
    before = State.of(question, keys)
    after, what = changed(before, change, question_id)
    number, digest = len(record.corrections) + 1, asked(question)
    correction = Correction(
        number, question_id, digest, after.key, reason, who, now, after.points, after.taken_out, what
    )
    corrections = (*record.corrections, correction)
    # Not only the state: points may be what the quiz says already.
    graded_before, graded_after = (
        one.keyed(question, record.quiz.marking) for one in (keys, Keys(corrections))
    )
    if graded_before == graded_after:
        return None
    _check_can_be_corrected(record, now)
    if after[1:] != before[1:]:
        check_worth(record.quiz_id, versions, corrections, question_id)
    return correction


def _check_can_be_corrected(record: QuizRecord, now: datetime) -> None:
    if not record.begun:
        raise Conflict(
            f"nobody has begun quiz {record.quiz_id}: change the quiz itself", code="quiz_not_begun"
        )
    check_not_final(record, now)
    if record.status == "cancelled":
        raise cancelled(record)
    if record.regrading is not None:
        raise Conflict(
            f"results of {record.quiz_id} are being graded again by correction {record.regrading}",
            code="regrading_under_way",
        )
    if len(record.corrections) >= CORRECTIONS_MAX:
        raise Conflict(
            f"quiz {record.quiz_id} has {CORRECTIONS_MAX} corrections already", code="too_many_corrections"
        )


def pieces(
    people: Sequence[ParticipantId], ids_each: int, people_max: int = PEOPLE_MAX
) -> Iterator[Sequence[ParticipantId]]:
    """
    Participants whose attempts are looked for together.

    Args:
        ids_each: how many attempts one of them can have.
    """
    size = max(1, min(people_max, IDS_MAX // ids_each))
    return (people[begin : begin + size] for begin in range(0, len(people), size))


def check_key(question: Question, key: str) -> None:
    """
    Check that a key fits a question.

    Raises:
        Rejected: it names an option that does not exist, is not in order, or has several letters.
    """
    if not set(key) <= {option.id for option in question.options}:
        raise Rejected("the key names an option that does not exist", code="key_beyond_options")
    if list(key) != sorted(set(key)):
        raise Rejected("the key's letters are not in alphabetical order", code="key_order")
    if question.kind != "multiple" and len(key) != 1:
        raise Rejected("a question of this kind has exactly one right option", code="key_of_one")


def regraded(result: Result, paper: Paper, pass_percent: int) -> Result:
    """
    A result by the keys of its paper; the same object if its points, and those of the paper, stay.

    Args:
        paper: that of the attempt, with the keys of now.
    """
    answers = unpacked(result.answers)
    half_points = sum(
        half_points_of(answer, question) for answer, question in zip(answers, paper.key, strict=True)
    )
    half_points, half_points_max = max(half_points, 0), paper.half_points_max
    if (half_points, half_points_max) == (result.half_points, result.half_points_max):
        return result
    is_first = result.version == 1
    return replace(
        result,
        half_points=half_points,
        half_points_max=half_points_max,
        passed=passes(half_points, half_points_max, pass_percent),
        version=result.version + 1,
        first_half_points=result.half_points if is_first else result.first_half_points,
        first_passed=result.passed if is_first else result.first_passed,
        first_half_points_max=result.half_points_max if is_first else result.first_half_points_max,
    )


def added(some: Figures, others: Figures) -> Figures:
    """Both together."""
    sums = zip(msgspec.structs.astuple(some), msgspec.structs.astuple(others), strict=True)
    return Figures(*(one + other for one, other in sums))


def ranks_changed(counts: Mapping[int, int], moves: Mapping[tuple[int, int], int]) -> int:
    """
    The number of people whose rank differs after some have moved.

    Args:
        counts: people before, by what decides their rank; more is better.
        moves: how many go from one such number to another one.
    """
    gone: Counter[int] = Counter()
    come: Counter[int] = Counter()
    for (old, new), people in moves.items():
        gone[old] += people
        come[new] += people
    places = sorted(counts.keys() | gone.keys() | come.keys(), reverse=True)
    before: dict[int, int] = {}
    after: dict[int, int] = {}
    stay: dict[int, int] = {}
    better, better_then = 0, 0
    for place in places:
        before[place], after[place] = better, better_then
        # Somebody may have come or gone while the results were read.
        stay[place] = max(0, counts.get(place, 0) - gone[place])
        better += stay[place] + gone[place]
        better_then += stay[place] + come[place]
    others = sum(stay[place] for place in places if before[place] != after[place])
    return others + sum(people for (old, new), people in moves.items() if before[old] != after[new])


def untold(result: Result) -> Result:
    """
    A regraded result that nobody was told before: it has no earlier version.

    The close tells it as it is then.
    """
    return replace(result, version=1, first_half_points=None, first_passed=None, first_half_points_max=None)


def figures_of(changed: Mapping[str, tuple[Result, Result]], left_out: LeftOut, standings: int) -> Figures:
    """
    What some results add to the figures, except the number of those that were looked at.

    Args:
        changed: results before and after, by attempt.
        left_out: whose results do not count.
    """
    pairs = [pair for pair in changed.values() if result_counts(left_out, pair[0])]
    return Figures(
        changed=len(pairs),
        raised=sum(after.half_points > before.half_points for before, after in pairs),
        now_passed=sum(after.passed > before.passed for before, after in pairs),
        not_passed=sum(after.passed < before.passed for before, after in pairs),
        standings=standings,
        left_out=len(changed) - len(pairs),
    )


def result_counts(left_out: LeftOut, result: Result) -> bool:
    """True if nobody has decided that a result does not count."""
    return counts(left_out, result.quiz_id, result.participant_id, result.attempt_id)

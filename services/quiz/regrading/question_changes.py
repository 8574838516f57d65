"""
What an organiser wants to correct in a question, and whether this is possible. All functions are pure.

A key may be corrected in any question. What a question is worth may only change if every paper has it:
otherwise papers would be worth different points, and raw points, which decide ranks, could not be compared
(docs/decisions/0064-marks.md).
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from services.quiz.quizzes.blueprint import PAPER_POINTS_MAX, in_all_papers
from services.quiz.quizzes.keys import Keys, half_points_max_of
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.record import POINTS_CHANGED, QUESTION_TAKEN_OUT, Correction
from services.quiz.quizzes.rules import Quiz
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from shared.runtime.errors import Conflict, Rejected


class Change(NamedTuple):
    """
    What an organiser wants: a new key, other points, or that the question is taken out. None of these: the
    question is cancelled.
    """

    key: str | None = None
    points: float | None = None
    taken_out: bool = False


class State(NamedTuple):
    """A question as it is after its corrections; see `record.Correction`."""

    key: str | None
    points: float | None
    taken_out: bool

    @classmethod
    def of(cls, question: Question, keys: Keys) -> "State":
        """The question as it is now."""
        if (last := keys.correction_of(question)) is None:
            return cls(question.key, None, False)
        return cls(last.key, last.points, last.taken_out)


def changed(now: State, change: Change, question_id: str) -> tuple[State, str | None]:
    """
    The question after a change, and the code of the change if the key does not say it.

    Raises:
        Conflict: other points for a question that is taken out.
    """
    if change.points is not None:
        if now.taken_out:
            raise Conflict(f"question {question_id} is taken out", code="question_taken_out")
        return now._replace(points=change.points), POINTS_CHANGED
    if change.taken_out:
        return State(None, now.points, True), QUESTION_TAKEN_OUT
    return State(change.key, now.points, False), None


def check_worth(
    quiz_id: str, versions: Collection[Quiz], corrections: Sequence[Correction], question_id: str
) -> None:
    """
    Check that all papers of all versions are worth the same after the last of these corrections.

    Raises:
        Conflict: not every paper has the question, so papers would be worth different points.
        Rejected: a paper would be worth too much, or nothing.
    """
    keys = Keys(corrections)
    whole = {half_points_max_of(quiz, keys) for quiz in versions}
    everywhere = all(
        in_all_papers(quiz.paper_lines, quiz.questions, question_id)
        and any(keys.correction_of(one) is corrections[-1] for one in quiz.questions)
        for quiz in versions
    )
    if not everywhere or len(whole) != 1:
        raise Conflict(
            f"not every paper of quiz {quiz_id} has question {question_id}: papers would be worth different"
            " points",
            code="question_not_in_all_papers",
        )
    if max(whole) > HALF_POINTS_A_POINT * PAPER_POINTS_MAX:
        raise Rejected(
            f"a paper may be worth {PAPER_POINTS_MAX} points",
            code="paper_worth_too_much",
            most=PAPER_POINTS_MAX,
        )
    if not max(whole):
        raise Rejected(f"papers of quiz {quiz_id} would be worth nothing", code="paper_worth_nothing")

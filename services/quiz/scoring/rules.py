"""
How answers become points. All functions are pure. `grade` is the reference; the grader uses `mark`, which is
faster.

Every question is worth one point. A cancelled one gives it to everybody who has it.

Single choice and true/false: the right letter gives the point. Multiple
choice: all right letters and no wrong one give the point, some right letters and no wrong one give half a
point, any wrong letter gives nothing.

Points are counted as whole numbers of half points. They decide passing and rank; percents are only shown.

Source: docs/decisions/0010-scoring.md, docs/decisions/0020-points.md
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import eq, itemgetter
from typing import NamedTuple

from shared.runtime.errors import Rejected

HALF_POINTS_A_QUESTION = 2
# The description of `score_percent` in the OpenAPI documents.
PERCENT_SHOWN = "points in whole percent, rounded down; points decide"


# Stands for the key of a cancelled question: no answer equals it.
NO_KEY = "-"


class KeyedQuestion(NamedTuple):
    """A question as it is graded; a cancelled one gives its point to everybody who has it."""

    question_id: str
    key: str
    several: bool
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """
    The key of a paper, in its order, made for `mark`.

    Attributes:
        several: the positions of questions with multiple choice.
        given: the half points of cancelled questions, which everybody gets.
        pick: takes the answers to all questions out of a mapping, in order; KeyError if one is missing.
    """

    question_ids: tuple[str, ...]
    right: tuple[str, ...]
    several: tuple[int, ...]
    given: int
    # Not compared: it follows from the ids, and a function equals no other.
    pick: Callable[[Mapping[str, str]], Sequence[str]] = field(compare=False)


class Marked(NamedTuple):
    half_points: int
    packed_answers: str


def answer_key(key: Sequence[KeyedQuestion]) -> AnswerKey:
    """
    The key of a whole paper.

    Raises:
        Rejected: the paper is empty, so no score means anything.
    """
    if not key:
        raise Rejected("the paper has no questions", code="paper_empty")
    question_ids = tuple(question.question_id for question in key)
    return AnswerKey(
        question_ids,
        tuple(NO_KEY if question.cancelled else question.key for question in key),
        tuple(place for place, question in enumerate(key) if question.several and not question.cancelled),
        HALF_POINTS_A_QUESTION * sum(question.cancelled for question in key),
        # itemgetter of a single id gives no tuple.
        itemgetter(*question_ids) if len(key) > 1 else lambda answers: (answers[question_ids[0]],),
    )


def mark(answers: Mapping[str, str], key: AnswerKey) -> Marked:
    """
    `grade` and `packed` in one pass and a quarter of their time, since this is done for every submission.
    """
    given: Sequence[str]
    try:
        # One call if all questions are answered, which is usual.
        given = key.pick(answers)
    except KeyError:
        given = [answers.get(question_id, "") for question_id in key.question_ids]
    reached = key.given + HALF_POINTS_A_QUESTION * sum(map(eq, given, key.right))
    for place in key.several:
        answer = given[place]
        if answer and answer != key.right[place]:
            reached += _half_points_of_several(set(answer), set(key.right[place]))
    return Marked(reached, ",".join(given))


def grade(answers: Mapping[str, str], key: Sequence[KeyedQuestion]) -> int:
    """
    The half points that answers reach; an unanswered question counts as wrong.

    Raises:
        Rejected: the key is empty, so no score means anything.
    """
    if not key:
        raise Rejected("the paper has no questions", code="paper_empty")
    return sum(half_points_of(answers.get(question.question_id), question) for question in key)


def score_percent(half_points: int, half_points_max: int) -> int:
    """Points in whole percent, only to be shown; rounded down, so that 100 means all points."""
    return 100 * half_points // half_points_max


def passes(half_points: int, half_points_max: int, pass_percent: int) -> bool:
    """True if points reach this share of all points; nothing is rounded."""
    return 100 * half_points >= pass_percent * half_points_max


def half_points_of(answer: str | None, question: KeyedQuestion) -> int:
    """The half points of an answer: 0, 1 or 2. A cancelled question gives 2 in any case."""
    if question.cancelled:
        return HALF_POINTS_A_QUESTION
    if answer is None:
        return 0
    if answer == question.key:
        return HALF_POINTS_A_QUESTION
    return _half_points_of_several(set(answer), set(question.key)) if question.several else 0


def _half_points_of_several(chosen: set[str], right: set[str]) -> int:
    if not chosen <= right:
        return 0
    # Letters may come in any order: "CA" is "AC".
    return HALF_POINTS_A_QUESTION if chosen == right else 1


def packed(answers: Mapping[str, str], key: Sequence[KeyedQuestion]) -> str:
    """The answers in the paper's order, separated by commas: a fifth of the size to store."""
    return ",".join(answers.get(question.question_id, "") for question in key)


def unpacked(answers: str) -> list[str | None]:
    """The answers that `packed` has packed, in the paper's order; None if a question was not answered."""
    return [answer or None for answer in answers.split(",")]

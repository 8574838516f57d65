"""
How answers become points. All functions are pure. `grade` is the reference; the grader uses `mark`, which is
faster.

A question is worth one point, if the quiz does not say another number. A cancelled one gives it to everybody
who has it; one that is taken out is cancelled and worth nothing.

Single choice and true/false: the right letter gives the points. Multiple choice: all right letters and no
wrong one give the points. Some right letters and no wrong one give a part, by the policy of the quiz: half of
the points (`partial`), nothing (`all_or_nothing`), or the share of the right letters (`each_right`), rounded
down to half points. A wrong answer gives nothing, and costs what the quiz says. A paper has no fewer than 0.

Points are counted as whole numbers of half points. They decide passing and rank; percents are only shown.

Source: docs/decisions/0010-scoring.md, docs/decisions/0020-points.md, docs/decisions/0064-marks.md
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import eq, itemgetter
from typing import NamedTuple

from shared.contracts.events import MultipleChoice
from shared.runtime.errors import Rejected

HALF_POINTS_A_POINT = 2
# What a question is worth if the quiz does not say otherwise.
HALF_POINTS_A_QUESTION = HALF_POINTS_A_POINT
# The description of `score_percent` in the OpenAPI documents.
PERCENT_SHOWN = "points in whole percent, rounded down; points decide"


# Stands for the key of a cancelled question: no answer equals it.
NO_KEY = "-"


class KeyedQuestion(NamedTuple):
    """
    A question as it is graded.

    Attributes:
        cancelled: it gives what it is worth to everybody who has it.
        worth: half points; 0 if the question is taken out.
        policy: what some of several right letters give.
        wrong_costs: half points that a wrong answer costs.
    """

    question_id: str
    key: str
    several: bool
    cancelled: bool = False
    worth: int = HALF_POINTS_A_QUESTION
    policy: MultipleChoice = "partial"
    wrong_costs: int = 0

    @property
    def is_usual(self) -> bool:
        """True if `mark` needs no weights for it."""
        usual = self.worth == HALF_POINTS_A_QUESTION and self.policy == "partial" and not self.wrong_costs
        return self.cancelled or usual


class Weights(NamedTuple):
    """
    What `mark` needs in addition if a question of the paper is not worth a point, or not by today's policy.

    Attributes:
        questions: all of the paper.
        worth: the half points of each.
        ones: the positions of questions with one right option, if a wrong answer costs something.
        wrong_costs: half points.
    """

    questions: tuple[KeyedQuestion, ...]
    worth: tuple[int, ...]
    ones: tuple[int, ...]
    wrong_costs: int


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """
    The key of a paper, in its order, made for `mark`.

    Attributes:
        several: the positions of questions with multiple choice.
        given: the half points of cancelled questions, which everybody gets.
        weights: None if every question is worth one point, a part of the right letters gives half of it, and
            a wrong answer costs nothing.
        pick: takes the answers to all questions out of a mapping, in order; KeyError if one is missing.
    """

    question_ids: tuple[str, ...]
    right: tuple[str, ...]
    several: tuple[int, ...]
    given: int
    weights: Weights | None
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
        sum(question.worth for question in key if question.cancelled),
        None if all(question.is_usual for question in key) else _weights(key),
        # itemgetter of a single id gives no tuple.
        itemgetter(*question_ids) if len(key) > 1 else lambda answers: (answers[question_ids[0]],),
    )


def _weights(key: Sequence[KeyedQuestion]) -> Weights:
    costs = max(question.wrong_costs for question in key)
    return Weights(
        tuple(key),
        tuple(question.worth for question in key),
        tuple(place for place, one in enumerate(key) if costs and not one.several and not one.cancelled),
        costs,
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
    if key.weights is not None:
        return Marked(_weighted(given, key, key.weights), ",".join(given))
    reached = key.given + HALF_POINTS_A_QUESTION * sum(map(eq, given, key.right))
    for place in key.several:
        answer = given[place]
        if answer and answer != key.right[place]:
            reached += _half_points_of_several(set(answer), set(key.right[place]))
    return Marked(reached, ",".join(given))


def _weighted(given: Sequence[str], key: AnswerKey, weights: Weights) -> int:
    right = key.right
    reached = key.given + sum(compress(weights.worth, map(eq, given, right)))
    for place in key.several:
        answer = given[place]
        if answer and answer != right[place]:
            reached += _of_several(set(answer), weights.questions[place])
    for place in weights.ones:
        answer = given[place]
        if answer and answer != right[place]:
            reached -= weights.wrong_costs
    return max(reached, 0)


def grade(answers: Mapping[str, str], key: Sequence[KeyedQuestion]) -> int:
    """
    The half points that answers reach; an unanswered question counts as wrong.

    Raises:
        Rejected: the key is empty, so no score means anything.
    """
    if not key:
        raise Rejected("the paper has no questions", code="paper_empty")
    return max(0, sum(half_points_of(answers.get(question.question_id), question) for question in key))


def score_percent(half_points: int, half_points_max: int) -> int:
    """Points in whole percent, only to be shown; rounded down, so that 100 means all points."""
    return 100 * half_points // half_points_max


def passes(half_points: int, half_points_max: int, pass_percent: int) -> bool:
    """True if points reach this share of all points; nothing is rounded."""
    return 100 * half_points >= pass_percent * half_points_max


def half_points_of(answer: str | None, question: KeyedQuestion) -> int:
    """
    The half points of an answer, below 0 if a wrong one costs something.

    A cancelled question gives what it is worth in any case.
    """
    if question.cancelled:
        return question.worth
    if not answer:
        return 0
    if answer == question.key:
        return question.worth
    return _of_several(set(answer), question) if question.several else -question.wrong_costs


def _of_several(chosen: set[str], question: KeyedQuestion) -> int:
    right = set(question.key)
    # Letters may come in any order: "CA" is "AC".
    if chosen == right:
        return question.worth
    if not chosen < right or question.policy == "all_or_nothing":
        return -question.wrong_costs
    if question.policy == "each_right":
        return question.worth * len(chosen) // len(right)
    return question.worth // 2


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

"""
The review of an attempt: the participant's answer beside the key of each question.

All functions are pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.quiz.quizzes.blueprint import USUAL, Marking
from services.quiz.quizzes.keys import AS_DEFINED, Keys
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz
from services.quiz.scoring.rules import HALF_POINTS_A_POINT, half_points_of, unpacked


@dataclass(frozen=True, slots=True)
class Reviewed:
    """
    One question of the paper; `answer` is None if there was none.

    Attributes:
        points: below 0 if a wrong answer costs something.
        worth: the points of the right answer; 0 if the question is taken out.
    """

    question: Question
    answer: str | None
    points: float
    worth: float
    cancelled: bool = False

    @property
    def right(self) -> bool:
        """True if the answer got all points."""
        return self.points == self.worth


def explained(questions: Sequence[Question], present: Quiz) -> list[Question]:
    """
    These questions with explanation and source as they are in the present version of their quiz.

    A question that the present version does not ask in the same words keeps its own.
    """
    now = {one.id: one for one in present.questions}
    return [
        found if (found := now.get(question.id)) and question.asks_as(found) else question
        for question in questions
    ]


def review(
    questions: Sequence[Question],
    packed_answers: str | None,
    keys: Keys = AS_DEFINED,
    marking: Marking = USUAL,
) -> list[Reviewed]:
    """
    The questions of a paper, in its order, each with its answer and its points.

    Args:
        packed_answers: as stored in a result (`scoring.rules.packed`); None if nothing was submitted.
        keys: those of now.
    """
    answers = [None] * len(questions) if packed_answers is None else unpacked(packed_answers)
    return [
        Reviewed(
            keys.corrected(question),
            answer,
            half_points_of(answer, keyed) / HALF_POINTS_A_POINT,
            keyed.worth / HALF_POINTS_A_POINT,
            keyed.cancelled,
        )
        for question, answer in zip(questions, answers, strict=True)
        for keyed in (keys.keyed(question, marking),)
    ]

"""
The review of an attempt: the participant's answer beside the key of each question.

All functions are pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.quiz.quizzes.keys import AS_DEFINED, Keys
from services.quiz.quizzes.questions import Question
from services.quiz.scoring.rules import HALF_POINTS_A_QUESTION, half_points_of, unpacked


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One question of the paper; `answer` is None if there was none."""

    question: Question
    answer: str | None
    points: float
    cancelled: bool = False

    @property
    def right(self) -> bool:
        """True if the answer got the full point."""
        return self.points == 1


def review(
    questions: Sequence[Question], packed_answers: str | None, keys: Keys = AS_DEFINED
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
            half_points_of(answer, keys.keyed(question)) / HALF_POINTS_A_QUESTION,
            keys.is_cancelled(question),
        )
        for question, answer in zip(questions, answers, strict=True)
    ]

"""An attempt looked back at: own answer, key, explanation and source of each question. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.quiz.quizzes.rules import Question
from services.quiz.scoring.rules import HALVES_A_QUESTION, halves, keyed, unpacked


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One question of the paper; `answer` is None where none was given."""

    question: Question
    answer: str | None
    points: float

    @property
    def right(self) -> bool:
        """Whether it got the full point."""
        return self.points == 1


def review(questions: Sequence[Question], packed_answers: str | None) -> list[Reviewed]:
    """
    Look back at a paper's questions, in its order.

    Args:
        packed_answers: as a result keeps them (`grading.packed`); None where nothing was submitted.
    """
    answers = [None] * len(questions) if packed_answers is None else unpacked(packed_answers)
    return [
        Reviewed(question, answer, halves(answer, keyed(question)) / HALVES_A_QUESTION)
        for question, answer in zip(questions, answers, strict=True)
    ]

"""Results of papers that are drawn, for the tests of item statistics."""

import random
from collections.abc import Callable, Iterable
from uuid import UUID

from services.quiz.quizzes.papers import draw, keyed, paper_number
from services.quiz.quizzes.rules import Question, Quiz
from services.quiz.scoring.rules import grade, packed
from services.quiz.statistics.counting import Answered, Counting
from services.quiz.statistics.figures import Counted, Statistics, item_of, statistics_of

QUIZ = "quiz-1"
Answer = Callable[[Question, random.Random], str | None]
"""What somebody answers to a question; None is no answer."""


def answered(of: Quiz, nth: int, answer: Answer, chance: random.Random, version: int = 1) -> Answered:
    """The result of the nth attempt, with its paper and its points as grading has them."""
    attempt_id = str(UUID(int=chance.getrandbits(128)))
    questions = draw(QUIZ, of, paper_number(attempt_id, of.papers))
    key = [keyed(question) for question in questions]
    answers = {question.id: one for question in questions if (one := answer(question, chance)) is not None}
    return Answered(attempt_id, version, f"person-{nth}", grade(answers, key), packed(answers, key))


def attempts_of(of: Quiz, number: int, answer: Answer, version: int = 1, seed: int = 7) -> list[Answered]:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    return [answered(of, nth, answer, chance, version) for nth in range(number)]


def counting(results: Iterable[Answered], quizzes: dict[int, Quiz], portion: int = 100) -> Counting:
    """These results, counted in portions."""
    counted, left = Counting(QUIZ, quizzes), list(results)
    while left:
        counted.add(left[:portion])
        left = left[portion:]
        counted.fold()
    while counted.fold():
        pass
    return counted


def statistics(results: Iterable[Answered], quizzes: dict[int, Quiz], portion: int = 100) -> Statistics:
    counted = counting(results, quizzes, portion)
    questions = [
        Counted(asked, counted.tally.questions[number], item_of(counted.tally.questions[number].item))
        for number, asked in enumerate(counted.asked)
    ]
    places = [item_of(place) for place in counted.tally.places.values()]
    return statistics_of(counted.tally, questions, places, max(quizzes.items())[1].questions_a_paper)

"""Results of papers that are drawn, for the tests of item statistics."""

import random
from collections.abc import Callable, Iterable
from uuid import UUID

from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.keys import keyed
from services.quiz.quizzes.papers import draw, paper_number
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz, QuizId
from services.quiz.results.rules import Answered, AttemptId, Result
from services.quiz.results.store import ResultStore
from services.quiz.scoring.rules import grade, packed
from services.quiz.statistics.counting import Counting
from services.quiz.statistics.figures import Counted, Statistics, item_of, statistics_of
from shared.runtime import clock

QUIZ = "quiz-1"
Answer = Callable[[Question, random.Random], str | None]
"""What somebody answers to a question; None is no answer."""


def answered(
    of: Quiz, nth: int, answer: Answer, chance: random.Random, version: int = 1, quiz_id: str = QUIZ
) -> Answered:
    """The result of the nth attempt, with its paper and its points as grading has them."""
    attempt_id = str(UUID(int=chance.getrandbits(128)))
    questions = draw(quiz_id, of, paper_number(attempt_id, of.papers))
    key = [keyed(question, of.marking) for question in questions]
    answers = {question.id: one for question in questions if (one := answer(question, chance)) is not None}
    return Answered(attempt_id, version, f"person-{nth}", grade(answers, key), packed(answers, key))


def attempts_of(
    of: Quiz, number: int, answer: Answer, version: int = 1, seed: int = 7, quiz_id: str = QUIZ
) -> list[Answered]:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    return [answered(of, nth, answer, chance, version, quiz_id) for nth in range(number)]


async def store(results: Iterable[Answered], into: ResultStore, quiz_id: str) -> None:
    """Store results as grading does, without standings."""
    await into.add(
        [
            Result(
                AttemptId(one.attempt_id),
                f"submission of {one.attempt_id}",
                QuizId(quiz_id),
                one.quiz_version,
                ParticipantId(one.participant_id),
                None,
                None,
                one.half_points,
                10,
                passed=True,
                time_used_seconds=60,
                submitted_at=clock.now(),
                answers=one.answers,
            )
            for one in results
        ],
        lambda _, __: {},
    )


def counting(
    results: Iterable[Answered], quizzes: dict[int, Quiz], portion: int = 100, quiz_id: str = QUIZ
) -> Counting:
    """These results, counted in portions."""
    counted, left = Counting(quiz_id, quizzes), list(results)
    while left:
        counted.add(left[:portion])
        left = left[portion:]
        counted.fold()
    while counted.fold():
        pass
    return counted


def statistics(
    results: Iterable[Answered], quizzes: dict[int, Quiz], portion: int = 100, quiz_id: str = QUIZ
) -> Statistics:
    counted = counting(results, quizzes, portion, quiz_id)
    questions = [
        Counted(
            asked,
            counted.tally.questions[number],
            item_of(counted.tally.questions[number].item, asked.keyed.worth),
        )
        for number, asked in enumerate(counted.asked)
    ]
    places = [item_of(place) for place in counted.tally.places.values()]
    return statistics_of(counted.tally, questions, places, max(quizzes.items())[1].half_points_max)

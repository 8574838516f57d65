"""The crowd of the incident: its answers show the wrong key, whatever papers chance gives to whom."""

import random
from uuid import UUID

import pytest

from ops.incidents.wrong_key import PEOPLE, as_known, with_wrong_key
from ops.week import files
from services.quiz.quizzes.events import published
from services.quiz.quizzes.papers import lay_out, paper_number
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Answered
from services.quiz.scoring.rules import grade, packed
from services.quiz.statistics.watch import wrong_keys
from shared.runtime import clock
from tests.quiz.statistics.builders import QUIZ, statistics

WEEK = files.read()


@pytest.mark.parametrize("seed", range(5))
def test_the_wrong_key_is_seen_and_no_other(seed: int) -> None:
    quiz = Quiz.model_validate(with_wrong_key(WEEK.quiz))
    told = published(QUIZ, quiz, 1, clock.now()).event.model_dump(mode="json")
    answers = as_known(WEEK.quiz, told, seed)
    chance = random.Random(seed)  # noqa: S311 (simulated people)
    papers = {number: lay_out(QUIZ, quiz, number) for number in range(quiz.papers)}

    def result() -> Answered:
        attempt = str(UUID(int=chance.getrandbits(128)))
        given, key = answers(attempt), papers[paper_number(attempt, quiz.papers)].key
        return Answered(attempt, 1, attempt, grade(given, key), packed(given, key))

    assert wrong_keys(statistics([result() for _ in range(PEOPLE)], {1: quiz})) == 1

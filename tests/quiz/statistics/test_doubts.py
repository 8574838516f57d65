"""Questions that look wrong are named, those that are only hard are not, and small numbers are not shown."""

import random
from collections.abc import Callable

import pytest

from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz
from services.quiz.statistics.doubts import looks_wrong
from services.quiz.statistics.figures import QuestionStatistics, Statistics
from tests.quiz.builders import question, quiz
from tests.quiz.statistics.builders import Answer, attempts_of, statistics


def doubtful() -> Quiz:
    """The key of question 0 is wrong: it says A, and C is right."""
    return quiz(blueprint={"天文": 6, "健康": 4})


def by_skill(of_first: Callable[[float, random.Random], str]) -> Answer:
    """Everybody has a skill between 0 and 1, which decides how often an answer is right."""
    skills: dict[int, float] = {}

    def answer(of: Question, chance: random.Random) -> str:
        # A paper has ten questions.
        skill = skills.setdefault(len(asked) // 10, chance.random())
        asked.append(of.id)
        if of.id == "q0":
            return of_first(skill, chance)
        return "A" if chance.random() < skill else chance.choice("BCD")

    asked: list[str] = []
    return answer


def first_of(found: Statistics) -> QuestionStatistics:
    return next(one for one in found.questions if one.question_id == "q0")


def codes(
    of_first: Callable[[float, random.Random], str], attempts: int = 300
) -> set[tuple[str, str | None]]:
    of = doubtful()
    first = first_of(statistics(attempts_of(of, attempts, by_skill(of_first)), {1: of}))
    return {(doubt.code, doubt.option) for doubt in first.doubts}


def test_a_wrong_key_is_named_with_the_option_that_is_probably_right() -> None:
    assert codes(lambda skill, chance: "C" if chance.random() < skill else chance.choice("ABD")) == {
        ("negative_discrimination", None),
        ("option_scores_higher", "C"),
        ("option_chosen_more", "C"),
    }


def test_a_second_right_option_that_only_the_best_choose_is_named() -> None:
    found = codes(lambda skill, chance: "C" if skill > 0.8 else "A" if chance.random() < 0.7 else "B")
    assert ("option_scores_higher", "C") in found
    assert ("option_chosen_more", "C") not in found


def test_a_question_that_is_only_hard_or_easy_is_not_named() -> None:
    hard = codes(lambda skill, chance: "A" if chance.random() < skill / 2 else chance.choice("BCD"))
    assert hard == set()
    assert codes(lambda _, chance: "A") == set()


def looks(of_first: Callable[[float, random.Random], str]) -> bool:
    of = doubtful()
    first = first_of(statistics(attempts_of(of, 300, by_skill(of_first)), {1: of}))
    assert first.figures
    return looks_wrong(first.doubts, first.figures.facility)


def test_a_key_looks_wrong_only_if_those_who_contradict_it_are_better_or_nearly_all() -> None:
    assert looks(lambda skill, chance: "C" if chance.random() < skill else chance.choice("ABD"))
    assert looks(lambda skill, chance: "C" if chance.random() < skill else chance.choice("BD"))
    # A second right option, a question that misleads most people, and one that is only hard.
    assert not looks(lambda skill, chance: "C" if skill > 0.8 else "A" if chance.random() < 0.7 else "B")
    assert not looks(lambda skill, chance: "A" if skill > 0.8 else "C")
    assert not looks(lambda skill, chance: "A" if chance.random() < skill / 2 else chance.choice("BCD"))


def test_what_chance_explains_is_not_named() -> None:
    assert codes(lambda skill, chance: "C" if chance.random() < skill else "A", attempts=8) == set()


@pytest.mark.parametrize(("attempts", "shown"), [(4, False), (5, True)])
def test_of_fewer_than_five_attempts_only_their_number_is_shown(attempts: int, shown: bool) -> None:
    of = doubtful()
    found = statistics(attempts_of(of, attempts, by_skill(lambda *_: "C")), {1: of})
    assert found.attempts == attempts
    assert (found.paper is not None, bool(found.questions)) == (shown, shown)


def test_a_question_of_few_attempts_and_an_option_of_few_choosers_are_not_shown() -> None:
    of = quiz(questions=tuple(question(n) for n in range(300)), blueprint={"天文": 3}, papers=4_096)
    found = statistics(attempts_of(of, 60, lambda *_: "A"), {1: of})
    few = [one for one in found.questions if one.attempts < 5]
    assert few
    assert all(
        one.figures is None and one.effective_weight_percent is None and not one.options and not one.doubts
        for one in few
    )
    of = doubtful()
    first = first_of(
        statistics(attempts_of(of, 20, by_skill(lambda skill, _: "C" if skill > 0.9 else "A")), {1: of})
    )
    of_c = next(one for one in first.options if one.option == "C")
    assert 0 < of_c.attempts < 5
    assert of_c.mean_points is None

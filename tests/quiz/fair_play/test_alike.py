"""Copies are found among thousands of honest sheets, and honest ones are not."""

import random
from itertools import product

import pytest

from services.quiz.fair_play.alike import Likely, identical_by_chance, leaning, tail
from services.quiz.fair_play.rules import FALSE_PAIRS_MAX, Strongest
from services.quiz.fair_play.sheets import Book, Paper, pairs_of
from services.quiz.quizzes.keys import AS_DEFINED
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Sheet
from tests.quiz.fair_play.builders import QUIZ, Answer, Crowd, contest, found_in


def test_the_chance_of_identical_answers_is_that_of_all_cases_counted() -> None:
    """By brute force: all ways to be wrong at three of six questions, with the odds of Rasch's model."""
    questions = [Likely(h, s) for h, s in ((0.3, 0.4), (-1, 0.7), (0.8, 0), (0, 0.5), (-0.4, 1), (1.1, 0))]
    odds = [2.718281828459045**one.hardness for one in questions]
    whole, identical = 0.0, [0.0] * 7
    for wrong in product((0, 1), repeat=6):
        if sum(wrong) != 3:
            continue
        weight = 1.0
        for one, odd in zip(wrong, odds, strict=True):
            weight *= odd if one else 1
        whole += weight
        for same in product((0, 1), repeat=6):
            chance = weight
            for is_wrong, is_same, of in zip(wrong, same, questions, strict=True):
                share = of.same if is_wrong else 0.0
                chance *= share if is_same else 1 - share
            identical[sum(same)] += chance
    for least in range(4):
        found = identical_by_chance(questions, 3, least)
        assert found.chance == pytest.approx(sum(identical[least:]) / whole)
        assert found.expected == pytest.approx(sum(n * c for n, c in enumerate(identical)) / whole)


def test_the_first_estimate_is_the_binomial() -> None:
    assert tail(5.0, 10, 8) == pytest.approx(56 / 1024)
    assert tail(0.0, 10, 1) == 0.0
    assert tail(10.0, 10, 11) == 1.0
    assert tail(3.0, 10, 3) == 1.0


def test_somebody_with_n_wrong_answers_is_expected_to_have_n() -> None:
    questions = [Likely(h / 3, 0.5) for h in range(-6, 7)]
    for wrong in (1, 5, 12):
        at = leaning(questions, wrong)
        found = sum(1 / (1 + 2.718281828459045 ** -(at + one.hardness)) for one in questions)
        assert found == pytest.approx(wrong)


def middling(crowd: Crowd, sheets: list[Sheet], number: int) -> list[Sheet]:
    """Some with a quarter to three quarters of the points: of whom copies can be told."""
    some = [one for one in sheets if 0.25 <= one.half_points / one.half_points_max <= 0.75]
    return crowd.chance.sample(some, number)


def names(one: Sheet, other: Sheet) -> frozenset[str]:
    return frozenset((one.participant_id, other.participant_id))


@pytest.mark.parametrize(("share", "least"), [(1.0, 10), (0.85, 8)])
def test_planted_copies_among_5000_sheets_are_found_and_honest_ones_are_not(share: float, least: int) -> None:
    of = contest(questions=120, a_paper=40, papers=16)
    crowd = Crowd(of, seed=1)
    sheets = [crowd.sheet() for _ in range(5_000)]
    sources = middling(crowd, sheets, 10)
    copies = [crowd.copy(one, share) for one in sources]
    planted = {names(*pair) for pair in zip(sources, copies, strict=True)}
    found = {names(pair.one, pair.other) for pair in found_in(of, sheets + copies)}
    assert len(found & planted) >= least
    assert found <= planted


def test_a_copy_is_found_also_if_all_have_one_paper() -> None:
    """Then not every pair is compared."""
    of = contest(questions=60, a_paper=60, papers=1)
    crowd = Crowd(of, seed=2)
    sheets = [crowd.sheet() for _ in range(5_000)]
    sources = middling(crowd, sheets, 10)
    copies = [crowd.copy(one) for one in sources]
    planted = {names(*pair) for pair in zip(sources, copies, strict=True)}
    found = {names(pair.one, pair.other) for pair in found_in(of, sheets + copies)}
    assert found == planted


def taught(crowd: Crowd, of: Quiz, wrongly: int, skill: float = 0.0) -> Answer:
    """Somebody of a class that has learned some wrong things, each of them the same."""
    learned = {one.id: crowd.wrong(one.id) for one in of.questions[:wrongly]}
    honest = crowd.honest(skill)

    def answer(one: Question) -> str | None:
        return learned[one.id] if one.id in learned and crowd.chance.random() < 0.9 else honest(one)

    return answer


@pytest.mark.parametrize("papers", [1, 16])
def test_honest_people_are_not_flagged_nor_is_a_class_that_learned_the_same_wrong_thing(papers: int) -> None:
    """40 classes of 30, each with six wrong things of its own, among 5,000 others."""
    of = contest(questions=60, a_paper=30, papers=papers)
    crowd = Crowd(of, seed=3)
    sheets = [crowd.sheet() for _ in range(3_800)]
    for number in range(40):
        order = list(of.questions)
        crowd.chance.shuffle(order)
        shuffled = of.model_copy(update={"questions": tuple(order)})
        answer = taught(crowd, shuffled, 6)
        sheets += [crowd.sheet(answer, group_id=f"class-{number}") for _ in range(30)]
    assert found_in(of, sheets) == []


def test_a_class_that_learned_a_third_of_the_paper_wrongly_is_not_flagged_only_since_it_is_a_class() -> None:
    of = contest(questions=40, a_paper=40, papers=1)
    crowd = Crowd(of, seed=9)
    sheets = [crowd.sheet() for _ in range(800)]
    answer = taught(crowd, of, 14, skill=2.0)
    of_class = [crowd.sheet(answer, group_id="class") for _ in range(30)]
    assert found_in(of, [*sheets, *of_class]) == []
    strangers = [one._replace(group_id=None) for one in of_class]
    assert len(found_in(of, [*sheets, *strangers])) > 20


def test_a_copy_within_such_a_class_is_found_all_the_same() -> None:
    of = contest(questions=40, a_paper=40, papers=1)
    crowd = Crowd(of, seed=4)
    sheets = [crowd.sheet() for _ in range(500)]
    answer = taught(crowd, of, 6)
    of_class = [crowd.sheet(answer, group_id="class") for _ in range(30)]
    source = middling(crowd, of_class, 1)[0]
    copy = crowd.copy(source)._replace(group_id="class")
    found = {names(pair.one, pair.other) for pair in found_in(of, [*sheets, *of_class, copy])}
    assert found == {names(source, copy)}


def test_right_answers_and_those_that_everybody_gets_are_no_evidence() -> None:
    of = contest(questions=30, a_paper=30, papers=1)
    crowd = Crowd(of, seed=5, easiness=6.0)
    sheets = [crowd.sheet() for _ in range(300)]
    assert sum(one.half_points == one.half_points_max for one in sheets) > 50
    assert found_in(of, sheets) == []


def test_sheets_of_one_person_are_not_compared() -> None:
    of = contest(questions=30, a_paper=30, papers=1)
    crowd = Crowd(of, seed=6)
    sheets = [crowd.sheet() for _ in range(300)]
    source = middling(crowd, sheets, 1)[0]
    again = crowd.copy(source)._replace(participant_id=source.participant_id)
    assert found_in(of, [*sheets, again]) == []


def test_a_step_compares_one_sheet_with_the_others() -> None:
    of = contest(questions=30, a_paper=30, papers=1)
    sheets = [Crowd(of, seed=7).sheet() for _ in range(2_500)]
    book = Book(QUIZ, {1: of}, AS_DEFINED)
    book.count(sheets)
    chance_max = FALSE_PAIRS_MAX / pairs_of(len(sheets))
    assert sum(1 for _ in Paper(book, sheets, chance_max).pairs()) > 2_500


def test_the_strongest_are_kept_whatever_the_order() -> None:
    chance = random.Random(8)  # noqa: S311 (no secret)
    wanted = [f"{number:03}" for number in range(99, 89, -1)]
    for _ in range(20):
        numbers = [*range(100), *range(50)]
        chance.shuffle(numbers)
        kept: Strongest[str] = Strongest(10)
        for number in numbers:
            kept.add(float(number), f"{number:03}", f"{number:03}")
        assert kept.all() == wanted

"""Results become a tally: papers with different questions, several versions, any portions."""

import random
import statistics as plain
from collections import Counter

import pytest

from services.quiz.quizzes.keys import keyed
from services.quiz.quizzes.papers import draw, paper_number
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Answered
from services.quiz.scoring.rules import half_points_of, unpacked
from services.quiz.statistics.counting import ANSWERS_MAX, Asked
from services.quiz.statistics.figures import (
    QUESTIONS_SHOWN_MAX,
    Counted,
    random_guess,
    statistics_of,
)
from services.quiz.statistics.rules import ATTEMPTS_MIN, ItemFigures
from services.quiz.statistics.tally import RIGHT, QuestionTally, Tally
from tests.quiz.builders import question, quiz
from tests.quiz.statistics.builders import QUIZ, attempts_of, counting, statistics


def by_chance(of: Question, chance: random.Random) -> str | None:
    """Mostly right, sometimes nothing, sometimes several letters in any order."""
    letters = [option.id for option in of.options]
    if of.kind == "multiple" and chance.random() < 0.7:
        return "".join(chance.sample(letters, chance.randint(1, 3)))
    return chance.choice([of.key, of.key, *letters, None])


def mixed() -> Quiz:
    """All questions of one topic are on each paper, and two of the other's five."""
    of_both = [question(n, "天文" if n < 3 else "健康") for n in range(8)]
    of_both[1] = question(1, kind="multiple", key="AC")
    of_both[5] = question(5, "健康", kind="multiple", key="BCD")
    of_both[6] = question(6, "健康", kind="true_false", key="B")
    return quiz(questions=tuple(of_both), blueprint={"天文": 3, "健康": 2})


def marks_of(results: list[Answered], of: Quiz) -> dict[str, list[tuple[float, float]]]:
    """By question, the points for it and for the rest of the paper, by a plain loop."""
    found: dict[str, list[tuple[float, float]]] = {}
    for result in results:
        paper = draw(QUIZ, of, paper_number(result.attempt_id, of.papers))
        for one, answer in zip(paper, unpacked(result.answers), strict=True):
            mark = half_points_of(answer, keyed(one)) / 2
            found.setdefault(one.id, []).append((mark, result.half_points / 2 - mark))
    return found


def test_each_question_is_measured_by_the_attempts_that_have_it() -> None:
    of = mixed()
    results = attempts_of(of, 400, by_chance)
    found = statistics(results, {1: of})
    expected = marks_of(results, of)
    assert found.attempts == 400
    assert {one.question_id for one in found.questions} == expected.keys()
    for one in found.questions:
        marks, rests = zip(*expected[one.question_id], strict=True)
        assert one.figures is not None
        assert one.attempts == one.figures.attempts == len(marks)
        assert one.figures.facility == pytest.approx(plain.fmean(marks))
        assert one.figures.discrimination_percent == pytest.approx(100 * plain.correlation(marks, rests))
    # The three of the first topic are on all papers, and the others on some.
    assert [one.attempts == 400 for one in found.questions].count(True) == 3


def test_the_whole_is_measured_by_places_and_drawn_questions_share_them() -> None:
    of = mixed()
    results = attempts_of(of, 400, by_chance)
    found = statistics(results, {1: of})
    by_place: dict[int, list[float]] = {}
    for result in results:
        paper = draw(QUIZ, of, paper_number(result.attempt_id, of.papers))
        drawn = iter((3, 4))
        for one, answer in zip(paper, unpacked(result.answers), strict=True):
            place = int(one.id[1:]) if one.topic == "天文" else next(drawn)
            by_place.setdefault(place, []).append(half_points_of(answer, keyed(one)) / 2)
    totals = [result.half_points / 2 for result in results]
    alpha = 5 / 4 * (1 - sum(map(plain.variance, by_place.values())) / plain.variance(totals))
    assert found.paper is not None
    assert found.paper.mean == pytest.approx(plain.fmean(totals))
    assert found.paper.median == plain.median(totals)
    assert found.paper.alpha_percent == pytest.approx(100 * alpha)
    assert found.questions[0].intended_weight_percent == 20


def test_a_question_is_measured_by_what_it_is_worth() -> None:
    first, *others = quiz().questions
    weighty = first.model_copy(update={"points": 3})
    of = quiz(blueprint={"天文": 6, "健康": 4}, questions=(weighty, *others), wrong_costs=0.5)
    results = attempts_of(of, 200, by_chance)
    found = {one.question_id: one for one in statistics(results, {1: of}).questions}
    marks: dict[str, list[float]] = {}
    for result in results:
        paper = draw(QUIZ, of, paper_number(result.attempt_id, of.papers))
        for one, answer in zip(paper, unpacked(result.answers), strict=True):
            marks.setdefault(one.id, []).append(half_points_of(answer, keyed(one, of.marking)) / 2)
    for id_, worth in (("q0", 3), ("q1", 1)):
        figures = found[id_].figures
        assert figures is not None
        assert figures.facility == pytest.approx(plain.fmean(marks[id_]) / worth)
        assert figures.sd == pytest.approx(plain.stdev(marks[id_]))
        assert found[id_].intended_weight_percent == pytest.approx(100 * worth / 12)
        # Of four guesses one is right, and three cost half a point.
        assert found[id_].random_guess_percent == pytest.approx(100 * (worth - 1.5) / 4 / worth)


def test_a_weight_is_a_share_of_all_places_if_all_papers_are_alike() -> None:
    of = quiz(blueprint={"天文": 6, "健康": 4})
    found = statistics(attempts_of(of, 200, by_chance), {1: of})
    weights = [one.effective_weight_percent for one in found.questions]
    assert sum(weight for weight in weights if weight is not None) == pytest.approx(100)


def test_options_are_counted_whatever_the_order_of_their_letters() -> None:
    of = mixed()
    results = attempts_of(of, 300, by_chance)
    found = statistics(results, {1: of})
    several = next(one for one in found.questions if one.question_id == "q1")
    expected: Counter[str | None] = Counter()
    points: dict[str | None, list[float]] = {}
    for result in results:
        paper = draw(QUIZ, of, paper_number(result.attempt_id, of.papers))
        answer = unpacked(result.answers)[[one.id for one in paper].index("q1")]
        for letter in set(answer) if answer else {None}:
            expected[letter] += 1
            points.setdefault(letter, []).append(result.half_points / 2)
    assert {one.option: one.attempts for one in several.options} == expected
    for one in several.options:
        assert one.mean_points == pytest.approx(plain.fmean(points[one.option]))
    assert [one.option for one in several.options if one.right] == ["A", "C"]


def test_portions_and_order_make_no_difference() -> None:
    of = mixed()
    results = attempts_of(of, 500, by_chance)
    assert statistics(results, {1: of}, portion=7) == statistics(results, {1: of}, portion=1_000)
    turned = counting(results[::-1], {1: of}).tally
    assert turned.totals == counting(results, {1: of}).tally.totals


def test_a_question_that_differs_between_versions_is_counted_apart() -> None:
    of = quiz(blueprint={"天文": 6, "健康": 4})
    changed = of.model_copy(update={"questions": (question(0, key="B"), *of.questions[1:])})

    def right(one: Question, _: random.Random) -> str | None:
        return one.key

    results = [*attempts_of(of, 6, right), *attempts_of(changed, 8, right, version=2)]
    found = statistics(results, {1: of, 2: changed})
    of_first = [(one.quiz_version, one.attempts) for one in found.questions if one.question_id == "q0"]
    assert of_first == [(1, 6), (2, 8)]
    assert [one.attempts for one in found.questions if one.question_id == "q1"] == [14]


def test_answers_that_nobody_would_give_take_no_memory_and_count_as_nothing() -> None:
    of = quiz(questions=(question(0, kind="multiple", key="AB"),), blueprint={"天文": 1}, papers=1)
    id_ = attempts_of(of, 1, by_chance)[0].attempt_id
    chance = random.Random(7)  # noqa: S311 (no secret)
    odd = ["".join(chance.choices("ABCDEFGH", k=8)) for _ in range(3 * ANSWERS_MAX)]
    results = [Answered(id_, 1, f"person-{n}", 0, answer) for n, answer in enumerate(odd)]
    counted = counting(
        [*results, Answered(id_, 1, "one", 0, "HG"), Answered(id_, 1, "two", 2, "BBA")], {1: of}
    )
    assert len(counted._answers[0, "question q0"]) == ANSWERS_MAX
    # Sixteen sets of letters, with the marks that they can have.
    assert len(counted._cells) <= 18
    choosers = counted.tally.questions[0].choosers
    assert choosers[RIGHT].attempts == 1 + sum(set(answer) == set("AB") for answer in odd)
    assert choosers[""].attempts == 1 + sum(not set(answer) & set("ABCD") for answer in odd)


@pytest.mark.parametrize(
    ("of", "share"),
    [
        (question(0), 1 / 4),
        (question(0, kind="true_false"), 1 / 2),
        # Of 15 combinations one gives a point, and two give half of it.
        (question(0, kind="multiple", key="AB"), 2 / 15),
    ],
)
def test_the_random_guess_score_is_the_mean_of_all_guesses(of: Question, share: float) -> None:
    assert random_guess(of, keyed(of)) == pytest.approx(share)


def test_a_quiz_whose_questions_changed_again_and_again_fits_one_document() -> None:
    [asked] = quiz(questions=(question(1, "天文"),), blueprint={"天文": 1}).questions
    counted = [
        Counted(Asked(asked, nth, keyed(asked)), QuestionTally(), ItemFigures(1, 0.0))
        for nth in range(1, QUESTIONS_SHOWN_MAX + 11)
    ]
    made = statistics_of(Tally(totals=Counter({0: ATTEMPTS_MIN})), counted, [], 1)
    assert len(made.questions) == QUESTIONS_SHOWN_MAX
    # Those of the earliest versions are left out.
    assert min(one.quiz_version for one in made.questions) == 11

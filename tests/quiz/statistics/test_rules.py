"""The formulas of item statistics: by published figures, and by the plain formulas on random attempts."""

import random
import statistics
from collections import Counter
from math import sqrt

import pytest

from services.quiz.statistics.rules import (
    ItemFigures,
    ItemSums,
    effective_weights,
    item_figures,
    paper_figures,
)
from services.quiz.statistics.tally import ItemTally
from tests.quiz.statistics import moodle

# The figures are published with ten decimals.
PRECISION = 1e-6


def figures() -> list[ItemFigures]:
    questions = moodle.tally().questions
    return [item_figures(questions[n].item.sums(), moodle.UNITS, moodle.UNITS) for n in sorted(questions)]


def test_the_63_published_figures_of_questions_come_out() -> None:
    found = figures()
    weights = effective_weights(found, found)
    compared = 0
    for question, weight, expected in zip(found, weights, moodle.expected(), strict=True):
        for name, value in expected.items():
            got = weight if name == "effective_weight" else getattr(question, name)
            assert got == pytest.approx(value, rel=PRECISION, abs=1e-9), name
            compared += 1
    assert compared == 63


def test_the_published_figures_of_the_whole_come_out() -> None:
    found = paper_figures(moodle.tally().totals, figures(), moodle.UNITS)
    assert found.attempts == 25
    for name, value in moodle.PAPER.items():
        assert getattr(found, name) == pytest.approx(value, rel=PRECISION), name


def test_the_published_counts_of_answers_come_out() -> None:
    choosers = moodle.tally().questions[0].choosers
    letters = zip("ABCDEF", moodle.ANSWERED.values(), strict=True)
    assert {letter: choosers[letter].attempts for letter, _ in letters} == dict(
        zip("ABCDEF", moodle.ANSWERED.values(), strict=True)
    )


def test_figures_of_many_attempts_are_those_of_the_plain_formulas() -> None:
    chance = random.Random(7)  # noqa: S311 (no secret)
    pairs = [(chance.choice((0, 0, 1, 2)), chance.randint(0, 38)) for _ in range(3_000)]
    tally = ItemTally()
    for mark, rest in pairs:
        tally.add(mark, rest, 1)
    found = item_figures(tally.sums(), 2, 2)
    marks, rests = ([one / 2 for one in of] for of in zip(*pairs, strict=True))
    assert found.facility == pytest.approx(statistics.fmean(marks))
    assert found.sd == pytest.approx(statistics.stdev(marks))
    assert found.rest_variance == pytest.approx(statistics.variance(rests))
    assert found.covariance == pytest.approx(statistics.covariance(marks, rests))
    assert found.covariance_max == pytest.approx(statistics.covariance(sorted(marks), sorted(rests)))
    assert found.discrimination_percent == pytest.approx(100 * statistics.correlation(marks, rests))
    totals = [mark + rest for mark, rest in zip(marks, rests, strict=True)]
    assert found.covariance_with_total == pytest.approx(statistics.covariance(marks, totals))


def test_a_million_attempts_lose_no_digit() -> None:
    """The published attempts, forty thousand times: the figures change only by the n - 1 of a sample."""
    times = 40_000
    for question, n in zip(figures(), range(7), strict=True):
        sums = moodle.tally().questions[n].item.sums()
        many = ItemSums(
            {units: times * attempts for units, attempts in sums.marks.items()},
            {units: times * attempts for units, attempts in sums.rests.items()},
            times * sums.products,
        )
        found = item_figures(many, moodle.UNITS, moodle.UNITS)
        assert found.attempts == 1_000_000
        assert found.facility == question.facility
        assert found.discrimination_percent == pytest.approx(question.discrimination_percent, rel=1e-12)
        assert found.efficiency_percent == pytest.approx(question.efficiency_percent, rel=1e-12)
        assert question.sd is not None
        by_sample = sqrt(24 / 25 * 1_000_000 / 999_999)
        assert found.sd == pytest.approx(question.sd * by_sample, rel=1e-12)


@pytest.mark.parametrize(
    ("totals", "median"), [({4: 1}, 2), ({2: 1, 8: 1}, 2.5), ({2: 2, 4: 1, 8: 1}, 1.5), ({2: 1, 4: 2}, 2)]
)
def test_the_median_is_the_middle_or_between_the_two_in_the_middle(
    totals: dict[int, int], median: float
) -> None:
    assert paper_figures(totals, [], 2).median == median


def test_what_means_nothing_is_left_out() -> None:
    alike = ItemTally()
    alike.add(2, 10, 6)
    same = item_figures(alike.sums(), 2, 2)
    assert (same.facility, same.sd, same.discrimination_percent, same.efficiency_percent) == (
        1,
        0,
        None,
        None,
    )
    paper = paper_figures(Counter({12: 6}), [same, same], 2)
    assert (paper.mean, paper.sd, paper.skewness, paper.kurtosis, paper.alpha_percent) == (
        6,
        0,
        None,
        None,
        None,
    )
    one = ItemTally()
    one.add(1, 3, 1)
    assert item_figures(one.sums(), 2, 2) == ItemFigures(1, 0.5)
    two = paper_figures({2: 1, 6: 1}, [same], 2)
    assert (two.sd, two.skewness, two.kurtosis, two.alpha_percent) == (sqrt(2), None, None, None)


def test_a_question_that_works_against_the_paper_has_no_weight() -> None:
    against = ItemFigures(9, 0.5, covariance_with_total=-0.1)
    others = [ItemFigures(9, 0.5, covariance_with_total=value) for value in (1.0, 9.0)]
    assert effective_weights([against, *others], [against, *others]) == [None, 25, 75]
    assert effective_weights([against], [against]) == [None]

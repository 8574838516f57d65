"""
The formulas of item statistics. All functions are pure.

They get whole numbers only: how many attempts have this number of points, and sums of products. So nothing
is rounded before the last step. The order in which attempts are counted makes no difference, and neither
does their number.

The formulas are those of Moodle (docs/decisions/0048-item-statistics.md). Points are counted in units, such
as half points. All figures are in points.

Source: https://docs.moodle.org/dev/Quiz_statistics_calculations
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum, sqrt
from typing import TypeAlias

import msgspec

# Of fewer attempts nothing is shown.
ATTEMPTS_MIN = 5
# Older statistics are made again when somebody reads them.
FRESH = timedelta(minutes=5)

# How many attempts have this number of units.
Counts: TypeAlias = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ItemSums:
    """
    What was counted of a question, or of one place of the papers, in the attempts that have it.

    Attributes:
        marks: attempts by the units that they got for it.
        rests: attempts by the units that they got for the rest of the paper.
        products: the sum of both, multiplied, over all attempts.
    """

    marks: Counts
    rests: Counts
    products: int


class ItemFigures(msgspec.Struct, frozen=True):
    """
    The figures of a question; None if they mean nothing, such as a correlation of what never differs.

    Attributes:
        facility: mean points, as a share of the most that it gives.
        covariance: of its points and those of the rest of the paper.
        covariance_max: the covariance if both were sorted.
        covariance_with_total: of its points and those of the whole paper.
        discrimination_percent: the correlation of its points and those of the rest, times 100.
        efficiency_percent: the covariance as a share of the largest possible one.
    """

    attempts: int
    facility: float
    sd: float | None = None
    variance: float | None = None
    rest_variance: float | None = None
    covariance: float | None = None
    covariance_max: float | None = None
    covariance_with_total: float | None = None
    discrimination_percent: float | None = None
    efficiency_percent: float | None = None


class PaperFigures(msgspec.Struct, frozen=True):
    """
    The figures of all attempts together; None if they mean nothing.

    Attributes:
        alpha_percent: Cronbach's alpha, times 100: how far the questions agree on who is strong.
        error_ratio_percent: the part of the standard deviation that is chance.
        standard_error: of one person's points.
    """

    attempts: int
    mean: float
    median: float
    sd: float | None = None
    skewness: float | None = None
    kurtosis: float | None = None
    alpha_percent: float | None = None
    error_ratio_percent: float | None = None
    standard_error: float | None = None


def is_old(made_at: datetime | None, now: datetime, *, final: bool) -> bool:
    """Whether new statistics should be made for somebody who reads them; those after the close stay."""
    return made_at is None or (not final and now - made_at > FRESH)


def item_figures(sums: ItemSums, units_a_point: int, units_max: int) -> ItemFigures:
    """
    The figures of a question or a place.

    Args:
        sums: of at least one attempt.
        units_max: the most that it gives.
    """
    n, of_marks, of_rests = sums.marks.values(), _power_sum(sums.marks, 1), _power_sum(sums.rests, 1)
    attempts = sum(n)
    facility = of_marks / (attempts * units_max)
    if attempts < 2:
        return ItemFigures(attempts, facility)
    # A sum of products of differences from the mean, times the number of attempts, is a whole number.
    divisor = attempts * (attempts - 1) * units_a_point**2
    both = of_marks * of_rests
    variance = attempts * _power_sum(sums.marks, 2) - of_marks**2
    rest_variance = attempts * _power_sum(sums.rests, 2) - of_rests**2
    covariance = attempts * sums.products - both
    covariance_max = attempts * sum(_sorted_products(sums.marks, sums.rests)) - both
    return ItemFigures(
        attempts,
        facility,
        sqrt(variance / divisor),
        variance / divisor,
        rest_variance / divisor,
        covariance / divisor,
        covariance_max / divisor,
        # The whole paper is the question and the rest.
        (covariance + variance) / divisor,
        100 * covariance / sqrt(variance * rest_variance) if variance and rest_variance else None,
        100 * covariance / covariance_max if covariance_max else None,
    )


def effective_weights(questions: Iterable[ItemFigures], places: Iterable[ItemFigures]) -> list[float | None]:
    """
    How much each question decides about the points of a paper, in percent; None if it works against them.

    Args:
        places: those of a paper. A question that all papers have is its own place.
    """
    # fsum: the order of the places makes no difference.
    whole = fsum(root for place in places if (root := _root_of_covariance(place)) is not None)
    roots = [_root_of_covariance(question) for question in questions]
    return [None if root is None or not whole else 100 * root / whole for root in roots]


def paper_figures(totals: Counts, places: Collection[ItemFigures], units_a_point: int) -> PaperFigures:
    """
    The figures of at least one attempt.

    Args:
        totals: attempts by the units of their whole paper.
        places: those of a paper, for alpha.
    """
    n, whole = sum(totals.values()), _power_sum(totals, 1)
    mean, median = whole / (n * units_a_point), _median(totals, n) / units_a_point
    if n < 2:
        return PaperFigures(n, mean, median)
    # Sums of the powers of the differences from the mean, times n to the same power: whole numbers.
    second, third, fourth = (
        sum(count * (n * units - whole) ** power for units, count in totals.items()) for power in (2, 3, 4)
    )
    variance = second / (n**2 * (n - 1) * units_a_point**2)
    sd = sqrt(variance)
    if not second:
        return PaperFigures(n, mean, median, sd)
    m2, m3, m4 = second / n**3, third / n**4, fourth / n**5
    k2 = m2 * n / (n - 1)
    skewness = kurtosis = None
    if n > 2:
        skewness = m3 * n**2 / ((n - 1) * (n - 2)) / k2**1.5
    if n > 3:
        k4 = n**2 * ((n + 1) * m4 - 3 * (n - 1) * m2**2) / ((n - 1) * (n - 2) * (n - 3))
        kurtosis = k4 / k2**2
    alpha = _alpha(places, variance)
    error_ratio = None if alpha is None else sqrt(max(0.0, 1 - alpha))
    return PaperFigures(
        n,
        mean,
        median,
        sd,
        skewness,
        kurtosis,
        None if alpha is None else 100 * alpha,
        None if error_ratio is None else 100 * error_ratio,
        None if error_ratio is None else error_ratio * sd,
    )


def _alpha(places: Collection[ItemFigures], variance: float) -> float | None:
    k = len(places)
    if k < 2:
        return None
    return k / (k - 1) * (1 - fsum(place.variance or 0.0 for place in places) / variance)


def _root_of_covariance(of: ItemFigures) -> float | None:
    covariance = of.covariance_with_total
    return None if covariance is None or covariance < 0 else sqrt(covariance)


def _power_sum(counts: Counts, power: int) -> int:
    return sum(count * units**power for units, count in counts.items())


def _median(counts: Counts, n: int) -> float:
    return (_nth(counts, (n - 1) // 2) + _nth(counts, n // 2)) / 2


def _nth(counts: Counts, n: int) -> int:
    for units in sorted(counts):
        n -= counts[units]
        if n < 0:
            return units
    raise ValueError("there are fewer")


def _sorted_products(some: Counts, others: Counts) -> Iterator[int]:
    """The products of two sets of the same size, the lowest with the lowest and so on, for runs of equals."""
    left, right = _runs(some), _runs(others)
    one, ones = next(left)
    other, of_others = next(right)
    while True:
        equal = min(ones, of_others)
        yield equal * one * other
        ones, of_others = ones - equal, of_others - equal
        # Both end together, since both count the same attempts.
        if not ones and (run := next(left, None)):
            one, ones = run
        if not of_others and (run := next(right, None)):
            other, of_others = run
        if not ones or not of_others:
            return


def _runs(counts: Counts) -> Iterator[tuple[int, int]]:
    return ((units, counts[units]) for units in sorted(counts) if counts[units])

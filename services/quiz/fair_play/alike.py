"""
How unlikely it is that two honest people give so many identical wrong answers. All functions are pure.

Right answers tell nothing: whoever knows the subject has them too. We take the wrong answers of one person as
given, as the K-index does, and ask how many of them another person would give too, who has a certain number
of wrong answers on the same questions:

- At which questions the other is wrong follows from how hard they are, by the model of Rasch. Given the
  number of wrong answers, the person's ability makes no difference any more.
- If wrong, the other gives the same answer as often as all who are wrong there do.

The number of identical wrong answers has an exact distribution then (`identical_by_chance`). The pair is
judged in both directions, and the larger probability counts.

Sources: P. W. Holland, "Assessing Unusual Agreement Between the Incorrect Answers of Two Examinees Using the
K-Index", ETS Research Report 96-7 (1996); L. S. Sotaridona and R. R. Meijer, "Statistical Properties of the
K-Index for Detecting Answer Copying", Journal of Educational Measurement 39 (2002), 115-132; W. J. van der
Linden and L. Sotaridona, "Detecting Answer Copying When the Regular Response Process Follows a Known Response
Model", Journal of Educational and Behavioral Statistics 31 (2006), 283-304 (the distribution of a sum of
different chances)
"""

from collections.abc import Mapping, Sequence
from math import ceil, exp, lgamma, log
from typing import NamedTuple

# Beyond these the logistic function is 0 or 1.
LEANING_MAX = 40.0
LEANING_STEPS = 50


class Item(NamedTuple):
    """
    A question.

    Attributes:
        hardness: the logit of the share of wrong answers.
        same: the chance that two people who are wrong give the same wrong answer.
    """

    hardness: float
    same: float


class Likely(NamedTuple):
    """
    A question of a pair, for one direction.

    Attributes:
        hardness: the logit of the share of wrong answers.
        same: how often a wrong answer is the given one; 0 if the given one is not wrong.
    """

    hardness: float
    same: float


def item_of(asked: int, wrong: Mapping[str, int]) -> Item:
    """
    The question by what was answered.

    Args:
        asked: how many people had it.
        wrong: by wrong answer, how many gave it.
    """
    total = sum(wrong.values())
    # Half a wrong answer and half a right one are added: no share is 0 or 1.
    share = (total + 0.5) / (asked + 1)
    return Item(log(share / (1 - share)), same_of(wrong, total))


def same_of(wrong: Mapping[str, int], total: int) -> float:
    """The sum of the squares of the shares, among `total` people."""
    return sum((count / total) ** 2 for count in wrong.values()) if total else 1.0


def leaning(paper: Sequence[Item | Likely], wrong: int) -> float:
    """How much a person with this number of wrong answers on this paper tends to be wrong."""
    if wrong <= 0:
        return -LEANING_MAX
    if wrong >= len(paper):
        return LEANING_MAX
    low, high = -LEANING_MAX, LEANING_MAX
    for _ in range(LEANING_STEPS):
        middle = (low + high) / 2
        if sum(_logistic(middle + item.hardness) for item in paper) < wrong:
            low = middle
        else:
            high = middle
    return (low + high) / 2


class Chance(NamedTuple):
    """How many identical wrong answers are expected, and the probability of as many as were found or more."""

    expected: float
    chance: float


def identical_by_chance(questions: Sequence[Likely], wrong: int, identical: int) -> Chance:
    """
    The chance that a person gives `identical` of the given wrong answers, or more.

    Args:
        wrong: the number of this person's wrong answers to these questions.
    """
    at = leaning(questions, wrong)
    shared = [one for one in questions if one.same]
    # By number of wrong answers: the chance of this number at the questions without a given wrong answer.
    alone = [1.0] + [0.0] * wrong
    for one in questions:
        if not one.same:
            odd = _logistic(at + one.hardness)
            alone = [
                now * (1 - odd) + before * odd for now, before in zip(alone, [0.0, *alone], strict=False)
            ]
    # By number of wrong answers and of identical ones: the chance of these numbers at the other questions.
    both = [[1.0] + [0.0] * len(shared)] + [[0.0] * (len(shared) + 1) for _ in range(wrong)]
    for one in shared:
        odd = _logistic(at + one.hardness)
        same, other, right = odd * one.same, odd * (1 - one.same), 1 - odd
        for number in range(wrong, 0, -1):
            now, before = both[number], both[number - 1]
            shifted = [0.0, *before]
            both[number] = [
                a * right + b * other + c * same for a, b, c in zip(now, before, shifted, strict=False)
            ]
        both[0] = [chance * right for chance in both[0]]
    of = [
        sum(alone[wrong - number] * both[number][found] for number in range(wrong + 1))
        for found in range(len(shared) + 1)
    ]
    if not (whole := sum(of)):
        return Chance(float(identical), 1.0)
    expected = sum(found * chance for found, chance in enumerate(of)) / whole
    return Chance(expected, min(sum(of[identical:]) / whole, 1.0))


def chances(items: Sequence[Item], one: float, other: float) -> list[float]:
    """Of each question, the chance that both give the same wrong answer; the two are given by leaning."""
    return [_logistic(one + item.hardness) * _logistic(other + item.hardness) * item.same for item in items]


def tail(mean: float, questions: int, identical: int) -> float:
    """
    A first estimate of the probability of `identical` identical wrong answers or more, by the binomial.

    Args:
        mean: the expected number.
    """
    if identical <= mean:
        return 1.0
    if mean <= 0.0:
        return 0.0
    if (share := mean / questions) >= 1.0:
        return 1.0
    term = exp(
        lgamma(questions + 1)
        - lgamma(identical + 1)
        - lgamma(questions - identical + 1)
        + identical * log(share)
        + (questions - identical) * log(1 - share)
    )
    odds, sum_ = share / (1 - share), term
    for number in range(identical, questions):
        term *= odds * (questions - number) / (number + 1)
        sum_ += term
    return min(sum_, 1.0)


def least_flagged(mean: float, questions: int, chance_max: float, least: int) -> int:
    """The lowest number of identical wrong answers, from `least` on, whose chance is at most `chance_max`."""
    low, high = max(least, ceil(mean)), questions + 1
    while low < high:
        middle = (low + high) // 2
        if tail(mean, questions, middle) <= chance_max:
            high = middle
        else:
            low = middle + 1
    return low


def _logistic(at: float) -> float:
    return 1 / (1 + exp(-at)) if at > -LEANING_MAX * 2 else 0.0

"""
Which questions look wrong. All functions are pure.

A doubt is a hint for a person, who then reads the question. It is only named if chance hardly explains it:
the difference has to be `ERRORS_MIN` standard errors or more.
"""

from collections.abc import Collection, Mapping
from math import sqrt
from typing import Literal

import msgspec

from services.quiz.statistics.rules import ATTEMPTS_MIN, ItemFigures
from services.quiz.statistics.tally import RIGHT, Choice, Choosers

DoubtCode = Literal["negative_discrimination", "option_scores_higher", "option_chosen_more"]
# Of a hundred questions that measure nothing, chance gives some a doubt; of good ones hardly any.
ERRORS_MIN = 2.0
# Of so few who are right nobody can say whether they are better than others.
FACILITY_MIN = 0.05


class Doubt(msgspec.Struct, frozen=True):
    """Why a question looks wrong; `option` is the wrong option that the doubt is about."""

    code: DoubtCode
    option: str | None = None


def doubts_of(
    figures: ItemFigures, key: str, options: str, choosers: Mapping[Choice, Choosers]
) -> list[Doubt]:
    """The doubts about a question, by the letters of its key and of all its options."""
    found: list[Doubt] = []
    discrimination = (figures.discrimination_percent or 0.0) / 100
    # Of questions that have nothing to do with the rest, this is the standard error of the correlation.
    if discrimination * sqrt(figures.attempts - 1) < -ERRORS_MIN:
        found.append(Doubt("negative_discrimination"))
    right = choosers.get(RIGHT, Choosers())
    for letter in options:
        wrong = choosers.get(letter)
        if letter in key or wrong is None or wrong.attempts < ATTEMPTS_MIN:
            continue
        if right.attempts >= ATTEMPTS_MIN and _score_higher(wrong, right):
            found.append(Doubt("option_scores_higher", letter))
        if wrong.attempts - right.attempts > ERRORS_MIN * sqrt(wrong.attempts + right.attempts):
            found.append(Doubt("option_chosen_more", letter))
    return found


def looks_wrong(doubts: Collection[Doubt], facility: float) -> bool:
    """
    Whether the key is probably wrong: more people chose a wrong option, and they are better in the rest, or
    hardly anybody chose the key.

    That more people chose a wrong option, alone, also happens with a question that misleads.
    """
    chosen_more = {doubt.option for doubt in doubts if doubt.code == "option_chosen_more"}
    better = {doubt.option for doubt in doubts if doubt.code == "option_scores_higher"}
    return bool(chosen_more & better) or (bool(chosen_more) and facility < FACILITY_MIN)


def _score_higher(some: Choosers, others: Choosers) -> bool:
    """Whether some are better than others in the rest of the paper, without this question's own points."""
    difference = some.rests / some.attempts - others.rests / others.attempts
    return difference > ERRORS_MIN * sqrt(_squared_error(some) + _squared_error(others))


def _squared_error(of: Choosers) -> float:
    n = of.attempts
    return (n * of.rest_squares - of.rests**2) / (n * n * (n - 1))

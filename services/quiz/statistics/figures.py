"""
The statistics of a quiz, made from a tally, as they are stored and shown. All functions are pure.

Points are half points in the tally, and points here.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import msgspec

from services.quiz.quizzes.questions import Question
from services.quiz.scoring.rules import (
    HALF_POINTS_A_POINT,
    HALF_POINTS_A_QUESTION,
    KeyedQuestion,
    half_points_of,
)
from services.quiz.statistics.counting import Asked
from services.quiz.statistics.doubts import Doubt, doubts_of
from services.quiz.statistics.rules import (
    ATTEMPTS_MIN,
    ItemFigures,
    PaperFigures,
    effective_weights,
    item_figures,
    paper_figures,
)
from services.quiz.statistics.tally import NONE, Choice, Choosers, ItemTally, QuestionTally, Tally
from shared.contracts.events import QUESTIONS_MAX

# If questions have changed between the versions of a quiz, those of the latest versions. All together must
# fit one document of the database.
QUESTIONS_SHOWN_MAX = 2 * QUESTIONS_MAX


class OptionStatistics(msgspec.Struct, frozen=True):
    """
    Who chose an option; `option` is None for those who chose none.

    Attributes:
        mean_points: of their whole paper; None if fewer than `ATTEMPTS_MIN` chose it.
    """

    option: str | None
    right: bool
    attempts: int
    mean_points: float | None


class QuestionStatistics(msgspec.Struct, frozen=True):
    """
    A question; `figures` is None, and the lists are empty, if fewer than `ATTEMPTS_MIN` attempts have it.
    """

    question_id: str
    quiz_version: int
    attempts: int
    intended_weight_percent: float
    random_guess_percent: float
    figures: ItemFigures | None = None
    effective_weight_percent: float | None = None
    options: list[OptionStatistics] = []
    doubts: list[Doubt] = []


class Statistics(msgspec.Struct, frozen=True):
    """A quiz; `paper` is None if it has fewer than `ATTEMPTS_MIN` attempts."""

    attempts: int
    paper: PaperFigures | None
    questions: list[QuestionStatistics]


class Counted(NamedTuple):
    """A question with its figures."""

    asked: Asked
    tally: QuestionTally
    figures: ItemFigures


def item_of(tally: ItemTally, worth: int = HALF_POINTS_A_QUESTION) -> ItemFigures:
    """The figures of a question that is worth so many half points, or of a place."""
    # Nobody has points for a question that is taken out.
    return item_figures(tally.sums(), HALF_POINTS_A_POINT, max(worth, 1))


def statistics_of(
    tally: Tally, counted: Sequence[Counted], places: Sequence[ItemFigures], half_points_max: int
) -> Statistics:
    """
    The statistics of a quiz.

    Args:
        counted: all questions of the tally.
        places: the figures of its places.
        half_points_max: what a paper is worth.
    """
    attempts = sum(tally.totals.values())
    if attempts < ATTEMPTS_MIN:
        return Statistics(attempts, None, [])
    weights = effective_weights([one.figures for one in counted], places)
    latest_first = sorted(range(len(counted)), key=lambda nth: counted[nth].asked.quiz_version, reverse=True)
    return Statistics(
        attempts,
        paper_figures(tally.totals, places, HALF_POINTS_A_POINT),
        [
            question_statistics(counted[nth], weights[nth], half_points_max)
            for nth in sorted(latest_first[:QUESTIONS_SHOWN_MAX])
        ],
    )


def question_statistics(
    counted: Counted, effective_weight_percent: float | None, half_points_max: int
) -> QuestionStatistics:
    """The statistics of one question."""
    question, version, keyed = counted.asked
    enough = counted.figures.attempts >= ATTEMPTS_MIN
    letters = "".join(option.id for option in question.options)
    choosers = counted.tally.choosers
    return QuestionStatistics(
        question.id,
        version,
        counted.figures.attempts,
        100 * keyed.worth / half_points_max,
        100.0 if keyed.cancelled else 100 * random_guess(question, keyed),
        counted.figures if enough else None,
        effective_weight_percent if enough else None,
        _options(question, letters, choosers) if enough else [],
        # Nobody has to look at a cancelled question any more.
        doubts_of(counted.figures, question.key, letters, choosers) if enough and not keyed.cancelled else [],
    )


def random_guess(question: Question, keyed: KeyedQuestion) -> float:
    """
    The mean points of somebody who guesses, as a share of what the question is worth; below 0 if wrong
    answers cost more than guesses give. A guess is one of the options, or if several may be right, any of
    the combinations with at least one option.
    """
    letters = [option.id for option in question.options]
    sizes = range(1, len(letters) + 1) if question.kind == "multiple" else (1,)
    guesses = ["".join(some) for size in sizes for some in combinations(letters, size)]
    marks = sum(half_points_of(guess, keyed) for guess in guesses)
    return marks / (keyed.worth * len(guesses))


def _options(question: Question, letters: str, choosers: Mapping[Choice, Choosers]) -> list[OptionStatistics]:
    return [
        _option(letter or None, letter != NONE and letter in question.key, choosers.get(letter, Choosers()))
        for letter in (*letters, NONE)
    ]


def _option(option: str | None, right: bool, choosers: Choosers) -> OptionStatistics:
    n = choosers.attempts
    points = (choosers.marks + choosers.rests) / HALF_POINTS_A_POINT
    return OptionStatistics(option, right, n, points / n if n >= ATTEMPTS_MIN else None)

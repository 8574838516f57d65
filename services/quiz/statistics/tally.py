"""
What is counted for item statistics, with bounded memory for any number of attempts. No I/O.

Everything is a sum of whole numbers, so attempts may be added in any order and in any portions.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from services.quiz.statistics.rules import ItemSums

# The letter of an option; "" counts those who chose none, and "right" those with the full mark.
Choice = str
NONE: Literal[""] = ""
RIGHT: Literal["right"] = "right"


@dataclass(slots=True)
class ItemTally:
    """`rules.ItemSums`, while it is counted."""

    marks: Counter[int] = field(default_factory=Counter)
    rests: Counter[int] = field(default_factory=Counter)
    products: int = 0

    def add(self, mark: int, rest: int, attempts: int) -> None:
        """Count attempts with these units for this item, and those for the rest of the paper."""
        self.marks[mark] += attempts
        self.rests[rest] += attempts
        self.products += attempts * mark * rest

    def sums(self) -> ItemSums:
        """What was counted."""
        return ItemSums(self.marks, self.rests, self.products)


@dataclass(slots=True)
class Choosers:
    """
    Those who made the same choice.

    Attributes:
        marks, rests, rest_squares: sums of their units for the question, for the rest of the paper, and of
            the squares of the latter.
    """

    attempts: int = 0
    marks: int = 0
    rests: int = 0
    rest_squares: int = 0

    def add(self, mark: int, rest: int, attempts: int) -> None:
        """Count attempts with this choice."""
        self.attempts += attempts
        self.marks += attempts * mark
        self.rests += attempts * rest
        self.rest_squares += attempts * rest * rest


@dataclass(slots=True)
class QuestionTally:
    """A question, and who chose what."""

    item: ItemTally = field(default_factory=ItemTally)
    choosers: dict[Choice, Choosers] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """
    All attempts of a quiz, counted.

    Attributes:
        totals: attempts by the units of the whole paper.
        questions: by a number that the caller gives them.
        places: by name, the places of a paper. Different attempts may have different questions there.
    """

    totals: Counter[int] = field(default_factory=Counter)
    questions: dict[int, QuestionTally] = field(default_factory=dict)
    places: dict[str, ItemTally] = field(default_factory=dict)

    def add_answers(
        self, question: int, place: str, letters: str, mark: int, units_max: int, rest: int, attempts: int
    ) -> None:
        """
        Count attempts with the same answer to a question, and the same total.

        Args:
            letters: the options that were chosen.
            units_max: the full mark.
            rest: their units for the rest of the paper.
        """
        of = self.questions.get(question)
        if of is None:
            of = self.questions[question] = QuestionTally()
        of.item.add(mark, rest, attempts)
        self.places.setdefault(place, ItemTally()).add(mark, rest, attempts)
        for choice in letters or (NONE,):
            of.choosers.setdefault(choice, Choosers()).add(mark, rest, attempts)
        if mark == units_max:
            of.choosers.setdefault(RIGHT, Choosers()).add(mark, rest, attempts)

"""
Answer sheets of a quiz, counted and compared. No I/O.

The wrong answers of a sheet are the bits of a number, so two sheets are compared by one operation. Sheets of
one paper are compared each with each, up to `CELL_SHEETS_MAX`. Of more, those are compared that agree in some
questions: several times, each time in others. So the work grows with the number of sheets and not with its
square, and sheets that are copied whole meet each time.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log2
from random import Random
from typing import NamedTuple

from services.quiz.fair_play.alike import (
    Chance,
    Item,
    Likely,
    chances,
    identical_by_chance,
    item_of,
    leaning,
    least_flagged,
)
from services.quiz.fair_play.rules import IDENTICAL_MIN
from services.quiz.quizzes.keys import Keys, asked
from services.quiz.quizzes.papers import draw, paper_number
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Sheet

CELL_SHEETS_MAX = 2_000
# If a paper has more sheets, they are put into cells of about `CELL_SHEETS`, by the answers to some
# questions. This is done `PASSES` times, each time by other questions.
PASSES = 8
CELL_SHEETS = 200
# Sheets that are read in one step.
READ_MAX = 100
# If fewer others of a class had a question, their answers say nothing about the class.
OTHERS_MIN = 4
# Pairs are computed if a first estimate of their chance is below this, about `ESTIMATED_PAIRS` for one paper.
ESTIMATE_MAX = 1e-3
ESTIMATED_PAIRS = 500


class Place(NamedTuple):
    """A question of a paper, by its number; None if everybody gets its point."""

    item: int
    right: frozenset[str] | None


Wrong = tuple[int, str]
"""A question, and the wrong answer to it."""


class Pair(NamedTuple):
    """Two sheets with identical wrong answers."""

    one: Sheet
    other: Sheet
    identical: int
    questions: int
    expected: float
    chance: float
    wrong: tuple[int, int]


@dataclass(slots=True)
class Answers:
    """Of some people: by question, how many had it, and who gave which wrong answer."""

    asked: Counter[int] = field(default_factory=Counter)
    wrong: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, paper: Sequence[Place], wrong: Iterable[Wrong]) -> None:
        """Count a sheet."""
        self.asked.update(place.item for place in paper)
        for item, letters in wrong:
            self.wrong[item][letters] += 1

    def likely(self, item: int, given: str | None) -> Likely:
        """
        A question, and how often a wrong answer to it is the given one; None if that is not wrong.

        The given answer is counted too. So an answer that nobody else gave has a share above 0, which is
        rather too large.
        """
        wrong = self.wrong[item]
        total = wrong.total()
        same = wrong[given] / total if given and total else 0.0
        return Likely(item_of(self.asked[item], wrong).hardness, same)

    def without(self, item: int, answers: Sequence[str]) -> "tuple[int, Counter[str]]":
        """How many others had a question, without two people, and their wrong answers."""
        return self.asked[item] - 2, self.wrong[item] - Counter(answers)


class Book:
    """
    The papers of a quiz, and what was answered.

    Args:
        quizzes: its versions; they may be added later.
        keys: of now.
    """

    def __init__(self, quiz_id: str, quizzes: Mapping[int, Quiz], keys: Keys) -> None:
        self.answers = Answers()
        self._quiz_id = quiz_id
        self._quizzes = quizzes
        self._keys = keys
        self._papers: dict[tuple[int, int], tuple[Place, ...]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._places: dict[tuple[int, str], Place] = {}
        self._items: dict[int, Item] = {}
        self._leanings: dict[tuple[tuple[int, int], int], float] = {}

    def number(self, sheet: Sheet) -> tuple[int, int]:
        """The version and the number of the paper of a sheet."""
        quiz = self._quizzes[sheet.quiz_version]
        return sheet.quiz_version, paper_number(sheet.attempt_id, quiz.papers)

    def paper(self, number: tuple[int, int]) -> tuple[Place, ...]:
        """The questions of a paper, in its order."""
        if (paper := self._papers.get(number)) is None:
            quiz = self._quizzes[number[0]]
            drawn = draw(self._quiz_id, quiz, number[1])
            paper = self._papers[number] = tuple(self._place(number[0], question) for question in drawn)
        return paper

    def _place(self, version: int, question: Question) -> Place:
        if (place := self._places.get((version, question.id))) is None:
            # A question with another text in another version is another question.
            same = question.id, asked(question)
            right = frozenset(self._keys.corrected(question).key)
            number = self._numbers.setdefault(same, len(self._numbers))
            place = Place(number, None if self._keys.is_cancelled(question) else right)
            self._places[version, question.id] = place
        return place

    def wrong(self, sheet: Sheet) -> list[Wrong]:
        """The wrong answers of a sheet. A question without an answer is not among them."""
        found = []
        for place, answer in zip(self.paper(self.number(sheet)), sheet.answers.split(","), strict=True):
            if answer and place.right is not None and (chosen := frozenset(answer)) != place.right:
                found.append((place.item, answer if len(answer) == 1 else "".join(sorted(chosen))))
        return found

    def count(self, sheets: Iterable[Sheet]) -> None:
        """Count sheets; the chances follow from all that are counted before the first is asked for."""
        for sheet in sheets:
            self.answers.add(self.paper(self.number(sheet)), self.wrong(sheet))

    def items(self, numbers: Sequence[int]) -> list[Item]:
        """These questions, by what everybody answered."""
        for number in numbers:
            if number not in self._items:
                self._items[number] = item_of(self.answers.asked[number], self.answers.wrong[number])
        return [self._items[number] for number in numbers]

    def leaning(self, number: tuple[int, int], wrong: int) -> float:
        """How much a person with this number of wrong answers on this paper tends to be wrong."""
        if (known := self._leanings.get((number, wrong))) is None:
            items = self.items([place.item for place in self.paper(number)])
            known = self._leanings[number, wrong] = leaning(items, wrong)
        return known

    def compare(self, one: Sheet, other: Sheet, of_class: Answers | None = None) -> Pair | None:
        """
        Compare two sheets, also of different papers, by the questions that both have.

        Args:
            of_class: what their class answered; the two are in it. What the class often gets wrong together
                tells nothing about these two.

        Returns: None if fewer than `IDENTICAL_MIN` wrong answers are identical.
        """
        mine, theirs = dict(self.wrong(one)), dict(self.wrong(other))
        identical = len(mine.items() & theirs.items())
        if identical < IDENTICAL_MIN:
            return None
        common = sorted(self._items_of(one) & self._items_of(other))
        directions = [
            self._given(common, *pair, identical, of_class) for pair in ((mine, theirs), (theirs, mine))
        ]
        expected, chance = max(directions, key=lambda direction: direction.chance)
        return Pair(one, other, identical, len(common), expected, chance, (len(mine), len(theirs)))

    def _items_of(self, sheet: Sheet) -> set[int]:
        return {place.item for place in self.paper(self.number(sheet))}

    def _given(
        self,
        common: Sequence[int],
        given: Mapping[int, str],
        others: Mapping[int, str],
        identical: int,
        of_class: Answers | None,
    ) -> Chance:
        questions = []
        for item in common:
            likely = self.answers.likely(item, given.get(item))
            if of_class is not None:
                likely = _in_class(likely, of_class, item, given.get(item), others.get(item))
            questions.append(likely)
        return identical_by_chance(questions, sum(item in others for item in common), identical)


def _in_class(likely: Likely, of_class: Answers, item: int, given: str | None, other: str | None) -> Likely:
    """The question as this class finds it, if that makes an identical wrong answer more likely."""
    others, wrong = of_class.without(item, [one for one in (given, other) if one])
    if others < OTHERS_MIN or not given:
        return likely
    share = wrong[given] / total if (total := wrong.total()) else 0.0
    hardness = item_of(others, wrong).hardness
    return Likely(max(likely.hardness, hardness), max(likely.same, share))


class Paper:
    """
    The sheets of one paper, to be compared.

    Args:
        chance_max: a pair is found if chance explains it worse than this. A first estimate (`tail`) finds the
            pairs that are computed.
    """

    def __init__(self, book: Book, sheets: Sequence[Sheet], chance_max: float) -> None:
        self._book = book
        self._number = book.number(sheets[0])
        self._places = book.paper(self._number)
        self._sheets = sheets
        self._chance_max = chance_max
        self._estimate_max = max(
            chance_max, min(ESTIMATE_MAX, ESTIMATED_PAIRS / max(1, pairs_of(len(sheets))))
        )
        self._bits: dict[Wrong, int] = {}
        self._masks: list[int] = []
        self._wrong: list[int] = []
        self._there: list[int] = []
        self._least: dict[int, list[int]] = {}

    def pairs(self) -> Iterator[list[Pair]]:
        """Step by step, the pairs that chance explains badly; a step is some milliseconds at most."""
        for begin in range(0, len(self._sheets), READ_MAX):
            self._read(self._sheets[begin : begin + READ_MAX])
            yield []
        self._there = sorted({wrong for wrong in self._wrong if wrong >= IDENTICAL_MIN})
        for cell in self._cells():
            for place, one in enumerate(cell[:-1]):
                mask, least, wrong = self._masks[one], self._least_of(self._wrong[one]), self._wrong
                masks, rest = self._masks, cell[place + 1 :]
                found = [two for two in rest if (mask & masks[two]).bit_count() >= least[wrong[two]]]
                yield [pair for two in found if (pair := self._pair(one, two)) is not None]

    def _read(self, sheets: Sequence[Sheet]) -> None:
        for sheet in sheets:
            wrong = self._book.wrong(sheet)
            self._masks.append(sum(1 << self._bits.setdefault(one, len(self._bits)) for one in wrong))
            self._wrong.append(len(wrong))

    def _pair(self, one: int, other: int) -> Pair | None:
        first, second = self._sheets[one], self._sheets[other]
        if first.participant_id == second.participant_id:
            return None
        pair = self._book.compare(first, second)
        return pair if pair is not None and pair.chance <= self._chance_max else None

    def _least_of(self, wrong: int) -> list[int]:
        """By the wrong answers on the other sheet, from how many identical ones on a pair is computed."""
        if (known := self._least.get(wrong)) is None:
            items = self._book.items([place.item for place in self._places])
            questions, mine = len(items), self._book.leaning(self._number, wrong)
            known = [questions + 1] * (questions + 1)
            for theirs in self._there if wrong >= IDENTICAL_MIN else ():
                mean = sum(chances(items, mine, self._book.leaning(self._number, theirs)))
                known[theirs] = least_flagged(mean, questions, self._estimate_max, IDENTICAL_MIN)
            self._least[wrong] = known
        return known

    def _cells(self) -> Iterator[Sequence[int]]:
        number = len(self._sheets)
        if number <= CELL_SHEETS_MAX:
            yield range(number)
            return
        questions = min(ceil(log2(number / CELL_SHEETS)), len(self._places))
        for nth in range(PASSES):
            # No secret: it only chooses which sheets meet.
            some = {place.item for place in Random(nth).sample(self._places, questions)}  # noqa: S311
            sample = sum(1 << bit for (item, _), bit in self._bits.items() if item in some)
            cells: defaultdict[int, list[int]] = defaultdict(list)
            for one, mask in enumerate(self._masks):
                # A sheet without a wrong answer among these questions has nothing that could be copied.
                if agrees := mask & sample:
                    cells[agrees].append(one)
            for cell in cells.values():
                for begin in range(0, len(cell), CELL_SHEETS_MAX):
                    yield cell[begin : begin + CELL_SHEETS_MAX]


def pairs_of(sheets: int) -> int:
    """The number of pairs of so many sheets."""
    return sheets * (sheets - 1) // 2

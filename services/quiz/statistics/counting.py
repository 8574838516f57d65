"""
The answers of results become a tally. No I/O.

The number of each answer's cell is looked up once. After that, an attempt of twenty questions only adds
twenty numbers to a counter, without a loop of its own: 100,000 attempts take less than two seconds. `fold`
moves the cells into the tally.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import repeat
from operator import add, getitem
from typing import NamedTuple

from services.quiz.quizzes.blueprint import by_line
from services.quiz.quizzes.keys import AS_DEFINED, Keys
from services.quiz.quizzes.papers import Drawn, paper_number
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Answered
from services.quiz.scoring.rules import KeyedQuestion, half_points_of
from services.quiz.statistics.tally import Tally

# Cells that are counted before they are folded: about 25 MB.
CELLS_MAX = 200_000
# Cells of one `fold`: some milliseconds.
CELLS_A_FOLD = 2_000
# A number above the half points of any paper.
STRIDE = 4_096
# Different answers to a question that are remembered. There are fewer, but letters may come in any order.
ANSWERS_MAX = 1_000


class Asked(NamedTuple):
    """
    A question with the key of now, and the first version of the quiz that was found to have it in this form.

    Attributes:
        keyed: how it is graded.
    """

    question: Question
    quiz_version: int
    keyed: KeyedQuestion


class _Cell(NamedTuple):
    question: int
    place: str
    letters: str
    mark: int


class _Answers(dict[str, int]):
    """By an answer as it is stored, the number of its cell times `STRIDE`."""

    def __init__(
        self, question: Question, keyed_: KeyedQuestion, number: int, place: str, cells: list[_Cell]
    ) -> None:
        self._keyed = keyed_
        self._options = "".join(option.id for option in question.options)
        self._number, self._place = number, place
        self._cells = cells
        self._known: dict[_Cell, int] = {}

    def __missing__(self, answer: str) -> int:
        # Letters may come in any order, and others than the options' may be among them.
        letters = "".join(letter for letter in self._options if letter in answer)
        cell = _Cell(self._number, self._place, letters, half_points_of(answer or None, self._keyed))
        if (of_cell := self._known.get(cell)) is None:
            of_cell = self._known[cell] = len(self._cells) * STRIDE
            self._cells.append(cell)
        if len(self) < ANSWERS_MAX:
            self[answer] = of_cell
        return of_cell


class Counting:
    """
    Counts the results of one quiz.

    Args:
        quizzes: its versions.
        keys: those that the results were graded with.
        drawn: remembers the papers of earlier counts.
    """

    def __init__(
        self,
        quiz_id: str,
        quizzes: Mapping[int, Quiz],
        keys: Keys = AS_DEFINED,
        drawn: Drawn | None = None,
    ) -> None:
        self.tally = Tally()
        self.asked: list[Asked] = []
        self._quiz_id = quiz_id
        self._quizzes = quizzes
        self._keys = keys
        self._drawn = drawn or Drawn()
        self._cells: list[_Cell] = []
        self._counts: Counter[int] = Counter()
        self._papers: dict[tuple[int, int], tuple[_Answers, ...]] = {}
        self._answers: dict[tuple[int, str], _Answers] = {}
        self._numbers: dict[str, list[int]] = {}
        self._keyed: dict[tuple[int, str], tuple[int, KeyedQuestion]] = {}
        self._lines: dict[int, dict[str, str]] = {}

    def add(self, results: Iterable[Answered]) -> None:
        """
        Count results. If `is_full`, call `fold` until nothing is left.

        Raises:
            KeyError: a result is of a version that is not among the quizzes.
        """
        totals, counts = self.tally.totals, self._counts
        for result in results:
            total = result.half_points
            totals[total] += 1
            cells = map(getitem, self._paper(result), result.answers.split(","))
            counts.update(map(add, cells, repeat(total)))

    @property
    def is_full(self) -> bool:
        """Whether so many cells are counted that they have to be folded."""
        return len(self._counts) >= CELLS_MAX

    def fold(self) -> bool:
        """Move some cells into the tally; False if none is left."""
        for _ in range(min(CELLS_A_FOLD, len(self._counts))):
            numbers, attempts = self._counts.popitem()
            number, total = divmod(numbers, STRIDE)
            cell = self._cells[number]
            self.tally.add_answers(
                cell.question, cell.place, cell.letters, cell.mark, self.asked[cell.question].keyed.worth,
                total - cell.mark, attempts,
            )  # fmt: skip
        return bool(self._counts)

    def _paper(self, result: Answered) -> tuple[_Answers, ...]:
        version = result.quiz_version
        number = paper_number(result.attempt_id, self._quizzes[version].papers)
        if (paper := self._papers.get((version, number))) is None:
            paper = self._papers[version, number] = self._laid_out(version, number)
        return paper

    def _laid_out(self, version: int, number: int) -> tuple[_Answers, ...]:
        quiz = self._quizzes[version]
        drawn_for = self._drawn_for(version)
        so_far: Counter[str] = Counter()
        paper = []
        for question in self._drawn.paper(self._quiz_id, quiz, number):
            place = f"question {question.id}"
            # If not all questions of the line are drawn, chance decides which of them has this place.
            if line := drawn_for.get(question.id):
                so_far[line] += 1
                place = f"topic {so_far[line]} {line}"
            known = self._keyed.get((version, question.id))
            if known is None:
                keyed = self._keys.keyed(question, quiz.marking)
                known = self._keyed[version, question.id] = self._number(question, keyed, version), keyed
            key = known[0], place
            if (answers := self._answers.get(key)) is None:
                answers = self._answers[key] = _Answers(question, known[1], *key, self._cells)
            paper.append(answers)
        return tuple(paper)

    def _drawn_for(self, version: int) -> dict[str, str]:
        """The lines of the blueprint of which not all questions are drawn, by the ids of these questions."""
        if (drawn_for := self._lines.get(version)) is None:
            quiz = self._quizzes[version]
            lines = quiz.paper_lines
            drawn_for = self._lines[version] = {
                question.id: line.name
                for line, found in zip(lines, by_line(lines, quiz.questions), strict=True)
                if len(found) > line.count
                for question in found
            }
        return drawn_for

    def _number(self, question: Question, keyed: KeyedQuestion, version: int) -> int:
        """The number of a question; one that has changed between two versions is another question."""
        numbers, corrected = self._numbers.setdefault(question.id, []), self._keys.corrected(question)
        for number in numbers:
            if self.asked[number].question.asks_as(corrected) and self.asked[number].keyed == keyed:
                return number
        numbers.append(len(self.asked))
        self.asked.append(Asked(corrected, version, keyed))
        return numbers[-1]

"""
One version of a quiz as it is offered: its papers, laid out once for all who get them, and its days. No I/O.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.quiz.quizzes.keys import Keys, half_points_max_of
from services.quiz.quizzes.papers import Paper, lay_out, paper_number
from services.quiz.quizzes.record import QuizRecord, Schedule, schedule_of
from services.quiz.quizzes.rules import day_around, day_of

# What the papers of all quizzes may take in memory in a process, each with its questions as JSON. A usual
# quiz takes a few MB. 4,096 papers of 200 long questions would take 3 GB.
PAPERS_BYTES_MAX = 134_217_728
# What a question takes in a paper's key, in addition to its JSON.
KEYED_QUESTION_BYTES = 400


class KeptPapers:
    """
    The memory of prepared papers. If it is full, the papers that were laid out first go.

    Attempts get their papers at random, so no paper is more likely than another to be asked for again.
    """

    def __init__(self, bytes_max: int = PAPERS_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._kept: deque[tuple[dict[int, Paper], Paper]] = deque()
        self.bytes = 0

    def keep(self, papers: dict[int, Paper], paper: Paper) -> None:
        """Put a paper among these papers, and remove what is too much from wherever it is."""
        papers[paper.number] = paper
        self._kept.append((papers, paper))
        self.bytes += _bytes_of(paper)
        while self.bytes > self._bytes_max and self._kept:
            others, first = self._kept.popleft()
            del others[first.number]
            self.bytes -= _bytes_of(first)


def _bytes_of(paper: Paper) -> int:
    return len(paper.questions_json) + KEYED_QUESTION_BYTES * len(paper.key)


@dataclass(slots=True)
class Offered:
    """
    One version of a quiz.

    Attributes:
        keys: those of now, with all corrections of the record.
        half_points_max: what every paper is worth, with all corrections.
        papers: those that are prepared, by their number.
        earlier: the earlier versions that a submission has named, by their number.
        kept: bounds the memory of prepared papers; all quizzes of a process share it.
    """

    record: QuizRecord
    papers: dict[int, Paper] = field(default_factory=dict)
    earlier: "dict[int, Offered]" = field(default_factory=dict)
    kept: KeptPapers = field(default_factory=KeptPapers)
    schedule: Schedule = field(init=False)
    keys: Keys = field(init=False)
    half_points_max: int = field(init=False)
    _day: str = field(init=False, default="")
    _day_begins: datetime = field(init=False)
    _day_ends: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.schedule = schedule_of(self.record.quiz, self.record.closes_at, self.record.status)
        self.keys = Keys(self.record.corrections)
        self.half_points_max = half_points_max_of(self.record.quiz, self.keys)
        self._day_begins = self._day_ends = self.schedule.opens_at

    def in_version(self, number: int | None) -> "Offered | None":
        """The version of this number if it is known; None asks for the present one."""
        if number is None or number == self.record.version:
            return self
        return self.earlier.get(number)

    def day_of(self, moment: datetime) -> str:
        """`rules.day_of`; remembers the last day."""
        if not self._day_begins <= moment < self._day_ends:
            self._day_begins, self._day_ends = day_around(self.record.quiz, moment)
            self._day = day_of(self.record.quiz, moment)
        return self._day

    def paper(self, attempt_id: str) -> Paper:
        """
        The paper of an attempt.

        Raises:
            Rejected: the attempt's id is no UUID.
        """
        quiz = self.record.quiz
        number = paper_number(attempt_id, quiz.papers)
        if (paper := self.papers.get(number)) is None:
            paper = lay_out(self.record.quiz_id, quiz, number, self.keys)
            self.kept.keep(self.papers, paper)
        return paper

    def renewed(self, record: QuizRecord) -> "Offered":
        """The same quiz by a later record; papers of an unchanged definition with unchanged keys stay."""
        is_corrected = record.corrections != self.record.corrections
        known = {**self.earlier, self.record.version: self}
        same = known.pop(record.version, None)
        if same is None and record.quiz.has_papers_of(self.record.quiz):
            # Only words or the close are other ones: papers that are laid out stay as they are.
            same = self
        earlier = {
            number: Offered(
                replace(record, quiz=one.record.quiz, version=number),
                {} if is_corrected else one.papers,
                kept=self.kept,
            )
            for number, one in known.items()
        }
        papers = same.papers if same and not is_corrected else {}
        return Offered(record, papers, earlier, self.kept)

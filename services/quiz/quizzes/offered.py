"""
One version of a quiz as it is offered: its papers, laid out once for all who get them, and its days. No I/O.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from services.quiz.quizzes.papers import Paper, lay_out, paper_number
from services.quiz.quizzes.rules import QuizRecord, Schedule, day_around, day_of, schedule_of


@dataclass(slots=True)
class Offered:
    """
    One version of a quiz.

    Attributes:
        papers: those that somebody has got, by their number.
        earlier: the earlier versions that a submission has named, by their number.
    """

    record: QuizRecord
    papers: dict[int, Paper] = field(default_factory=dict)
    earlier: "dict[int, Offered]" = field(default_factory=dict)
    schedule: Schedule = field(init=False)
    _day: str = field(init=False, default="")
    _day_begins: datetime = field(init=False)
    _day_ends: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.schedule = schedule_of(self.record.quiz, self.record.closes_at)
        self._day_begins = self._day_ends = self.schedule.opens_at

    def version(self, number: int | None) -> "Offered | None":
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
        if number not in self.papers:
            self.papers[number] = lay_out(self.record.quiz_id, quiz, number)
        return self.papers[number]

    def renewed(self, record: QuizRecord) -> "Offered":
        """The same quiz by a later record; papers of an unchanged definition stay."""
        known = {**self.earlier, self.record.version: self}
        same = known.pop(record.version, None)
        earlier = {
            number: Offered(replace(record, quiz=one.record.quiz, version=number), one.papers)
            for number, one in known.items()
        }
        return Offered(record, same.papers if same else {}, earlier)

"""
What the questions of a quiz are worth, and which of them a paper has. All functions are pure.

A paper takes of each line of the blueprint so many questions. No question matches two lines. So every paper
has the questions that each line promises, whichever paper it is. All papers are worth the same: a line whose
questions are drawn has questions of the same worth (docs/decisions/0064-marks.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from services.quiz.quizzes.questions import POINTS_MAX, Question
from services.quiz.scoring.rules import HALF_POINTS_A_POINT, HALF_POINTS_A_QUESTION
from shared.contracts.checked import Line, Ordinal
from shared.contracts.events import Difficulty, MultipleChoice, QuestionKind

# As many as events can say. So the counts of all possible standings fit one document (standings/tally.py).
PAPER_POINTS_MAX = 200
LINES_MAX = 100

PointsOff = Annotated[float, Field(ge=0, le=POINTS_MAX, multiple_of=0.5)]


class PaperLine(BaseModel):
    """So many questions of a topic, and of this difficulty and kind if they are given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: Line
    difficulty: Difficulty | None = None
    kind: QuestionKind | None = None
    count: Ordinal

    def matches(self, question: Question) -> bool:
        """True if a paper may take the question for this line."""
        return (
            question.topic == self.topic
            and self.difficulty in (None, question.difficulty)
            and self.kind in (None, question.kind)
        )

    @property
    def name(self) -> str:
        """How people read the line."""
        return " ".join(filter(None, (self.topic, self.difficulty, self.kind)))


class Marking(NamedTuple):
    """
    What answers are worth in a quiz.

    Attributes:
        points: by kind, of a question that does not say its own.
        wrong_costs: points that a wrong answer costs.
    """

    points: Mapping[QuestionKind, float] = {}
    multiple_choice: MultipleChoice = "partial"
    wrong_costs: float = 0

    def half_points_of(self, question: Question) -> int:
        """What a question is worth."""
        points = question.points
        if points is None:
            points = self.points.get(question.kind)
        return HALF_POINTS_A_QUESTION if points is None else int(HALF_POINTS_A_POINT * points)


USUAL = Marking()


def by_line(lines: Sequence[PaperLine], questions: Iterable[Question]) -> list[list[Question]]:
    """For each line, the questions that match it."""
    of_topic: dict[str, list[Question]] = {}
    for question in questions:
        of_topic.setdefault(question.topic, []).append(question)
    return [[one for one in of_topic.get(line.topic, ()) if line.matches(one)] for line in lines]


def half_points_of_paper(lines: Sequence[PaperLine], questions: Iterable[Question], marking: Marking) -> int:
    """What every paper is worth."""
    whole = 0
    for line, found in zip(lines, by_line(lines, questions), strict=True):
        # If not all are drawn, they are worth the same.
        whole += sum(marking.half_points_of(one) for one in found[: line.count])
    return whole


def in_all_papers(lines: Sequence[PaperLine], questions: Iterable[Question], question_id: str) -> bool:
    """True if every paper has the question."""
    return any(
        line.count == len(found) and any(one.id == question_id for one in found)
        for line, found in zip(lines, by_line(lines, questions), strict=True)
    )


def check_lines(lines: Sequence[PaperLine], questions: Sequence[Question], marking: Marking) -> None:
    """
    Check that every paper can be drawn, and that all papers are worth the same.

    Raises:
        PydanticCustomError: they cannot, or are not.
    """
    seen: set[str] = set()
    for line, found in zip(lines, by_line(lines, questions), strict=True):
        if len(found) < line.count:
            raise PydanticCustomError(
                "blueprint_beyond_bank",
                "the blueprint asks for {count} of {topic}, the bank has {there}",
                {"count": line.count, "topic": line.name, "there": len(found)},
            )
        ids = {one.id for one in found}
        if seen & ids:
            raise PydanticCustomError(
                "lines_overlap",
                "question {question} matches two lines of the blueprint",
                {"question": min(seen & ids)},
            )
        seen |= ids
        if len(found) > line.count and len({marking.half_points_of(one) for one in found}) > 1:
            raise PydanticCustomError(
                "papers_differ",
                "papers would be worth different points: of {topic} not all questions are drawn, and they are"
                " not worth the same",
                {"topic": line.name},
            )
    if half_points_of_paper(lines, questions, marking) > HALF_POINTS_A_POINT * PAPER_POINTS_MAX:
        raise PydanticCustomError(
            "paper_worth_too_much", "a paper may be worth {most} points", {"most": PAPER_POINTS_MAX}
        )

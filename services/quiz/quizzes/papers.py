"""
The papers of a quiz: which questions, in which order. All functions are pure.

Questions are sorted by sha256("{quiz_id}/{number}/{question_id}"). For each line of the blueprint, a paper
has the first questions in this order that match it. So a program in any language draws the same paper from
the published questions.
"""

from collections import deque
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

import msgspec

from services.quiz.quizzes.blueprint import by_line
from services.quiz.quizzes.keys import AS_DEFINED, Keys
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz
from services.quiz.scoring.rules import HALF_POINTS_A_POINT, AnswerKey, KeyedQuestion, answer_key
from shared.runtime.errors import Rejected

UUID_DIGITS = 32
# All 4,096 papers of a version, with 20 questions each, take about a megabyte.
DRAWN_VERSIONS_MAX = 4


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper, ready to be sent (`questions_json`) and to be graded (`answer_key`)."""

    number: int
    key: tuple[KeyedQuestion, ...]
    answer_key: AnswerKey
    half_points_max: int
    question_ids: frozenset[str]
    questions_json: bytes


def paper_number(attempt: str, papers: int) -> int:
    """
    The paper that an attempt gets, 0 to papers - 1.

    Raises:
        Rejected: the attempt's id is no UUID.
    """
    digits = attempt.replace("-", "")
    try:
        # The number that UUID(attempt).int gives, without making a UUID. UUID knows forms of other lengths.
        return (int(digits, 16) if len(digits) == UUID_DIGITS else UUID(attempt).int) % papers
    except ValueError:
        raise Rejected(f"attempt id {attempt!r} is no UUID", code="attempt_unknown") from None


def draw(quiz_id: str, quiz: Quiz, number: int) -> tuple[Question, ...]:
    """The questions of paper `number`, in its order."""

    def place(question: Question) -> bytes:
        return sha256(f"{quiz_id}/{number}/{question.id}".encode()).digest()

    drawn: list[Question] = []
    lines = quiz.paper_lines
    for line, found in zip(lines, by_line(lines, quiz.questions), strict=True):
        drawn += sorted(found, key=place)[: line.count]
    return tuple(sorted(drawn, key=place))


class Drawn:
    """Draws papers and remembers those of the last versions, for who goes through all results repeatedly."""

    def __init__(self) -> None:
        self._versions: deque[tuple[Quiz, dict[int, tuple[Question, ...]]]] = deque(maxlen=DRAWN_VERSIONS_MAX)

    def paper(self, quiz_id: str, quiz: Quiz, number: int) -> tuple[Question, ...]:
        """As `draw`."""
        papers = next((papers for known, papers in self._versions if known is quiz), None)
        if papers is None:
            papers = {}
            self._versions.append((quiz, papers))
        if (paper := papers.get(number)) is None:
            paper = papers[number] = draw(quiz_id, quiz, number)
        return paper


def lay_out(quiz_id: str, quiz: Quiz, number: int, keys: Keys = AS_DEFINED) -> Paper:
    """Draw a paper, shuffle the options of its questions, and serialise it once for all who get it."""
    questions = draw(quiz_id, quiz, number)
    key = tuple(keys.keyed(question, quiz.marking) for question in questions)
    return Paper(
        number=number,
        key=key,
        answer_key=answer_key(key),
        half_points_max=sum(question.worth for question in key),
        question_ids=frozenset(question.id for question in questions),
        questions_json=msgspec.json.encode(
            [
                _shown(quiz_id, number, question, one.worth)
                for question, one in zip(questions, key, strict=True)
            ]
        ),
    )


def _shown(quiz_id: str, number: int, question: Question, worth: int) -> dict[str, object]:
    options = [{"id": option.id, "text": option.text} for option in question.options]
    if question.kind != "true_false":
        # The letters stay with their texts; only their order differs from paper to paper.
        options.sort(
            key=lambda option: sha256(f"{quiz_id}/{number}/{question.id}/{option['id']}".encode()).digest()
        )
    return {
        "id": question.id,
        "topic": question.topic,
        "kind": question.kind,
        "text": question.text,
        "points": worth / HALF_POINTS_A_POINT,
        "options": options,
    }

"""
The papers of a quiz: which questions, in which order. All functions are pure.

Questions are sorted by sha256("{quiz_id}/{number}/{question_id}"). For each line of the blueprint, a paper
has the first questions in this order that match it. So a program in any language draws the same paper from
the published questions.
"""

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
# A drawn paper of 20 questions takes about 200 bytes.
DRAWN_MAX = 16_384


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
    """Draws papers and remembers them, for those who go through all results again and again."""

    def __init__(self, papers_max: int = DRAWN_MAX) -> None:
        self._papers_max = papers_max
        self._papers: dict[tuple[str, int], tuple[Question, ...]] = {}
        # A paper that is remembered is of this definition. There are few: the versions of one or two quizzes.
        self._quizzes: dict[str, Quiz] = {}

    def paper(self, quiz_id: str, version: int, quiz: Quiz, number: int) -> tuple[Question, ...]:
        """As `draw`, for this version of the quiz."""
        of_version = f"{quiz_id}/{version}"
        if self._quizzes.get(of_version) is not quiz:
            self._papers = {key: paper for key, paper in self._papers.items() if key[0] != of_version}
            self._quizzes[of_version] = quiz
        if (paper := self._papers.get((of_version, number))) is None:
            if len(self._papers) >= self._papers_max:
                self._papers.clear()
                self._quizzes = {of_version: quiz}
            paper = self._papers[of_version, number] = draw(quiz_id, quiz, number)
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

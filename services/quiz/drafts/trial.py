"""
A trial: a paper as a participant would get it, and how answers to it would be graded. Nothing is stored.

The paper is drawn, and the answers are marked, by the functions that do it for participants.
"""

from dataclasses import dataclass

import msgspec

from services.quiz.drafts.store import DraftStore
from services.quiz.quizzes.keys import AS_DEFINED, Keys
from services.quiz.quizzes.papers import Paper, draw, lay_out
from services.quiz.quizzes.record import Status
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.store import QuizStore
from services.quiz.review.rules import Reviewed, review
from services.quiz.scoring.rules import mark, passes, score_percent
from shared.runtime.errors import NotFound, Rejected


@dataclass(frozen=True, slots=True)
class Trial:
    """A paper of a quiz; `status` is None of a draft."""

    quiz_id: str
    quiz: Quiz
    status: Status | None
    keys: Keys
    paper: Paper

    @property
    def questions(self) -> list[dict[str, object]]:
        """The questions as participants get them."""
        shown: list[dict[str, object]] = msgspec.json.decode(self.paper.questions_json)
        return shown


@dataclass(frozen=True, slots=True)
class Marked:
    """How answers to a paper would be graded."""

    half_points: int
    half_points_max: int
    passed: bool
    reviewed: list[Reviewed]

    @property
    def score_percent(self) -> int:
        """The points as they are shown."""
        return score_percent(self.half_points, self.half_points_max)


class Trials:
    """Draws papers for organisers, and marks their answers."""

    def __init__(self, drafts: DraftStore, quizzes: QuizStore) -> None:
        self._drafts = drafts
        self._quizzes = quizzes

    async def paper(self, quiz_id: str, number: int) -> Trial:
        """
        A paper of the draft of this name, or else of the published quiz.

        Raises:
            NotFound: there is neither, or the quiz has no such paper.
        """
        quiz, status, keys = await self._quiz(quiz_id)
        if number >= quiz.papers:
            raise NotFound(
                f"quiz {quiz_id} has {quiz.papers} papers: 0 to {quiz.papers - 1}",
                code="paper_unknown",
                papers=quiz.papers,
            )
        return Trial(quiz_id, quiz, status, keys, lay_out(quiz_id, quiz, number, keys))

    async def _quiz(self, quiz_id: str) -> tuple[Quiz, Status | None, Keys]:
        if draft := await self._drafts.read(quiz_id):
            return draft.quiz, None, AS_DEFINED
        if record := await self._quizzes.read(quiz_id):
            return record.quiz, record.status, Keys(record.corrections)
        raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")


def marked(trial: Trial, answers: dict[str, str]) -> Marked:
    """
    How these answers would be graded.

    Raises:
        Rejected: an answer is to a question that is not on this paper.
    """
    paper = trial.paper
    if not answers.keys() <= paper.question_ids:
        raise Rejected("an answer is to a question that is not on this paper", code="question_unknown")
    half_points, packed_answers = mark(answers, paper.answer_key)
    drawn = draw(trial.quiz_id, trial.quiz, paper.number)
    passed = passes(half_points, paper.half_points_max, trial.quiz.pass_percent)
    return Marked(half_points, paper.half_points_max, passed, review(drawn, packed_answers, trial.keys))

"""
The keys of a quiz as they are now: those of its definition, and what organisers have corrected since. No I/O.
"""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from services.quiz.quizzes.blueprint import USUAL, Marking, half_points_of_paper
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.record import Correction
from services.quiz.quizzes.rules import Quiz
from services.quiz.scoring.rules import HALF_POINTS_A_POINT, KeyedQuestion


def keyed(question: Question, marking: Marking = USUAL) -> KeyedQuestion:
    """The parts of a question that scoring needs."""
    return KeyedQuestion(
        question.id,
        question.key,
        question.kind == "multiple",
        worth=marking.half_points_of(question),
        policy=marking.multiple_choice,
        wrong_costs=int(HALF_POINTS_A_POINT * marking.wrong_costs),
    )


def asked(question: Question) -> str:
    """
    The digest of a question as participants read it.

    An earlier version of the quiz may ask something else under the same id.
    """
    read = (question.kind, question.text, [(option.id, option.text) for option in question.options])
    return sha256(msgspec.json.encode(read)).hexdigest()[:32]


class Keys:
    """
    The keys of the questions of a quiz, in all its versions.

    Args:
        corrections: in order; of one question the last one counts.
    """

    def __init__(self, corrections: Sequence[Correction] = ()) -> None:
        self._last = {(one.question_id, one.asked): one for one in corrections}
        self._ids = {one.question_id for one in corrections}

    def correction_of(self, question: Question) -> Correction | None:
        """The last correction of a question, if there is one."""
        # The digest is only made for those that were corrected.
        return self._last.get((question.id, asked(question))) if question.id in self._ids else None

    def corrected(self, question: Question) -> Question:
        """The question with key and points of now; a cancelled one keeps its key."""
        correction = self.correction_of(question)
        if correction is None:
            return question
        changes: dict[str, object] = {} if correction.key is None else {"key": correction.key}
        if correction.taken_out or correction.points is not None:
            changes["points"] = 0 if correction.taken_out else correction.points
        return question.model_copy(update=changes) if changes else question

    def is_cancelled(self, question: Question) -> bool:
        """Whether everybody who has the question gets its points; also if it is taken out."""
        correction = self.correction_of(question)
        return correction is not None and correction.key is None

    def keyed(self, question: Question, marking: Marking = USUAL) -> KeyedQuestion:
        """The parts of a question that scoring needs."""
        return keyed(self.corrected(question), marking)._replace(cancelled=self.is_cancelled(question))


def half_points_max_of(quiz: Quiz, keys: Keys) -> int:
    """What every paper of a quiz is worth now."""
    return half_points_of_paper(quiz.paper_lines, map(keys.corrected, quiz.questions), quiz.marking)


AS_DEFINED = Keys()

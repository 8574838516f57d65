"""The answers in a request's body: read, and compared with the paper."""

from itertools import combinations
from typing import Annotated

import msgspec

from services.quiz.attempts.submission import Answers, answered
from services.quiz.quizzes.papers import Paper
from shared.runtime.errors import Rejected

REVISION_MAX = 2**53
_LETTERS = "ABCDEFGH"
# All answers with their letters in alphabetical order. Other orders are valid too; they take the slow check.
_USUAL = frozenset("".join(chosen) for several in range(1, 9) for chosen in combinations(_LETTERS, several))


class _Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`submission.Answered` without its patterns, which cost more than everything else in intake."""

    answers: dict[str, str]


class _Saved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a save; `bodies.SavedIn` of the room `saving` is its public form."""

    answers: dict[str, str]
    revision: Annotated[int, msgspec.Meta(ge=1, le=REVISION_MAX)]


_sheet = msgspec.json.Decoder(_Sheet)
_saved = msgspec.json.Decoder(_Saved)


def answers_of(body: bytes, paper: Paper) -> Answers:
    """
    The answers of a submission's body.

    Raises:
        Rejected: the body cannot be read, or a question is not on the paper.
    """
    try:
        answers = _sheet.decode(body).answers
        # The ids of the paper's questions are valid, and not too many.
        if not (answers.keys() <= paper.question_ids and _USUAL.issuperset(answers.values())):
            answers = answered.decode(body).answers
            _check_on_paper(answers, paper)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable(error) from None
    # Ids and letters have no colons. In valid answers each colon follows a key.
    if body.count(b":") != len(answers) + 1:
        raise _doubled()
    return answers


def saved_of(body: bytes, paper: Paper) -> tuple[Answers, int]:
    """
    The answers of a save's body, and their revision.

    Raises:
        Rejected: the body cannot be read, or a question is not on the paper.
    """
    try:
        saved = _saved.decode(body)
        answers = saved.answers
        if not (answers.keys() <= paper.question_ids and _USUAL.issuperset(answers.values())):
            answers = answered.decode(msgspec.json.encode({"answers": answers})).answers
            _check_on_paper(answers, paper)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable(error) from None
    if body.count(b":") != len(answers) + 2:
        raise _doubled()
    return answers, saved.revision


def _check_on_paper(answers: Answers, paper: Paper) -> None:
    if not answers.keys() <= paper.question_ids:
        raise Rejected("an answer is to a question that is not on this paper", code="question_unknown")


def _unreadable(error: Exception) -> Rejected:
    # msgspec names the place and the expectation, never the value; a decode error quotes bytes.
    why = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
    return Rejected(f"the answers cannot be read: {why}", code="submission_malformed")


def _doubled() -> Rejected:
    return Rejected("the answers cannot be read: a key stands twice", code="submission_malformed")

"""
Submissions as structs: as they come in over HTTP, and as the log has them.

A struct of msgspec is decoded in a third of the time of the public contract, which is a pydantic model, and
there are thousands of submissions. If a struct refuses a body, the contract decides. So both accept the same
bodies: tests/quiz/attempts/test_submission.py proves that the struct accepts no more.

One match checks all ids, and one match all letters: forty single matches took four fifths of the decoding.
Ids of questions and letters that were found right are remembered, and are not matched again. Of a time, only
the year is checked. If the contract would write a district in another way, the contract decodes the
submission.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from shared.contracts.checked import ID_PATTERN, LINE_CHARS_MAX, YEARS, line
from shared.contracts.envelope import decoder
from shared.contracts.events import ANSWER_PATTERN, ANSWERS_MAX, QuizSubmitted
from shared.runtime.errors import Rejected

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=LINE_CHARS_MAX)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Version = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Answers = Annotated[dict[str, str], msgspec.Meta(max_length=ANSWERS_MAX)]


def _lines(pattern: str) -> re.Pattern[str]:
    one = pattern.removeprefix("^").removesuffix("$")
    return re.compile(rf"{one}(?:\n{one})*")


_IDS, _LETTERS = _lines(ID_PATTERN), _lines(ANSWER_PATTERN)
# A bank has some thousands of questions. There are far fewer combinations of letters.
RIGHT_TEXTS_MAX = 20_000
_right_ids: set[str] = set()
_right_letters: set[str] = set()


def _check(texts: Collection[str], pattern: re.Pattern[str]) -> None:
    if texts:
        lines = "\n".join(texts)
        # The lines are counted too: a line end within a text would make two lines of it.
        if lines.count("\n") != len(texts) - 1 or not pattern.fullmatch(lines):
            raise ValueError("an id, or the letters of an answer, are not of their form")


def _check_answers(answers: dict[str, str]) -> None:
    """Check the ids of questions, and the letters of the answers."""
    for texts, right, pattern in (
        (answers, _right_ids, _IDS),
        (answers.values(), _right_letters, _LETTERS),
    ):
        if not right.issuperset(texts):
            _check(texts, pattern)
            if len(right) + len(texts) > RIGHT_TEXTS_MAX:
                # Somebody sends ids that the bank does not have. The ids of the bank are soon there again.
                right.clear()
            right.update(texts)


# Unknown fields are forbidden, since msgspec skips them without a check that they are JSON and UTF-8. A
# record of the log then goes to the public contract, which ignores them if they are valid.
class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a submission over HTTP; `bodies.AnswersIn` is its public form."""

    answers: Answers

    def __post_init__(self) -> None:
        _check_answers(self.answers)


class Submission(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`shared.contracts.events.QuizSubmitted`, field by field."""

    attempt_id: str
    quiz_id: str
    participant_id: str
    number: Annotated[int, msgspec.Meta(ge=1, le=100)]
    started_at: Moment
    submitted_at: Moment
    answers: Answers
    group_id: str | None = None
    district: Line | None = None
    quiz_version: Version | None = None
    automatic: bool = False


# A time of these years has a valid year in every time zone.
_PLAIN_YEARS = range(YEARS[0] + 1, YEARS[-1])


class _Received(Submission, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    A submission read from the log. Another system may have written it, so everything is checked here. Intake
    makes a `Submission` from parts that are checked already.
    """

    def __post_init__(self) -> None:
        ids = [self.attempt_id, self.quiz_id, self.participant_id]
        if self.group_id is not None:
            ids.append(self.group_id)
        _check(ids, _IDS)
        _check_answers(self.answers)
        if self.started_at.year not in _PLAIN_YEARS or self.submitted_at.year not in _PLAIN_YEARS:
            raise ValueError("the contract decides on a time at the edge of the years")
        if self.district is not None and line(self.district) != self.district:
            raise ValueError("the contract writes this district in another way")


answered = msgspec.json.Decoder(Answered)
submission: msgspec.json.Decoder[Submission] = msgspec.json.Decoder(_Received)
encoder = msgspec.json.Encoder()
_by_contract = decoder(QuizSubmitted)


def decode(values: Sequence[bytes]) -> list[Submission]:
    """
    The submissions of many values, in order.

    Raises:
        Rejected: the public contract refuses one of them.
    """
    return [_decode(value) for value in values]


def _decode(value: bytes) -> Submission:
    try:
        return submission.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        event = _by_contract([value])[0]
    try:
        return msgspec.convert(event, Submission, from_attributes=True)
    except msgspec.ValidationError as error:
        # This should never happen: the struct is stricter than the contract. Reject only this record.
        raise Rejected(f"the submission cannot be read: {error}", code="bad_body") from None

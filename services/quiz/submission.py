"""
Answers as they come in over HTTP and from the log: fast structs beside the public contract.

msgspec decodes a submission in a third of pydantic's time, and this is the one event
that comes in by the thousand. What the struct refuses is judged again by the contract,
so both take the same bodies; tests/quiz/test_submission.py proves the struct no laxer.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from shared.consumer import decoder
from shared.events import ANSWER_PATTERN, ANSWERS_MAX, ID_PATTERN, QuizSubmitted

# msgspec asks Python's re, whose $ lets a line end through; pydantic's does not.
Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN.replace("$", r"\Z"))]
Letters = Annotated[str, msgspec.Meta(pattern=ANSWER_PATTERN.replace("$", r"\Z"))]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Answers = Annotated[dict[Id, Letters], msgspec.Meta(max_length=ANSWERS_MAX)]


# Unknown fields are forbidden because msgspec skips them without checking that they are
# JSON and UTF-8. In the log the public contract then judges: it ignores them where they are sound.
class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a submission over HTTP; `bodies.AnswersIn` is its public form."""

    answers: Answers


class Submission(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`shared.events.QuizSubmitted`, field by field."""

    attempt_id: Id
    quiz_id: Id
    participant_id: Id
    number: Annotated[int, msgspec.Meta(ge=1, le=100)]
    started_at: Moment
    submitted_at: Moment
    answers: Answers
    group_id: Id | None = None
    district: Line | None = None


answered = msgspec.json.Decoder(Answered)
submission = msgspec.json.Decoder(Submission)
encoder = msgspec.json.Encoder()
_by_contract = decoder(QuizSubmitted)


def decode(values: Sequence[bytes]) -> list[Submission]:
    """
    The submissions of many values, in order.

    Raises:
        Rejected: one of them is none by the public contract.
    """
    return [_decode(value) for value in values]


def _decode(value: bytes) -> Submission:
    try:
        return submission.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.convert(_by_contract([value])[0], Submission, from_attributes=True)

"""A file of questions that an organiser uploaded, and what it would do to the bank. All is pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from services.quiz.bank.check import Good, in_order
from services.quiz.bank.rules import QUESTION_VERSIONS_MAX, BankQuestion, Entry
from services.quiz.formats.rules import Format, LeftOut, Problem
from shared.runtime.errors import Conflict, NotFound

# Files of one key that wait for a confirmation.
BANK_PREVIEWS_OF_A_KEY_MAX = 20
# Those of all keys, and their bytes: as much as 25 of the largest files.
BANK_PREVIEWS_MAX = 400
BANK_PREVIEWS_BYTES_MAX = 268_435_456
BANK_PREVIEW_HOURS = 24
BANK_PREVIEW_KEPT = timedelta(hours=BANK_PREVIEW_HOURS)
# After it was imported, an import shows its counts for this time.
BANK_IMPORT_DAYS_KEPT = 30
BANK_IMPORT_KEPT = timedelta(days=BANK_IMPORT_DAYS_KEPT)
# All problems of a file with some for each question; a file with more is of another kind.
PROBLEMS_KEPT = 5_000

ImportStatus = Literal["previewed", "imported"]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """
    A file that an organiser uploaded.

    Attributes:
        problems: the first `PROBLEMS_KEPT`, in the order of the lines.
        bad: how many questions have a problem.
        added, changed, unchanged: what the good questions would do, or did.
        left_out: how often the file says something that a question here has no place for.
        questions: those that would be added or changed; none any more once they are in the bank.
        size_bytes: about what a preview takes in the database.
    """

    import_id: str
    format: Format
    uploaded_at: datetime
    uploaded_by: str
    status: ImportStatus
    problems: list[Problem]
    problems_count: int
    bad: int
    added: int
    changed: int
    unchanged: int
    left_out: dict[LeftOut, int]
    expires_at: datetime
    questions: bytes = b""
    imported_by: str | None = None
    size_bytes: int = 0


class Previewed(NamedTuple):
    """A question that a preview would add or change, as it was read from a line of the file."""

    place: int
    line: int
    part: str | None
    is_new: bool
    question: BankQuestion


class Kept(NamedTuple):
    """A preview that waits for its confirmation, by whom, and about how large it is."""

    import_id: str
    who: str
    size_bytes: int


class Compared(msgspec.Struct, frozen=True):
    """What the good questions of a file would do."""

    added: list[Good]
    changed: list[Good]
    unchanged: int
    problems: list[Problem]


def compare(good: Sequence[Good], by_id: Mapping[str, Entry], by_text: Mapping[str, Entry]) -> Compared:
    """
    Compare the questions of a file with those of the bank.

    A question whose id the file says is the bank's question of this id. Another one is new, unless the bank
    has exactly the same.
    """
    compared = Compared([], [], 0, [])
    unchanged = 0
    for one in good:
        before = by_id.get(one.question.id) if one.named else None
        same_text = by_text.get(one.text_key)
        code, other = None, before or same_text
        if _is_there(one, before, same_text):
            unchanged += 1
        elif same_text is not None and same_text != before:
            code, other = "text_in_bank", same_text
        elif before is None:
            compared.added.append(one)
        elif before.status == "retired":
            code = "question_retired"
        elif before.version >= QUESTION_VERSIONS_MAX:
            code = "versions_too_many"
        else:
            compared.changed.append(one)
        if code and other:
            values = {"question_id": other.question_id}
            compared.problems.append(Problem(one.line, code, values, one.part))
    return msgspec.structs.replace(compared, unchanged=unchanged)


def _is_there(one: Good, before: Entry | None, same_text: Entry | None) -> bool:
    if one.named:
        return before is not None and before.question == one.question
    named = {"id": same_text.question_id} if same_text else {}
    return same_text is not None and same_text.question == one.question.model_copy(update=named)


def check_place(kept: Sequence[Kept], who: str) -> None:
    """
    Check that one more file of this key may wait for a confirmation.

    Raises:
        Conflict: `BANK_PREVIEWS_OF_A_KEY_MAX` wait already.
    """
    if sum(1 for one in kept if one.who == who) >= BANK_PREVIEWS_OF_A_KEY_MAX:
        raise Conflict(
            f"{BANK_PREVIEWS_OF_A_KEY_MAX} of your files wait for a confirmation; confirm one or delete it",
            code="bank_previews_too_many",
            most=BANK_PREVIEWS_OF_A_KEY_MAX,
        )


def giving_way(kept: Sequence[Kept], new: Kept) -> list[str]:
    """
    The previews that are deleted in favour of a new one, if all together would be too many or too large.

    The oldest of whoever has most gives way. If the new one's key has as much as any, it is one of its own.

    Args:
        kept: the oldest first.
    Raises:
        Conflict: the key has `BANK_PREVIEWS_OF_A_KEY_MAX` already.
    """
    check_place(kept, new.who)
    left = [*kept, new]
    gone: list[str] = []
    while True:
        if sum(one.size_bytes for one in left) > BANK_PREVIEWS_BYTES_MAX:
            shares = Counter[str]()
            for one in left:
                shares[one.who] += one.size_bytes
        elif len(left) > BANK_PREVIEWS_MAX:
            shares = Counter(one.who for one in left)
        else:
            return gone
        most = max(shares, key=lambda who: (shares[who], who == new.who))
        oldest = next(one for one in left if one.who == most)
        left.remove(oldest)
        gone.append(oldest.import_id)


def bad_questions(problems: Sequence[Problem]) -> int:
    """How many questions have a problem."""
    return len({(one.part, one.line) for one in problems})


def all_problems(first: Sequence[Problem], others: Sequence[Problem]) -> list[Problem]:
    """The problems in the order of the lines."""
    return in_order([*first, *others])


def check_problems(preview: Import, *, skip_problems: bool) -> None:
    """
    Check that a preview may be imported in spite of its problems.

    Raises:
        Conflict: it has some, and the organiser does not say to leave these questions out.
    """
    if preview.bad and not skip_problems:
        raise Conflict(
            f"{preview.bad} questions have a problem; correct the file, or say to leave them out",
            code="import_has_problems",
            count=preview.bad,
        )


def never_imported(preview: Import, compared: Compared) -> Conflict | None:
    """
    The refusal of a preview that cannot be imported any more; None: it can.

    No question would be added or changed, or the questions would not do any more what the preview says.
    """
    if not preview.added and not preview.changed:
        return Conflict("the file would change nothing", code="import_changes_nothing")
    if (len(compared.added), len(compared.changed)) != (preview.added, preview.changed):
        return Conflict(
            "the bank has changed since the preview; upload the file again", code="import_outdated"
        )
    return None


def import_unknown(import_id: str) -> NotFound:
    """The refusal of an import that is not there."""
    return NotFound(f"there is no import {import_id}", code="import_unknown")


def import_is_done(import_id: str) -> Conflict:
    """The refusal to delete what is in the bank already."""
    return Conflict(f"import {import_id} is in the bank already", code="import_done")

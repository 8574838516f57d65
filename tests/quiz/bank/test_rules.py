"""Questions of the bank: versions, review by somebody else, retirement, and what a quiz takes."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from services.quiz.bank.rules import (
    BANK_QUESTIONS_MAX,
    PAGE_CHARS_MAX,
    QUESTION_VERSIONS_MAX,
    check_room,
    for_quiz,
    put,
    restored,
    retired,
    reviewed,
    text_key,
)
from services.quiz.quizzes.questions import Question
from shared.runtime.errors import Conflict, NotFound, Outdated, Rejected
from tests.quiz.bank.builders import bank_question

NOW = datetime(2026, 5, 20, 4, tzinfo=UTC)


def code(refused: pytest.ExceptionInfo[Rejected]) -> str:
    return refused.value.code


def test_a_change_is_a_new_version_and_a_draft_and_the_same_again_changes_nothing() -> None:
    first = put(None, bank_question(), "writer", NOW)
    assert (first.version, first.status, first.author) == (1, "draft", "writer")
    seen = reviewed(first, 1, "reviewer", NOW)
    assert put(seen, bank_question(), "writer", NOW) is seen
    second = put(seen, bank_question(key="A"), "other", NOW)
    assert (second.version, second.status, second.author) == (2, "draft", "other")
    assert second.reviewed_by is None
    assert second.revision > seen.revision > first.revision


def test_whoever_wrote_a_version_cannot_review_it() -> None:
    entry = put(None, bank_question(), "writer", NOW)
    with pytest.raises(Conflict) as refused:
        reviewed(entry, 1, "writer", NOW)
    assert code(refused) == "review_by_author"
    seen = reviewed(entry, 1, "reviewer", NOW)
    assert (seen.status, seen.reviewed_by) == ("reviewed", "reviewer")
    assert reviewed(seen, 1, "third", NOW) is seen


def test_a_review_is_of_the_version_that_was_read() -> None:
    entry = put(put(None, bank_question(), "writer", NOW), bank_question(key="A"), "writer", NOW)
    with pytest.raises(Outdated) as refused:
        reviewed(entry, 1, "reviewer", NOW)
    assert code(refused) == "question_version_differs"


def test_a_quiz_takes_reviewed_questions_alone() -> None:
    draft = put(None, bank_question(), "writer", NOW)
    seen = reviewed(draft, 1, "reviewer", NOW)
    taken = for_quiz(seen, "q1", 1)
    assert type(taken) is Question
    assert taken == for_quiz(seen, "q1", None)
    for entry, version, kind, expected in (
        (None, None, NotFound, "bank_question_unknown"),
        (draft, 1, Conflict, "question_not_reviewed"),
        (seen, 2, Outdated, "question_version_differs"),
        (retired(seen, "writer"), 1, Conflict, "question_retired"),
    ):
        with pytest.raises(kind) as refused:
            for_quiz(entry, "q1", version)
        assert code(refused) == expected


def test_a_retired_question_stays_as_it_is_until_it_is_restored_as_a_draft() -> None:
    seen = reviewed(put(None, bank_question(), "writer", NOW), 1, "reviewer", NOW)
    gone = retired(seen, "writer")
    assert retired(gone, "other") is gone
    with pytest.raises(Conflict) as refused:
        put(gone, bank_question(key="A"), "writer", NOW)
    assert code(refused) == "question_retired"
    with pytest.raises(Conflict) as refused:
        reviewed(gone, 1, "reviewer", NOW)
    assert code(refused) == "question_retired"
    back = restored(gone)
    assert (back.status, back.version, back.reviewed_by) == ("draft", 1, None)
    assert restored(back) is back


def test_versions_and_questions_have_a_bound() -> None:
    entry = put(None, bank_question(), "writer", NOW)
    for _ in range(1, QUESTION_VERSIONS_MAX):
        entry = put(entry, bank_question(key="A" if entry.question.key == "B" else "B"), "writer", NOW)
    with pytest.raises(Conflict) as refused:
        put(entry, bank_question(explanation="more"), "writer", NOW)
    assert code(refused) == "question_versions_too_many"
    check_room(BANK_QUESTIONS_MAX - 1, 1)
    with pytest.raises(Conflict) as refused:
        check_room(BANK_QUESTIONS_MAX - 1, 2)
    assert code(refused) == "bank_full"


def test_texts_that_readers_cannot_tell_apart_are_the_same() -> None:
    one, other = bank_question(text="ＣＯ２  是 Gas？"), bank_question(text="co2 是 gas？")
    assert text_key(one) == text_key(other) != text_key(bank_question(text="CO² 是 Gas？"))


def test_a_text_fits_a_page_and_has_no_spaces_around_it() -> None:
    assert bank_question(text="  离太阳最近？\n").text == "离太阳最近？"
    with pytest.raises(ValidationError):
        bank_question(text="题" * (PAGE_CHARS_MAX + 1))

"""Papers are laid out once for all who get them, as long as there is room for them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.quiz.quizzes.blueprint import PaperLine
from services.quiz.quizzes.offered import KEYED_QUESTION_BYTES, KeptPapers, Offered
from services.quiz.quizzes.papers import Paper, lay_out
from services.quiz.quizzes.questions import UNASKED, Question
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.rules import OFF_PAPER, Quiz, QuizId
from shared.runtime import clock
from tests.quiz.builders import question, quiz


def offered(quiz_id: str, of: Quiz, kept: KeptPapers) -> Offered:
    closes_at = clock.now() + timedelta(hours=1)
    return Offered(QuizRecord(QuizId(quiz_id), of, "open", closes_at, 1), kept=kept)


def bytes_of(*quizzes: Offered) -> int:
    papers = [paper for one in quizzes for paper in one.papers.values()]
    return sum(len(paper.questions_json) + KEYED_QUESTION_BYTES * len(paper.key) for paper in papers)


def test_a_paper_is_laid_out_once() -> None:
    one, attempt = offered("contest", quiz(), KeptPapers()), str(uuid4())
    assert one.paper(attempt) is one.paper(attempt)
    assert one.renewed(one.record).paper(attempt) is one.paper(attempt)


@pytest.mark.parametrize("papers_kept", [0.5, 3.5])
def test_the_papers_of_all_quizzes_have_one_bound_in_bytes(papers_kept: float) -> None:
    of = quiz(papers=64)
    a_paper = len(lay_out("first", of, 0).questions_json) + KEYED_QUESTION_BYTES * of.questions_a_paper
    kept = KeptPapers(bytes_max=int(a_paper * papers_kept))
    quizzes = [offered("first", of, kept), offered("other", of, kept)]
    for number in range(128):
        one = quizzes[number % 2]
        # As an id, a number is the number of its paper.
        paper = one.paper(f"{number % 64:032x}")
        assert paper == lay_out(one.record.quiz_id, of, number % 64)
        assert bytes_of(*quizzes) == kept.bytes <= int(a_paper * papers_kept)
    assert len(quizzes[0].papers) + len(quizzes[1].papers) == int(papers_kept)


def test_earlier_versions_and_later_records_share_the_bound() -> None:
    of = quiz(papers=64)
    kept = KeptPapers()
    first = offered("contest", of, kept)
    first.paper("0" * 32)
    other = of.model_copy(update={"papers": 63})
    second = first.renewed(QuizRecord(first.record.quiz_id, other, "open", first.record.closes_at, 2))
    second.paper("0" * 32)
    earlier = second.in_version(1)
    assert earlier is not None
    earlier.paper("1" * 32)
    assert kept.bytes == bytes_of(second, earlier)


def test_a_version_with_other_words_has_the_papers_of_the_one_before() -> None:
    of = quiz(papers=64)
    kept = KeptPapers()
    first = offered("contest", of, kept)
    paper = first.paper("0" * 32)
    explained = tuple(one.model_copy(update={"explanation": "因为"}) for one in of.questions)
    other = of.model_copy(update={"title": "另一个名称", "questions": explained})
    second = first.renewed(QuizRecord(first.record.quiz_id, other, "open", first.record.closes_at, 2))
    assert second.paper("0" * 32) is paper
    assert kept.bytes == bytes_of(second)
    keyed = tuple(one.model_copy(update={"key": "B"}) for one in of.questions)
    third = second.renewed(
        QuizRecord(
            first.record.quiz_id,
            of.model_copy(update={"questions": keyed}),
            "open",
            first.record.closes_at,
            3,
        )
    )
    assert third.paper("0" * 32) is not paper


# Every field, with another value.
OTHER_QUIZ: dict[str, Any] = {
    "title": "另一个名称",
    "opens_at": clock.now() - timedelta(hours=2),
    "closes_at": clock.now() + timedelta(hours=2),
    "timezone": "Europe/Berlin",
    "duration_seconds": 300,
    "grace_seconds": 0,
    "attempts_per_day": 3,
    "admits": "roster",
    "shows_scores": "at_close",
    "ties": "shared",
    "counts": "last",
    "pass_percent": 90,
    "least_plausible_seconds": 10,
    "papers": 4,
    "blueprint": {"天文": 2, "健康": 3},
    "lines": (PaperLine(topic="健康", difficulty="hard", count=1),),
    "points": {"single": 3},
    "multiple_choice": "all_or_nothing",
    "wrong_costs": 0.5,
    "questions": tuple(question(n + 20, "天文" if n < 6 else "健康") for n in range(10)),
}
OTHER_QUESTION: dict[str, Any] = {
    "id": "q77",
    "topic": "健康",
    "kind": "multiple",
    "text": "另一题？",
    "options": question(7).options,
    "key": "B",
    "explanation": "因为",
    "source": "某书",
    "points": 2,
    "difficulty": "hard",
}


def all_papers(of: Quiz) -> list[Paper]:
    return [lay_out("contest", of, number) for number in range(of.papers)]


@pytest.mark.parametrize("name", Quiz.model_fields)
def test_each_field_of_a_quiz_is_named_as_harmless_or_makes_new_papers(name: str) -> None:
    of = quiz()
    other = of.model_copy(update={name: OTHER_QUIZ[name]})
    assert other.has_papers_of(of) == (name in OFF_PAPER)
    if name in OFF_PAPER:
        assert all_papers(other) == all_papers(of)


@pytest.mark.parametrize("name", Question.model_fields)
def test_each_field_of_a_question_is_named_as_harmless_or_makes_new_papers(name: str) -> None:
    of = quiz()
    first, *rest = of.questions
    changed = first.model_copy(update={name: OTHER_QUESTION[name]})
    other = of.model_copy(update={"questions": (changed, *rest)})
    assert other.has_papers_of(of) == (name in UNASKED)
    if name in UNASKED:
        assert all_papers(other) == all_papers(of)
    # Participants read neither points of its own nor the difficulty in a question.
    assert changed.asks_as(first) == (name in {*UNASKED, "points", "difficulty"})


def test_a_version_that_marks_otherwise_has_papers_of_its_own() -> None:
    of, kept = quiz(papers=1), KeptPapers()
    first = offered("contest", of, kept)
    before = first.paper("0" * 32)
    worth = tuple(one.model_copy(update={"points": 2}) for one in of.questions)
    costs: list[dict[str, Any]] = [{"wrong_costs": 0.5}, {"questions": worth}, {"points": {"single": 2}}]
    for change in costs:
        other = of.model_copy(update=change)
        second = first.renewed(QuizRecord(first.record.quiz_id, other, "open", first.record.closes_at, 2))
        assert second.paper("0" * 32) == lay_out("contest", other, 0) != before

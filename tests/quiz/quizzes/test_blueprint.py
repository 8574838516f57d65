"""What questions are worth, and papers by topic, difficulty and kind."""

import json
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ops.audit.papers import paper_of
from services.quiz.quizzes.events import published
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.papers import draw, lay_out
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.rules import Quiz, QuizId
from tests.quiz.builders import question, quiz

NOW = datetime(2026, 9, 1, tzinfo=UTC)
TOPICS, LEVELS = ["天文", "健康"], ["easy", "medium", "hard"]


def of_level(number: int, topic: str, difficulty: str, points: float | None = None) -> Question:
    changes = {"difficulty": difficulty, "points": points}
    return question(number, topic).model_copy(update=changes)


@st.composite
def quizzes(draw: st.DrawFn) -> Quiz:
    """Quizzes with any lines that do not overlap; what is drawn of a line is worth the same."""
    found = draw(
        st.lists(st.tuples(st.sampled_from(TOPICS), st.sampled_from(LEVELS)), min_size=1, max_size=30)
    )
    lines = []
    questions = []
    points: dict[object, float] = {}
    by_topic = {topic: draw(st.booleans()) for topic in TOPICS}
    there = Counter((topic, None if by_topic[topic] else level) for topic, level in found)
    for (topic, difficulty), many in there.items():
        lines.append({"topic": topic, "difficulty": difficulty, "count": draw(st.integers(1, many))})
        points[topic, difficulty] = draw(st.sampled_from([0.5, 1, 2.5]))
    for n, (topic, difficulty) in enumerate(found):
        worth = points[topic, None if by_topic[topic] else difficulty]
        questions.append(of_level(n, topic, difficulty, worth))
    return quiz(blueprint={}, lines=lines, questions=tuple(questions), papers=64)


def drawn_elsewhere(told: dict[str, Any], paper: int) -> set[str]:
    """The published rule of `QuizPublished`, from the event's JSON alone."""
    ids: set[str] = set()
    for line in told["lines"]:
        of_line = [
            one["id"]
            for one in told["questions"]
            if all(line[name] in (None, one[name]) for name in ("topic_name", "difficulty", "kind"))
        ]
        of_line.sort(key=lambda id_: sha256(f"{told['quiz_id']}/{paper}/{id_}".encode()).hexdigest())
        ids.update(of_line[: line["count"]])
    return ids


@settings(max_examples=40)
@given(quizzes(), st.integers(0, 63))
def test_every_paper_has_what_the_lines_promise_and_is_worth_the_same(of: Quiz, number: int) -> None:
    drawn = draw("contest", of, number)
    for line in of.lines:
        assert sum(line.matches(one) for one in drawn) == line.count
    assert len({one.id for one in drawn}) == len(drawn) == of.questions_a_paper
    paper = lay_out("contest", of, number)
    assert paper.half_points_max == of.half_points_max
    offered = Offered(QuizRecord(QuizId("contest"), of, "open", of.closes_at, 1))
    assert offered.half_points_max == paper.half_points_max
    shown = json.loads(paper.questions_json)
    assert [one["points"] for one in shown] == [one.points for one in drawn]


@settings(max_examples=40)
@given(quizzes(), st.integers(0, 63))
def test_another_system_and_the_audit_draw_the_same_from_the_event_alone(of: Quiz, number: int) -> None:
    told = json.loads(published("contest", of, 1, NOW).event.model_dump_json())
    ids = lay_out("contest", of, number).question_ids
    assert drawn_elsewhere(told, number) == ids
    attempt = f"00000000-0000-0000-0000-{number:012x}"
    assert {one["id"] for one in paper_of(told, attempt)} == ids
    assert told["blueprint"] == {}, "nobody who does not know lines draws other papers"


def test_a_line_may_ask_for_a_kind() -> None:
    of = quiz(
        blueprint={},
        lines=[
            {"topic": "天文", "kind": "multiple", "count": 2},
            {"topic": "天文", "kind": "single", "count": 1},
        ],
        questions=tuple(question(n, kind="single" if n < 3 else "multiple") for n in range(7)),
    )
    for number in range(16):
        assert Counter(one.kind for one in draw("one", of, number)) == {"multiple": 2, "single": 1}


def test_what_a_question_is_worth_is_its_own_or_that_of_its_kind() -> None:
    of = quiz(
        questions=(
            question(0).model_copy(update={"points": 3}),
            question(1),
            question(2, kind="multiple"),
            question(3, kind="true_false"),
        ),
        blueprint={"天文": 4},
        points={"multiple": 2, "true_false": 0.5},
    )
    assert [of.marking.half_points_of(one) for one in of.questions] == [6, 2, 4, 1]
    assert of.half_points_max == 13
    told = published("one", of, 1, NOW).event
    assert [one.points for one in told.questions] == [3, 1, 2, 0.5]


EASY, HARD = of_level(0, "天文", "easy"), of_level(1, "天文", "hard")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lines": [{"topic": "天文", "difficulty": "hard", "count": 2}]}, "blueprint_beyond_bank"),
        (
            {"lines": [{"topic": "天文", "count": 1}, {"topic": "天文", "difficulty": "easy", "count": 1}]},
            "lines_overlap",
        ),
        ({"blueprint": {"天文": 1}, "lines": [{"topic": "天文", "count": 1}]}, "blueprint_or_lines"),
        ({"lines": []}, "blueprint_or_lines"),
        (
            {"lines": [{"topic": "天文", "count": 1}], "questions": (of_level(0, "天文", "easy", 2), HARD)},
            "papers_differ",
        ),
        (
            {
                "lines": [{"topic": "天文", "count": 11}],
                "questions": tuple(question(n) for n in range(11)),
                "points": {"single": 20},
            },
            "paper_worth_too_much",
        ),
        ({"points": {"single": 0.3}}, "multiple_of"),
        ({"points": {"single": 20.5}}, "less_than_equal"),
        ({"points": {"single": 0}}, "greater_than_equal"),
        ({"wrong_costs": -1}, "greater_than_equal"),
        ({"multiple_choice": "generous"}, "literal_error"),
    ],
)
def test_papers_that_cannot_be_drawn_or_compared_are_refused(changes: dict[str, object], code: str) -> None:
    usual = {"blueprint": {}, "questions": (EASY, HARD), "lines": [{"topic": "天文", "count": 2}]}
    with pytest.raises(ValidationError) as refused:
        quiz(**(usual | changes))
    assert [one["type"] for one in refused.value.errors()] == [code]


def test_all_questions_of_a_line_may_be_worth_different_points_if_all_are_on_every_paper() -> None:
    of = quiz(questions=(of_level(0, "天文", "easy", 2), HARD), blueprint={"天文": 2})
    assert of.half_points_max == 6


def test_an_open_quiz_keeps_its_points_and_what_wrong_answers_cost() -> None:
    of = quiz(blueprint={"天文": 6, "健康": 4})
    first, *others = of.questions
    for changes in (
        {"points": {"single": 2}},
        {"wrong_costs": 0.5},
        {"multiple_choice": "each_right"},
        {"questions": (first.model_copy(update={"points": 2}), *others)},
    ):
        assert not of.model_copy(update=changes).keeps_to(of), changes
    assert of.model_copy(update={"title": "另一个"}).keeps_to(of)

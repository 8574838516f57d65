"""Which questions a paper has, and that anybody can draw it from what is published."""

import json
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.quiz.attempts.rules import attempt_id
from services.quiz.quizzes.events import published
from services.quiz.quizzes.papers import DRAWN_VERSIONS_MAX, Drawn, draw, lay_out, paper_number
from services.quiz.quizzes.rules import Quiz
from shared.runtime.errors import Rejected
from tests.quiz.builders import question, quiz

NOW = datetime(2026, 9, 1, tzinfo=UTC)

TOPICS = ["天文", "健康", "农业"]


@st.composite
def quizzes(draw: st.DrawFn) -> Quiz:
    topics = draw(st.lists(st.sampled_from(TOPICS), min_size=1, max_size=30))
    there = Counter(topics)
    blueprint = {topic: draw(st.integers(1, count)) for topic, count in there.items()}
    questions = tuple(question(n, topic) for n, topic in enumerate(topics))
    return quiz(questions=questions, blueprint=blueprint, papers=draw(st.integers(1, 4096)))


def drawn_elsewhere(told: dict[str, Any], participant_id: str, day: str, number: int) -> tuple[str, set[str]]:
    """The published rule of `QuizPublished`, from the event's JSON alone and without a line of ours."""
    quiz_id = told["quiz_id"]
    attempt = uuid5(UUID(told["attempt_ids"]), f"{quiz_id}/{participant_id}/{day}/{number}")
    paper = attempt.int % told["papers"]

    def place(question_id: str) -> str:
        return sha256(f"{quiz_id}/{paper}/{question_id}".encode()).hexdigest()

    ids: set[str] = set()
    for topic, count in told["blueprint"].items():
        of_topic = [one["id"] for one in told["questions"] if one["topic_name"] == topic]
        ids.update(sorted(of_topic, key=place)[:count])
    return str(attempt), ids


@settings(max_examples=30)
@given(quizzes(), st.integers(0, 4095))
def test_a_draw_meets_the_blueprint_and_is_the_same_every_time(of: Quiz, number: int) -> None:
    drawn = draw("contest", of, number)
    assert Counter(one.topic for one in drawn) == Counter(of.blueprint)
    assert len({one.id for one in drawn}) == len(drawn)
    assert lay_out("contest", of, number) == lay_out("contest", of.model_copy(deep=True), number)


@settings(max_examples=30)
@given(quizzes(), st.uuids(), st.dates(), st.integers(1, 20))
def test_another_system_draws_the_same_from_the_event_alone(
    of: Quiz, who: UUID, day: object, number: int
) -> None:
    told = json.loads(published("contest", of, 1, NOW).event.model_dump_json())
    attempt, ids = drawn_elsewhere(told, str(who), str(day), number)
    assert attempt == attempt_id("contest", str(who), str(day), number)
    assert ids == lay_out("contest", of, paper_number(attempt, of.papers)).question_ids


def test_papers_differ_in_their_questions_and_quizzes_in_their_papers() -> None:
    of = quiz()
    assert len({lay_out("contest", of, n).question_ids for n in range(16)}) > 8
    assert lay_out("contest", of, 0).question_ids != lay_out("another", of, 0).question_ids


def test_questions_go_out_without_key_explanation_and_source() -> None:
    secret = question(1).model_copy(update={"explanation": "因为", "source": "教材"})
    of = quiz(questions=(secret,), blueprint={"天文": 1})
    put = json.loads(lay_out("contest", of, 0).questions_json)
    assert [sorted(one) for one in put] == [["id", "kind", "options", "points", "text", "topic"]]
    told = published("contest", of, 1, NOW).event.model_dump_json()
    assert "因为" not in told
    assert "教材" not in told
    assert '"key"' not in told


def test_options_are_shuffled_between_papers_but_keep_their_letters() -> None:
    of = quiz(questions=(question(1), question(2, kind="true_false")), blueprint={"天文": 2})
    orders: dict[str, set[str]] = {"q1": set(), "q2": set()}
    for number in range(16):
        for one in json.loads(lay_out("contest", of, number).questions_json):
            orders[one["id"]].add("".join(option["id"] for option in one["options"]))
            assert all(option["text"] == f"{one['id'][1:]}{option['id']}" for option in one["options"])
    assert len(orders["q1"]) > 4
    assert orders["q2"] == {"AB"}, "true comes before false on every paper"


def test_the_sample_quiz_can_be_published() -> None:
    folder = Path(__file__).parents[3] / "sample" / "puyang-2023"
    sample = json.loads((folder / "quiz.json").read_text())["quiz"]
    questions = json.loads((folder / "questions.json").read_text())["questions"]
    of = Quiz.model_validate(sample | {"questions": questions})
    assert of.opens_at < datetime(2023, 5, 31, tzinfo=UTC)
    assert len(draw("puyang-2023-contest", of, 1)) == sum(of.blueprint.values())


def test_a_paper_of_an_id_that_is_no_uuid_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        paper_number("anything", 16)
    assert refused.value.code == "attempt_unknown"


@given(st.uuids(), st.integers(1, 4096))
def test_a_paper_is_the_ids_number_in_whatever_form_it_is_written(id_: UUID, papers: int) -> None:
    forms = (str(id_), id_.hex, str(id_).upper(), id_.urn, f"{{{id_}}}")
    assert {paper_number(form, papers) for form in forms} == {id_.int % papers}


def test_papers_that_are_remembered_are_those_that_are_drawn() -> None:
    first = quiz(questions=tuple(question(n, TOPICS[n % 3]) for n in range(12)), papers=20)
    second = quiz(questions=tuple(question(n, TOPICS[n % 3]) for n in range(9)), papers=20)
    others = [first.model_copy() for _ in range(DRAWN_VERSIONS_MAX)]
    drawn = Drawn()
    # Two versions in turn, then more than are remembered.
    for of in (first, second, first, *others, second):
        for number in range(20):
            assert drawn.paper("contest", of, number) == draw("contest", of, number)
            assert drawn.paper("contest", of, number) is drawn.paper("contest", of, number)

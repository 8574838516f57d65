"""Points of questions, policies for multiple choice, and what wrong answers cost."""

from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.audit.papers import points_of
from services.quiz.review.rules import review
from services.quiz.scoring.rules import (
    KeyedQuestion,
    answer_key,
    grade,
    half_points_of,
    mark,
    packed,
)
from shared.contracts.events import MultipleChoice
from tests.quiz.builders import question, quiz
from tests.quiz.scoring.test_rules import ANSWERS, LETTERS, single

POLICIES = st.sampled_from(get_args(MultipleChoice))


@st.composite
def keys(draw: st.DrawFn) -> list[KeyedQuestion]:
    """The keys of a paper with any worth, policy and costs; some questions are cancelled or taken out."""
    policy, costs = draw(POLICIES), draw(st.integers(0, 6))
    found = []
    for n in range(draw(st.integers(1, 30))):
        letters, several = draw(LETTERS), draw(st.booleans())
        cancelled = draw(st.sampled_from([False, False, False, True]))
        worth = draw(st.integers(0 if cancelled else 1, 12))
        key = letters if several else letters[0]
        found.append(KeyedQuestion(f"q{n}", key, several, cancelled, worth, policy, costs))
    return found


@given(ANSWERS, keys())
def test_marking_in_one_pass_is_grading_for_every_policy(
    answers: dict[str, str], key: list[KeyedQuestion]
) -> None:
    assert mark(answers, answer_key(key)) == (grade(answers, key), packed(answers, key))


@given(ANSWERS, keys())
def test_points_are_within_the_paper_for_every_policy(
    answers: dict[str, str], key: list[KeyedQuestion]
) -> None:
    whole = sum(one.worth for one in key)
    assert 0 <= grade(answers, key) <= whole
    assert grade({one.question_id: one.key for one in key}, key) == whole


@given(ANSWERS, keys())
def test_the_audit_computes_the_same_by_the_published_rules(
    answers: dict[str, str], key: list[KeyedQuestion]
) -> None:
    rules = {"multiple_choice": key[0].policy, "wrong_costs": key[0].wrong_costs / 2}
    points = sum(
        Fraction(one.worth, 2)
        if one.cancelled
        else points_of(
            rules,
            {"kind": "multiple" if one.several else "single"},
            Fraction(one.worth, 2),
            answers.get(one.question_id, ""),
            frozenset(one.key),
        )
        for one in key
    )
    assert max(points, 0) == Fraction(grade(answers, key), 2)


@pytest.mark.parametrize(
    ("policy", "worth", "half_points"),
    # Of the key ABC: one right letter, two, all, one with a wrong one, a wrong one.
    [
        ("partial", 2, [1, 1, 2, 0, 0]),
        ("partial", 5, [2, 2, 5, 0, 0]),
        ("all_or_nothing", 2, [0, 0, 2, 0, 0]),
        ("each_right", 6, [2, 4, 6, 0, 0]),
        ("each_right", 2, [0, 1, 2, 0, 0]),
    ],
)
def test_the_policy_says_what_some_right_letters_give(
    policy: MultipleChoice, worth: int, half_points: list[int]
) -> None:
    key = KeyedQuestion("q", "ABC", True, worth=worth, policy=policy)
    assert [half_points_of(answer, key) for answer in ("A", "CA", "CBA", "AD", "D")] == half_points


@pytest.mark.parametrize(
    ("policy", "half_points"),
    # Some right letters are no wrong answer, except where only all of them give something.
    [("partial", [1, -3, -3]), ("all_or_nothing", [-3, -3, -3]), ("each_right", [1, -3, -3])],
)
def test_a_wrong_answer_costs_points_and_no_answer_costs_nothing(
    policy: MultipleChoice, half_points: list[int]
) -> None:
    key = KeyedQuestion("q", "AB", True, policy=policy, wrong_costs=3)
    assert [half_points_of(answer, key) for answer in ("A", "AC", "C")] == half_points
    assert half_points_of(None, key) == 0
    assert half_points_of("B", key._replace(key="A", several=False)) == -3


def test_a_paper_never_has_fewer_than_no_points() -> None:
    key = [KeyedQuestion(f"q{n}", "A", False, wrong_costs=3) for n in range(3)]
    assert grade({"q0": "A", "q1": "B"}, key) == 0
    assert mark({"q0": "A", "q1": "B", "q2": "A"}, answer_key(key)).half_points == 1


def test_a_usual_paper_is_marked_without_weights() -> None:
    usual = single(3)
    assert answer_key(usual).weights is None
    # Nobody's answer to a question that is taken out is looked at.
    out = [*usual, KeyedQuestion("out", "A", False, cancelled=True, worth=0)]
    assert answer_key(out).weights is None
    assert mark({"q0": "A", "out": "A"}, answer_key(out)).half_points == 2
    assert answer_key([*usual, KeyedQuestion("two", "A", False, worth=4)]).weights is not None


def test_a_review_shows_what_each_question_is_worth() -> None:
    of = quiz(
        questions=(question(1).model_copy(update={"points": 2.5}), question(2), question(3, kind="multiple")),
        blueprint={"天文": 3},
        points={"multiple": 4},
        wrong_costs=0.5,
    )
    shown = review(of.questions, "A,B,A", marking=of.marking)
    assert [(one.points, one.worth, one.right) for one in shown] == [
        (2.5, 2.5, True),
        (-0.5, 1, False),
        (4, 4, True),
    ]

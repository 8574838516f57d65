"""How answers become a score."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.quiz.review.rules import review
from services.quiz.scoring.rules import (
    KeyedQuestion,
    answer_key,
    grade,
    half_points_of,
    mark,
    packed,
    passes,
    score_percent,
    unpacked,
)
from shared.runtime.errors import Rejected
from tests.quiz.builders import question

LETTERS = st.sets(st.sampled_from("ABCDEFGH"), min_size=1).map(lambda letters: "".join(sorted(letters)))
KEYS = st.lists(st.tuples(LETTERS, st.booleans()), min_size=1, max_size=30).map(
    lambda found: [
        KeyedQuestion(f"q{n}", key if several else key[0], several) for n, (key, several) in enumerate(found)
    ]
)
ANSWERS = st.dictionaries(
    st.integers(0, 29).map(lambda n: f"q{n}"), st.text("ABCDEFGH", min_size=1, max_size=8)
)


def single(count: int) -> list[KeyedQuestion]:
    return [KeyedQuestion(f"q{n}", "A", False) for n in range(count)]


def several(key: str) -> KeyedQuestion:
    return KeyedQuestion("q", key, True)


@pytest.mark.parametrize(
    ("right", "of", "percent"),
    [(0, 5, 0), (5, 5, 100), (1, 3, 33), (2, 3, 66), (1, 8, 12), (3, 8, 37), (1, 200, 0), (199, 200, 99)],
)
def test_what_is_shown_is_whole_percent_rounded_down(right: int, of: int, percent: int) -> None:
    reached = grade({f"q{n}": "A" for n in range(right)}, single(of))
    assert reached == 2 * right
    assert score_percent(reached, 2 * of) == percent


@pytest.mark.parametrize(
    ("reached", "half_points_max", "pass_percent", "passed"),
    # 25 of 42 half points are 59.52 %.
    [(25, 42, 60, False), (24, 40, 60, True), (23, 40, 60, False), (0, 40, 0, True), (399, 400, 100, False)],
)
def test_points_decide_passing_and_nothing_is_rounded(
    reached: int, half_points_max: int, pass_percent: int, passed: bool
) -> None:
    assert passes(reached, half_points_max, pass_percent) == passed


def test_unanswered_question_counts_as_wrong() -> None:
    assert grade({"q0": "A"}, single(2)) == grade({"q0": "A", "q1": "B"}, single(2)) == 2


@pytest.mark.parametrize(
    ("answer", "worth"),
    [("ACD", 2), ("A", 1), ("AC", 1), ("AB", 0), ("ABCD", 0), ("B", 0), ("AACD", 2), ("AA", 1), (None, 0)],
)
def test_several_right_options_give_half_for_some_and_nothing_with_a_wrong_one(
    answer: str | None, worth: int
) -> None:
    assert half_points_of(answer, several("ACD")) == worth


def test_the_order_of_letters_does_not_matter() -> None:
    assert {half_points_of("".join(letters), several("ACD")) for letters in permutations("ACD")} == {2}


def test_several_letters_are_wrong_where_one_is_right() -> None:
    assert half_points_of("AB", KeyedQuestion("q", "A", False)) == 0


def test_a_paper_without_questions_gives_no_score() -> None:
    with pytest.raises(Rejected) as refused:
        grade({}, [])
    assert refused.value.code == "paper_empty"


@given(ANSWERS, KEYS)
def test_a_score_is_the_share_of_half_points_within_bounds(
    answers: dict[str, str], key: list[KeyedQuestion]
) -> None:
    reached, all_ = grade(answers, key), 2 * len(key)
    assert reached == sum(half_points_of(answers.get(one.question_id), one) for one in key)
    shown = score_percent(reached, all_)
    assert shown <= 100 * reached / all_ < shown + 1
    assert (shown == 100) == (reached == all_)


@given(KEYS)
def test_the_key_itself_scores_everything(key: list[KeyedQuestion]) -> None:
    assert grade({one.question_id: one.key for one in key}, key) == 2 * len(key)


@given(ANSWERS, KEYS)
def test_packed_answers_come_back_as_they_were(answers: dict[str, str], key: list[KeyedQuestion]) -> None:
    assert unpacked(packed(answers, key)) == [answers.get(one.question_id) for one in key]


def test_a_review_shows_each_answer_beside_its_key() -> None:
    asked = [question(1, key="B"), question(2, kind="multiple", key="AC"), question(3)]
    right, half, none = review(asked, "B,C,")
    assert (right.answer, right.right, right.points) == ("B", True, 1)
    assert (half.answer, half.right, half.points) == ("C", False, 0.5)
    assert (none.answer, none.right, none.points) == (None, False, 0)


def test_a_review_of_an_attempt_never_submitted_has_no_answers() -> None:
    assert [one.answer for one in review([question(1), question(2)], None)] == [None, None]


@given(ANSWERS, KEYS)
def test_marking_in_one_pass_gives_the_same_score_and_answers(
    answers: dict[str, str], key: list[KeyedQuestion]
) -> None:
    assert mark(answers, answer_key(key)) == (grade(answers, key), packed(answers, key))


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(Rejected):
        answer_key([])

"""The keys of now, wherever they are used: papers, review and statistics."""

from datetime import UTC, datetime

from services.quiz.quizzes.keys import Keys, asked
from services.quiz.quizzes.papers import draw, lay_out, paper_number
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.record import Correction
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Answered
from services.quiz.review.rules import review
from services.quiz.scoring.rules import grade, mark, packed
from services.quiz.statistics.counting import Counting
from tests.quiz.builders import attempt, question, quiz


def corrected(number: int, of: Question, key: str | None) -> Correction:
    return Correction(number, of.id, asked(of), key, "why", "an organiser", datetime.now(UTC))


def with_key(of: Quiz, question_id: str, key: str) -> Quiz:
    questions = [
        one.model_copy(update={"key": key}) if one.id == question_id else one for one in of.questions
    ]
    return of.model_copy(update={"questions": tuple(questions)})


def test_a_corrected_key_grades_like_a_quiz_with_that_key_and_a_cancelled_question_gives_its_point() -> None:
    of = quiz()
    keys = Keys(
        [corrected(1, question(1), "C"), corrected(2, question(2), "B"), corrected(3, question(2), None)]
    )
    like = with_key(of, "q1", "C")
    for number in range(16):
        ours, theirs = lay_out("one", of, number, keys), lay_out("one", like, number)
        for letter in "ABCD":
            answers = {id_: letter for id_ in ours.question_ids if id_ != "q2"}
            expected = grade(answers, theirs.key) + 2 * ("q2" in ours.question_ids)
            assert mark(answers, ours.answer_key).half_points == grade(answers, ours.key) == expected


def test_a_correction_is_not_about_another_question_under_the_same_id() -> None:
    other = question(1).model_copy(update={"text": "another one"})
    keys = Keys([corrected(1, question(1), None)])
    assert keys.is_cancelled(question(1))
    assert not keys.is_cancelled(other)
    # The explanation, the source and the key are nothing that participants read before the close.
    assert keys.is_cancelled(question(1).model_copy(update={"explanation": "more", "key": "D"}))


def test_the_review_shows_the_key_of_now() -> None:
    keys = Keys([corrected(1, question(1), "C"), corrected(2, question(2), None)])
    first, second, third = review([question(1), question(2), question(3)], "C,,B", keys)
    assert (first.question.key, first.points, first.cancelled) == ("C", 1, False)
    assert (second.question.key, second.points, second.cancelled) == ("A", 1, True)
    assert (third.question.key, third.points) == ("A", 0)


def test_statistics_count_by_the_keys_of_now() -> None:
    of, like = quiz(), with_key(quiz(), "q1", "C")
    keys = Keys([corrected(1, question(1), "C")])
    results = []
    for n in range(40):
        who = attempt("one", of, f"p{n}").attempt_id
        questions = draw("one", of, paper_number(who, of.papers))
        answers = {one.id: "ABCD"[(n + place) % 4] for place, one in enumerate(questions)}
        paper = lay_out("one", like, paper_number(who, of.papers))
        results.append(Answered(who, 1, f"p{n}", grade(answers, paper.key), packed(answers, paper.key)))
    ours, theirs = Counting("one", {1: of}, keys), Counting("one", {1: like})
    for counting in (ours, theirs):
        counting.add(results)
        while counting.fold():
            pass
    assert [one.question.key for one in ours.asked] == [one.question.key for one in theirs.asked]
    sums = [
        {number: one.item.sums() for number, one in counting.tally.questions.items()}
        for counting in (ours, theirs)
    ]
    assert sums[0] == sums[1]
